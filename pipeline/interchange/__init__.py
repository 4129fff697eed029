"""Results as other tools read them, and what people said there as corrections: one module a format.

A *document* is a line of the results of an accepted report with its `text`; the functions here are pure, so whatever
changes documents on their way out (a pseudonymiser) stands between `documents` and them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection

Document = dict[str, Any]
KINDS = {"places": "place", "actors": "actor", "dates": "date"}


@dataclass(frozen=True)
class Review:
    """What a person said of a report in another tool; offsets are code points of the report's text."""

    report: str
    by: str
    violations: tuple[str, ...]
    urgency: str
    spans: tuple[dict[str, Any], ...] | None = None
    note: str | None = None


def documents(connection: Connection, batches: Sequence[str]) -> Iterator[Document]:
    """The triaged reports of batches with their text, in the order in which they came."""
    from pipeline.results import ROWS_AT_A_TIME, batch_results
    from pipeline.store.reports import by_id

    triaged = (line for batch in batches for line in batch_results(connection, batch) if "violations" in line)
    while chunk := list(islice(triaged, ROWS_AT_A_TIME)):
        found = by_id(connection, [line["report"] for line in chunk])
        yield from ({**line, "text": found[line["report"]][1].text} for line in chunk)


def decided(document: Document) -> list[str]:
    """The violations in force: what a person said, else what the model decided."""
    if "reviewed" in document:
        return list(document["reviewed"]["violations"])
    return [v["id"] for v in document["violations"] if v["decided"]]


def urgency(document: Document) -> str | None:
    """The urgency in force."""
    if "reviewed" in document:
        return str(document["reviewed"]["urgency"])
    return document["urgency"]["id"] if document["urgency"] else None


def spans(document: Document) -> list[dict[str, Any]]:
    """The mentions in force, in the order of the text: `start`, `end`, `kind`; of actors also `type` and `role`."""
    said = document.get("reviewed", {}).get("spans")
    if said is not None:
        return [dict(span) for span in said]
    found = [
        {"start": span["start"], "end": span["end"], "kind": kind}
        | ({"type": span["type"], "role": span["role"]} if kind == "actor" else {})
        for plural, kind in KINDS.items()
        for span in document[plural]
    ]
    return sorted(found, key=lambda span: (span["start"], span["end"]))
