"""A digest as one HTML file with nothing to fetch, and as Markdown. Neither holds a word of a report's text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment

from pipeline.digest.drift import Drift
from pipeline.digest.figures import Digest

LEVELS = ("critical", "high", "medium", "low", "undecided")
LETTER = (7, 13)
"""Width and height of a letter on the map, in the map's own units."""
DEGREES = 10
"""Margin of the map around its outermost places; also the width of its grid."""


def as_html(digest: Digest, *, chain: str | None = None, drift: Sequence[Drift] = ()) -> str:
    """One self-contained page; `chain` is what the check of the audit chain said, `drift` what was compared."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["plain"] = lambda name: str(name).replace("_", " ")
    template = environment.from_string(files("pipeline.digest").joinpath("digest.html").read_text(encoding="utf-8"))
    return template.render(
        d=digest, chain=chain, drift=drift, levels=[(level, digest.by_urgency[level]) for level in LEVELS if digest.by_urgency[level]],
        bars={
            "By type": _bars(digest.by_violation), "By country": _bars(digest.by_country),
            "Perpetrators named, by type": _bars(digest.by_actor_type), "By language": _bars(digest.by_language),
        },
        dots=(dots := [_dot(name, lat, lon, count) for (name, lat, lon), count in digest.by_place.most_common(200)]),
        box=(box := _box(dots)), named=_named(dots, box),
    )  # fmt: skip


def as_markdown(digest: Digest, *, drift: Sequence[Drift] = ()) -> str:
    """The digest in short, for a run's artifact: counts and ids only."""
    urgency = ", ".join(f"{digest.by_urgency[level]} {level}" for level in LEVELS if digest.by_urgency[level])
    lines = [
        f"# Night to {digest.until:%Y-%m-%d}", "",
        f"{digest.received} received = {digest.accepted} accepted + {digest.duplicates} duplicate + "
        f"{digest.quarantined} quarantined; {digest.triaged} triaged ({urgency or 'none'}).", "",
        f"{len(digest.critical)} critical items open, {len(digest.overdue)} overdue, {digest.deliveries.get('dead', 0)} dead letters.",
        *(f"- {name} has taken nothing since {since:%Y-%m-%d %H:%M} UTC" for name, since in digest.failing),
        *(f"- {rise.violation.replace('_', ' ')}: {rise.today} against {rise.expected} expected" for rise in digest.rises),
        *(f"- {found.sentence}" for found in drift if found.sentence),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _bars(counts: Counter[str], most: int = 12) -> list[dict[str, Any]]:
    top = max(counts.values(), default=1)
    return [{"name": n, "count": c, "width": round(100 * c / top)} for n, c in counts.most_common(most)]


def _dot(name: str, lat: float, lon: float, count: int) -> dict[str, Any]:
    """A place on an equirectangular map, in degrees from its upper left corner."""
    return {"name": name, "count": count, "x": round(lon + 180, 2), "y": round(90 - lat, 2)}


def _named(dots: list[dict[str, Any]], box: dict[str, Any], most: int = 12) -> list[dict[str, Any]]:
    """The places whose names are written beside them: the most told of, where no name covers another."""
    named: list[dict[str, Any]] = []
    for dot in dots:
        if (
            dot["name"]
            and len(named) < most
            and not any(
                abs(dot["y"] - other["y"]) < LETTER[1] * box["unit"]
                and -len(dot["name"]) * LETTER[0] * box["unit"]
                < dot["x"] - other["x"]
                < len(other["name"]) * LETTER[0] * box["unit"]
                for other in named
            )
        ):
            named.append(dot)
    return named


def _box(dots: list[dict[str, Any]]) -> dict[str, Any]:
    """The part of the map that holds the places, twice as wide as high, in whole grid squares."""
    if not dots:
        return {}
    left, right = (min(d["x"] for d in dots) - DEGREES, max(d["x"] for d in dots) + DEGREES)
    top, bottom = (min(d["y"] for d in dots) - DEGREES / 2, max(d["y"] for d in dots) + DEGREES / 2)
    width = max(right - left, 2 * (bottom - top))
    height = width / 2
    left, top = (left + right - width) / 2, (top + bottom - height) / 2
    grid = DEGREES if width > 60 else 5
    return {
        "left": round(left, 2), "top": round(top, 2), "width": round(width, 2), "height": round(height, 2), "unit": width / 720,
        "xs": [x for x in range(0, 361, grid) if left < x < left + width],
        "ys": [y for y in range(0, 181, grid) if top < y < top + height],
    }  # fmt: skip
