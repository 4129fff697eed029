"""A digest as one HTML file with nothing to fetch, and as Markdown. Neither holds a word of a report's text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from markupsafe import Markup
from pycountry import countries, languages

from pipeline.atlas import CAVEAT, Spot, draw
from pipeline.digest.drift import Drift
from pipeline.digest.figures import Digest
from pipeline.taxonomy import load_taxonomy

LEVELS = ("critical", "high", "medium", "low", "undecided")


def as_html(digest: Digest, *, chain: str | None = None, drift: Sequence[Drift] = ()) -> str:
    """One self-contained page; `chain` is what the check of the audit chain said, `drift` what was compared."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    types = {violation.id: violation.name for violation in load_taxonomy().violations}
    environment.filters["plain"] = lambda name: types.get(name) or str(name).replace("_", " ")
    template = environment.from_string(files("pipeline.digest").joinpath("digest.html").read_text(encoding="utf-8"))
    return template.render(
        d=digest, chain=chain, drift=drift, levels=[(level, digest.by_urgency[level]) for level in LEVELS if digest.by_urgency[level]],
        bars={
            "By type": _bars(digest.by_violation), "By country": _bars(_named(digest.by_country, countries)),
            "Perpetrators named, by type": _bars(digest.by_actor_type), "By language": _bars(_named(digest.by_language, languages)),
        },
        map=_map(digest.by_place), caveat=CAVEAT,
    )  # fmt: skip


def as_values(digest: Digest) -> dict[str, Any]:
    """The digest's figures for programs."""
    item = ("queue", "report", "id", "due")
    return {
        **vars(digest),
        "by_place": [
            {"name": name, "lat": lat, "lon": lon, "reports": count}
            for (name, lat, lon), count in digest.by_place.most_common()
        ],
        "rises": [asdict(rise) for rise in digest.rises],
        "critical": [dict(zip(item, row, strict=True)) for row in digest.critical],
        "overdue": [dict(zip(item, row, strict=True)) for row in digest.overdue],
        "failing": [{"destination": name, "since": since} for name, since in digest.failing],
    }


def as_markdown(digest: Digest, *, drift: Sequence[Drift] = ()) -> str:
    """The digest in short, for a run's artifact: counts and ids only."""
    urgency = ", ".join(f"{digest.by_urgency[level]} {level}" for level in LEVELS if digest.by_urgency[level])
    lines = [
        f"# Night to {digest.until:%Y-%m-%d}", "",
        f"{digest.received} received = {digest.accepted} accepted + {digest.duplicates} duplicate + "
        f"{digest.quarantined} quarantined; {digest.triaged} triaged ({urgency or 'none'}).", "",
        f"{digest.critical_items} critical items open, {digest.overdue_items} overdue, {digest.deliveries.get('dead', 0)} dead letters.",
        *(f"- {name} has taken nothing since {since:%Y-%m-%d %H:%M} UTC" for name, since in digest.failing),
        *(f"- {rise.violation.replace('_', ' ')}: {rise.today} against {rise.expected} expected" for rise in digest.rises),
        *(f"- {found.sentence}" for found in drift if found.sentence),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _named(counts: Counter[str], known: Any) -> Counter[str]:
    """The same counts under the names of countries or languages, in place of their codes."""

    def name(code: str) -> str:
        found = known.get(alpha_2=code) if len(code) == 2 else None
        return str(getattr(found, "common_name", found.name)) if found else code

    return Counter({name(code): count for code, count in counts.items()})


def _bars(counts: Counter[str], most: int = 12) -> list[dict[str, Any]]:
    top = max(counts.values(), default=1)
    return [{"name": n, "count": c, "width": round(100 * c / top)} for n, c in counts.most_common(most)]


def _map(counts: Counter[tuple[str, float, float]], most: int = 12) -> Markup | None:
    """Where the places named lie, the `most` told of by name, on the map and in its words; None where nothing was placed."""
    spots = [
        Spot(name if rank < most else "", lat, lon, title=f"{name or 'a point'}: {count}", size=3 + 2 * count**0.5)
        for rank, ((name, lat, lon), count) in enumerate(counts.most_common(200))
    ]
    if not spots:
        return None
    told = ", ".join(spot.title for spot in spots[:most])
    more = len(counts) - most
    label = (
        f"Map of the places named, with how many reports tell of them: {told}{f'; and {more} more' if more > 0 else ''}"
    )
    return draw(spots, label=label, width=720, height=360)
