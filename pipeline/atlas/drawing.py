"""Places on the outlines of their countries, with names beside them, as one SVG; its colours are the page's own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from math import cos, radians

import numpy as np
from jinja2 import Environment, Template
from markupsafe import Markup

from pipeline.atlas.outlines import Country, Ring, countries, country_names

CAVEAT = "Outlines: Natural Earth; borders as they are held, of no meaning for whose a territory is."
"""What stands under every map."""
KM = 1 / 111.2
"""A kilometre in degrees of latitude."""
MARGIN, LEAST = 250 * KM, 700 * KM
"""Around the outermost places, beside the tenth that `WIDER` adds, and the least width: what is around a village is not told by the village alone."""
WIDER = 1.1
FONT = 11
"""Height of the names, in units of the drawing; a letter is taken to be `LETTER` wide."""
LETTER = 6.2


@dataclass(frozen=True)
class Spot:
    """A point with a name, or none; not `sure` where it is the middle of a district, say. `size` is its radius."""

    name: str
    lat: float
    lon: float
    iso2: str | None = None
    title: str = ""
    sure: bool = True
    size: float = 4


@dataclass(frozen=True)
class Frame:
    """The part of the world that is drawn: the unit of the drawing in degrees of latitude, its upper left corner.

    Equirectangular, true to scale along the middle parallel: `stretch` is its cosine.
    """

    left: float
    top: float
    unit: float
    stretch: float
    width: int
    height: int

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        return round((lon * self.stretch - self.left) / self.unit, 1), round((self.top - lat) / self.unit, 1)


@dataclass(frozen=True)
class Name:
    """Words and the rectangle that they take; they begin at its left lower corner."""

    words: str
    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: Name) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def draw(
    spots: Sequence[Spot], *, label: str, within: Collection[str] = (), width: int = 400, height: int = 250
) -> Markup:
    """A map of one or more spots for inline use; `label` says the same in words. The countries `within` are tinted and in view."""
    known = countries()
    frame = framed(
        spots, [c for c in known if c.iso2 in within and c.iso2 not in {s.iso2 for s in spots}], width, height
    )
    land = [(path, c.iso2 in within) for c in known if (path := _land(c, frame))]
    placed = [(spot, *frame.at(spot.lon, spot.lat)) for spot in spots]
    return Markup(
        _template().render(frame=frame, land=land, placed=placed, names=named(placed, frame), label=label, font=FONT)
    )


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files("pipeline.atlas").joinpath("map.html").read_text(encoding="utf-8"))


def in_words(spots: Iterable[Spot]) -> str:
    """The names by country, for who does not see the map."""
    spots = list(spots)
    names = sorted({(country_names().get(s.iso2 or "", ""), s.name) for s in spots if s.name})
    said = []
    for country, pairs in groupby(names, key=lambda pair: pair[0]):
        *most, last = [name for _, name in pairs]
        said.append((f"{', '.join(most)} and {last}" if most else last) + (f" in {country}" if country else ""))
    if nameless := sum(not s.name for s in spots):
        said.append(f"{nameless} point{'' if nameless == 1 else 's'} without a name")
    return "; ".join(said)


def framed(spots: Sequence[Spot], whole: Sequence[Country], width: int, height: int) -> Frame:
    """The frame that holds the spots with a margin, and the main parts of the countries that are to be seen `whole`."""
    corners = [corner for c in whole for corner in (c.rings[0].min(axis=0), c.rings[0].max(axis=0))]
    points = np.array([*((spot.lon, spot.lat) for spot in spots), *corners], dtype=float)
    (west, south), (east, north) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    stretch = max(cos(radians((south + north) / 2)), 0.2)
    across, down = (east - west) * stretch * WIDER + 2 * MARGIN, (north - south) * WIDER + 2 * MARGIN
    unit = max(across / width, down / height, LEAST / width)
    left = (west + east) / 2 * stretch - unit * width / 2
    return Frame(left, (south + north) / 2 + unit * height / 2, unit, stretch, width, height)


def named(placed: Sequence[tuple[Spot, float, float]], frame: Frame) -> list[Name]:
    """The names that fit beside their points, the first spots' first: none covers another, or a point, or leaves the frame."""
    points = [Name("", x - s.size, y - s.size, x + s.size, y + s.size) for s, x, y in placed]
    found: list[Name] = []
    for spot, x, y in placed:
        long, gap = len(spot.name) * LETTER, spot.size + 2
        right, before, middle, above, below = x + gap, x - gap - long, y - FONT / 2, y - spot.size - FONT, y + spot.size
        for left, top in (
            (right, middle), (before, middle), (x - long / 2, above), (x - long / 2, below), (right, above), (right, below),
            (before, above), (before, below),
        ):  # fmt: skip
            name = Name(spot.name, round(left, 1), round(top, 1), round(left + long, 1), round(top + FONT, 1))
            inside = left > 0 and top > 0 and name.right < frame.width and name.bottom < frame.height
            if spot.name and inside and not any(name.covers(other) for other in (*found, *points)):
                found.append(name)
                break
    return found


def _land(country: Country, frame: Frame) -> str:
    """The parts of a country that may lie in the frame, by their bounds, as one path."""
    west, north = frame.left / frame.stretch, frame.top
    east, south = west + frame.width * frame.unit / frame.stretch, north - frame.height * frame.unit
    ends = country.bounds
    inside = (ends[:, 0] < east) & (ends[:, 2] > west) & (ends[:, 1] < north) & (ends[:, 3] > south)
    return "".join(_path(country.rings[i], frame) for i in np.flatnonzero(inside))


def _path(ring: Ring, frame: Frame) -> str:
    """A ring as a path, without what cannot be told apart at this scale or lies outside; empty where nothing is left."""
    line = np.column_stack([
        (ring[:, 0] * frame.stretch - frame.left) / frame.unit, (frame.top - ring[:, 1]) / frame.unit,
    ])  # fmt: skip
    for axis, most in enumerate((frame.width, frame.height)):
        # A run of points beyond one side is as well drawn by its first and last: the line between them is beyond it too.
        side = (line[:, axis] < -9) * 1 + (line[:, axis] > most + 9) * 2
        idle = (side[1:-1] > 0) & (side[:-2] == side[1:-1]) & (side[2:] == side[1:-1])
        line = line[np.concatenate([[True], ~idle, [True]])]
    line = np.round(line)
    line = line[np.concatenate([[True], (np.diff(line, axis=0) != 0).any(axis=1)])]
    if len(line) < 4 or np.ptp(line, axis=0).max() < 2:
        return ""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in line[:-1]) + "Z"
