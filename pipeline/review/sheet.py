"""A report as a page lays it out: the text with its marks, types with probabilities, urgency, as far as one may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup
from sqlalchemy import Connection

from pipeline.access import Access
from pipeline.atlas import Spot, draw, in_words
from pipeline.results import report_results
from pipeline.review.marks import marks_of, mentions_of, pieces
from pipeline.review.standing import Standing, standing
from pipeline.store import reports
from pipeline.taxonomy import Taxonomy

RIGHT_TO_LEFT = ("ar", "fa", "he", "ur", "ps")


def sheet(
    connection: Connection, seq: int, *, word: Mapping[str, Any] | None, focus: str, access: Access, taxonomy: Taxonomy
) -> dict[str, Any]:
    """What the templates of a report need; `word` is what is in force for this reader, None where a model alone spoke."""
    report = reports.load(connection, [seq])[seq]
    result = report_results(connection, [seq])[seq]
    found = [v for v in result["violations"] or _unread(taxonomy) if v["id"] not in access.hidden_types]
    violations = sorted(found, key=lambda v: -(v["probability"] or 0))
    # The marks and the map too know nothing of hidden types, nor of what was said elsewhere.
    stands = standing(result, word, report.text)
    result = {
        **result,
        "violations": violations,
        "places": stands.places,
        "actors": stands.actors,
        "dates": stands.dates,
    }
    mentions = mentions_of(stands)
    decided = set(word["violations"]) if word else {v["id"] for v in violations if v["decided"]}
    if focus not in {"urgency", *(v["id"] for v in violations)}:
        focus = next((v["id"] for v in violations if v["id"] in decided), "urgency")
    return {
        "report": report, "result": result, "focus": focus, "mentions": mentions, "hidden": access.hidden_types,
        "word": word, "removed": stands.removed, "decided": decided,
        "urgency": word["urgency"] if word else (result["urgency"] or {}).get("id"),
        "pieces": (cut := pieces(report.text, marks_of(result, mentions, focus=focus))),
        "has_evidence": any("evidence" in piece.marks for piece in cut),
        "violations": violations, "levels": list(taxonomy.urgency_ids),
        "names": {v.id: v.name for v in taxonomy.violations},
        "abstained": [a for a in result["abstained"] if a not in access.hidden_types],
        "rtl": report.language in RIGHT_TO_LEFT, "map": _map(stands, report.country, by=word["by"] if word else ""),
    }  # fmt: skip


def _map(stands: Standing, country: str | None, *, by: str) -> Markup | None:
    """The places in force that have a point, each once, on the outlines of their countries; None where none has."""
    spots = list(dict.fromkeys(_spot(place) for place in stands.places if place["lat"] is not None))
    countries = {code for code in (country, *(spot.iso2 for spot in spots)) if code}
    corrected = bool(stands.removed or any(place["said_by"] for place in stands.places))
    label = f"Map{f' as corrected by {by}' if corrected else ''}: {in_words(spots)}"
    return draw(spots, label=label, within=countries) if spots else None


def _spot(place: Mapping[str, Any]) -> Spot:
    doubt = (
        place["precision"]
        if place["precision"] != "exact"
        else "if the name is misspelt"
        if place["reason"] == "alike"
        else ""
    )
    name = place["name"] or ""
    return Spot(
        name, place["lat"], place["lon"], place["iso2"], sure=not doubt,
        title=f"{name or 'a point'} ({doubt})" if doubt else name,
    )  # fmt: skip


def _unread(taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """All types without a probability, for people to choose from where the model does not read the language."""
    return [{"id": ident, "probability": None, "decided": False, "evidence": []} for ident in taxonomy.violation_ids]
