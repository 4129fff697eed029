"""Assessments as JSON documents: how they are stored, and how results are written.

A stored body holds offsets and values, no wording of the report but for the noun of a count (`farmers`): the
rest is taken from the report when a document is made for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pipeline.report import (
    Actor,
    Assessment,
    Count,
    DateMention,
    Entities,
    Evidence,
    Place,
    Report,
    UrgencyDecision,
    ViolationDecision,
)

PROBABILITY_DIGITS = 6


def assessment_body(assessment: Assessment) -> dict[str, Any]:
    """What is stored of an assessment."""
    entities = assessment.entities
    return {
        "violations": [
            {
                "id": v.id,
                "probability": round(v.probability, PROBABILITY_DIGITS),
                "decided": v.decided,
                "evidence": [_evidence(e) for e in v.evidence],
            }
            for v in assessment.violations
        ],
        "urgency": None
        if assessment.urgency is None
        else {
            "id": assessment.urgency.id,
            "probabilities": {k: round(p, PROBABILITY_DIGITS) for k, p in assessment.urgency.probabilities.items()},
            "evidence": [_evidence(e) for e in assessment.urgency.evidence],
        },
        "places": [_without_text(asdict(place)) for place in entities.places],
        "actors": [_without_text(asdict(actor)) for actor in entities.actors],
        "dates": [_without_text(asdict(mention)) for mention in entities.dates],
        "counts": [asdict(count) for count in entities.counts],
        "claim_status": {v.id: v.claim_status for v in assessment.violations if v.claim_status},
        "flags": list(assessment.flags),
        "abstained": list(assessment.abstained),
    }


def stored_assessment(report: Report, body: dict[str, Any], *, model: str, taxonomy: str) -> Assessment:
    """The assessment that a stored body came from, its wording taken from the report."""

    def evidence(found: dict[str, Any]) -> tuple[Evidence, ...]:
        return tuple(Evidence(**sentence) for sentence in found["evidence"])

    urgency, status = body["urgency"], body["claim_status"]
    return Assessment(
        report=report.id,
        violations=tuple(
            ViolationDecision(v["id"], v["probability"], v["decided"], evidence(v), status.get(v["id"]))
            for v in body["violations"]
        ),
        urgency=urgency and UrgencyDecision(urgency["id"], urgency["probabilities"], evidence(urgency)),
        entities=Entities(
            places=tuple(Place(**span) for span in _with_text(body["places"], report)),
            actors=tuple(Actor(**span) for span in _with_text(body["actors"], report)),
            dates=tuple(DateMention(**span) for span in _with_text(body["dates"], report)),
            counts=tuple(Count(**count) for count in body["counts"]),
        ),
        model=model,
        taxonomy=taxonomy,
        flags=tuple(body["flags"]),
        abstained=tuple(body["abstained"]),
    )


def result(
    report: Report,
    body: dict[str, Any],
    *,
    model: str,
    policy: str,
    taxonomy: str,
    queues: list[dict[str, Any]],
    corroborates: list[str],
) -> dict[str, Any]:
    """One line of the results: what was found in an accepted report, with the wording of each span."""
    return {
        "id": report.external_id or report.id,
        "report": report.id,
        "batch": report.batch,
        "sha256": report.sha256,
        "report_date": report.report_date.isoformat() if report.report_date else None,
        "language": report.language,
        **body,
        **{kind: _with_text(body[kind], report) for kind in ("places", "actors", "dates")},
        "corroborates": corroborates,
        "queues": queues,
        "model": model,
        "policy": policy,
        "taxonomy": taxonomy,
    }


def moment(value: datetime) -> str:
    """UTC as ISO 8601 with a Z."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def _evidence(evidence: Any) -> dict[str, Any]:
    return {"start": evidence.start, "end": evidence.end, "score": round(evidence.score, PROBABILITY_DIGITS)}


def _with_text(spans: Sequence[Mapping[str, Any]], report: Report) -> list[dict[str, Any]]:
    return [{**span, "text": report.text[span["start"] : span["end"]]} for span in spans]


def _without_text(span: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in span.items() if key != "text"}
