"""What people say of a report, beside what the model said: added, never changed, never overwritten by a model.

Three kinds of record: the assessment (what a model predicted), corrections (what reviewers said) and adjudications
(the last word where reviewers differ). In force is the adjudication, else the latest correction, else the model's
word; a later assessment changes neither of the first two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, literal, select

from pipeline.store import audit, reports
from pipeline.store.documents import moment
from pipeline.store.reports import body_hash
from pipeline.store.schema import adjudication, correction, report
from pipeline.store.schema import assessment as decided

SPAN_KINDS = ("place", "actor", "date")
Spans = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Verdict:
    """What one person said of a report. `spans` is None where they were not asked to mark mentions."""

    report: str
    by: str
    at: datetime
    violations: tuple[str, ...]
    urgency: str | None
    note: str | None = None
    blind: bool = False
    adjudicated: bool = False
    spans: tuple[dict[str, Any], ...] | None = None


def add(
    connection: Connection, seq: int, *, reviewer: str, violations: Sequence[str], urgency: str, note: str | None,
    assessment: int | None, now: datetime, spans: Spans | None = None, blind: bool = False, queue: str | None = None,
    unseen: Sequence[str] = (),
) -> None:  # fmt: skip
    """Record what a reviewer decided of report `seq`, having seen that assessment (None: none).

    `queue` is where they worked: it says who may read the correction. `unseen` are the `violations` that stood before
    and were kept because this reviewer may not see them.
    """
    body = _body(violations, urgency, spans) | {"assessment": assessment}
    if queue is not None:
        body["queue"] = queue
    if unseen:
        body["unseen"] = list(unseen)
    connection.execute(
        insert(correction).values(report=seq, reviewer=reviewer, at=now, body=body, note=note or None, blind=blind)
    )
    decision = connection.execute(select(decided.c.sha256).where(decided.c.seq == assessment)).scalar_one_or_none()
    _audit(connection, seq, reviewer, "reviewed", body, now, decision=decision)


def adjudicate(
    connection: Connection, seq: int, *, adjudicator: str, violations: Sequence[str], urgency: str, note: str | None,
    now: datetime, spans: Spans | None = None,
) -> None:  # fmt: skip
    """Record the last word on report `seq`; what reviewers said stays beside it."""
    body = _body(violations, urgency, spans)
    connection.execute(
        insert(adjudication).values(report=seq, adjudicator=adjudicator, at=now, body=body, note=note or None)
    )
    _audit(connection, seq, adjudicator, "adjudicated", body, now)


def of_report(connection: Connection, seq: int) -> list[Row[Any]]:
    """All that reviewers said of a report, oldest first."""
    return list(connection.execute(select(correction).where(correction.c.report == seq).order_by(correction.c.seq)))


def in_force(connection: Connection, seqs: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """The word that stands on each report of which a person said something, as results carry it."""
    found: dict[int, Mapping[str, Any]] = {}
    for row in _standing(connection, seqs):
        found[row.report] = word(row, by=row.by, adjudicated=row.adjudicated)
    return found


def word(row: Row[Any], *, by: str, adjudicated: bool) -> Mapping[str, Any]:
    """What a correction or an adjudication says, as results carry it."""
    said = {key: row.body[key] for key in ("violations", "urgency", "spans") if key in row.body}
    return {"by": by, "at": moment(row.at), "adjudicated": adjudicated, **said}


def types_in_force(connection: Connection, seq: int) -> list[str]:
    """The violations that stand on a report: what a person said last, else what the model decided."""
    if (said := in_force(connection, [seq]).get(seq)) is not None:
        return list(said["violations"])
    newest = reports.newest_assessments(connection, [seq]).get(seq)
    return [v["id"] for v in newest.body["violations"] if v["decided"]] if newest else []


def hashes_in_force(connection: Connection, seqs: Sequence[int]) -> dict[int, str]:
    """The SHA-256, as the audit chain holds it, of the word that stands on each report of which a person said something."""
    return {row.report: body_hash(row.body) for row in _standing(connection, seqs)}


def _standing(connection: Connection, seqs: Sequence[int]) -> Iterator[Row[Any]]:
    """The newest correction of each report, then the newest adjudication, which stands over it."""
    for table, who in ((correction, correction.c.reviewer), (adjudication, adjudication.c.adjudicator)):
        newest = select(func.max(table.c.seq)).where(table.c.report.in_(seqs)).group_by(table.c.report)
        last = literal(table is adjudication).label("adjudicated")
        yield from connection.execute(select(table, who.label("by"), last).where(table.c.seq.in_(newest)))


def verdicts(connection: Connection) -> Iterator[Verdict]:
    """All corrections, then all adjudications, each in the order in which they were given."""
    for table, who in ((correction, correction.c.reviewer), (adjudication, adjudication.c.adjudicator)):
        query = select(table, who.label("by"), report.c.id.label("ident")).join(report, report.c.seq == table.c.report)
        for row in connection.execute(query.order_by(table.c.seq)):
            spans = row.body.get("spans")
            yield Verdict(
                row.ident, row.by, row.at, tuple(row.body["violations"]), row.body["urgency"], row.note,
                bool(getattr(row, "blind", False)), table is adjudication, None if spans is None else tuple(spans),
            )  # fmt: skip


def standing(found: Sequence[Verdict]) -> dict[str, Verdict]:
    """The verdict in force on each report, by report id, of verdicts in the order of `verdicts`."""
    return {verdict.report: verdict for verdict in found}


def span_fits(span: Mapping[str, Any], text: str) -> bool:
    """Whether a span is of a known kind and lies in the text."""
    return span["kind"] in SPAN_KINDS and 0 <= span["start"] < span["end"] <= len(text)


def second_review_due(report_id: str, *, share: float) -> bool:
    """Whether a report belongs to the share (0 to 1) that a second person reviews blind.

    The same for ever: it depends on the id alone, so that nobody can choose what is looked at twice.
    """
    drawn = int.from_bytes(hashlib.sha256(f"second review {report_id}".encode()).digest()[:8])
    return drawn < share * 2**64


def _body(violations: Sequence[str], urgency: str, spans: Spans | None) -> dict[str, Any]:
    said = {"violations": list(violations), "urgency": urgency}
    return said if spans is None else said | {"spans": [dict(span) for span in spans]}


def _audit(
    connection: Connection, seq: int, person: str, action: str, body: Mapping[str, Any], now: datetime,
    *, decision: str | None = None,
) -> None:  # fmt: skip
    subject = connection.execute(select(report.c.id).where(report.c.seq == seq)).scalar_one()
    hashes = {"sha256": body_hash(body), "decision": decision}
    audit.append(connection, at=now, actor=person, action=action, subject=subject, body=hashes)
