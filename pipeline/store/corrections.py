"""What people say of a report, beside what the model said: added, never changed, never overwritten by a model.

Three kinds of record: the assessment (what a model predicted), corrections (what reviewers said) and adjudications
(the last word where reviewers differ). In force is the adjudication, else the latest correction that is no blind second
review, else the model's word; a later assessment changes neither of the first two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, Table, func, insert, literal, select

from pipeline.store import audit, reports, sealing
from pipeline.store.documents import moment
from pipeline.store.reports import body_hash
from pipeline.store.schema import adjudication, correction, report
from pipeline.store.schema import assessment as decided

SPAN_KINDS = ("place", "actor", "date")
Spans = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Verdict:
    """What one person said of a report, and in which queue, where that is on record.

    `spans` is None where they were not asked to mark mentions.
    """

    report: str
    by: str
    at: datetime
    violations: tuple[str, ...]
    urgency: str | None
    note: str | None = None
    blind: bool = False
    adjudicated: bool = False
    spans: tuple[dict[str, Any], ...] | None = None
    queue: str | None = None


def add(
    connection: Connection, seq: int, *, reviewer: str, violations: Sequence[str], urgency: str, note: str | None,
    assessment: int | None, now: datetime, spans: Spans | None = None, blind: bool = False, queue: str | None = None,
    unseen: Sequence[str] = (),
) -> int:  # fmt: skip
    """Record what a reviewer decided of report `seq`, having seen that assessment (None: none); the correction's number.

    `queue` is where they worked: it says who may read the correction. `unseen` are the `violations` that stood before
    and were kept because this reviewer may not see them.
    """
    body = _body(violations, urgency, spans, queue, unseen) | {"assessment": assessment}
    values = {"report": seq, "reviewer": reviewer, "at": now, "body": body, "note": note or None, "blind": blind}
    (row,) = sealing.seal(connection, correction, [values])
    made = connection.execute(insert(correction).returning(correction.c.seq), row).scalar_one()
    decision = connection.execute(select(decided.c.sha256).where(decided.c.seq == assessment)).scalar_one_or_none()
    _audit(connection, seq, reviewer, "reviewed", body, now, decision=decision)
    return int(made)


def adjudicate(
    connection: Connection, seq: int, *, adjudicator: str, violations: Sequence[str], urgency: str, note: str | None,
    now: datetime, spans: Spans | None = None, queue: str | None = None, unseen: Sequence[str] = (),
) -> int:  # fmt: skip
    """Record the last word on report `seq`, its number; what reviewers said stays beside it. See `add` for the rest."""
    body = _body(violations, urgency, spans, queue, unseen)
    values = {"report": seq, "adjudicator": adjudicator, "at": now, "body": body, "note": note or None}
    (row,) = sealing.seal(connection, adjudication, [values])
    made = connection.execute(insert(adjudication).returning(adjudication.c.seq), row).scalar_one()
    _audit(connection, seq, adjudicator, "adjudicated", body, now)
    return int(made)


def of_report(connection: Connection, seq: int) -> list[Row[Any]]:
    """All that people said of a report, each with `by`, `blind` and `adjudicated`; what comes later stands over earlier."""
    return [
        row
        for table, said in _KINDS
        for row in connection.execute(said.where(table.c.report == seq).order_by(table.c.seq))
    ]


def in_force(connection: Connection, seqs: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """The word that stands on each report of which a person said something, as results carry it."""
    return {row.report: word(row) for row in _standing(connection, seqs)}


def word(row: Row[Any]) -> Mapping[str, Any]:
    """What a correction or an adjudication says, as results carry it."""
    said = {key: row.body[key] for key in ("violations", "urgency", "spans") if key in row.body}
    return {"by": row.by, "at": moment(row.at), "adjudicated": bool(row.adjudicated), **said}


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
    """The newest word of each kind on each report; what comes later stands over what comes earlier."""
    for table, said in _KINDS:
        newest = said.with_only_columns(func.max(table.c.seq)).where(table.c.report.in_(seqs)).group_by(table.c.report)
        yield from connection.execute(said.where(table.c.seq.in_(newest)))


def verdicts(connection: Connection) -> Iterator[Verdict]:
    """All that people said of all reports; what comes later stands over what comes earlier."""
    for table, said in _KINDS:
        query = said.add_columns(report.c.id.label("ident")).where(report.c.seq == table.c.report)
        for row in connection.execute(query.order_by(table.c.seq)):
            spans = row.body.get("spans")
            yield Verdict(
                row.ident, row.by, row.at, tuple(row.body["violations"]), row.body["urgency"], row.note,
                bool(row.blind), bool(row.adjudicated), None if spans is None else tuple(spans), row.body.get("queue"),
            )  # fmt: skip


def standing(found: Sequence[Verdict]) -> dict[str, Verdict]:
    """The verdict in force on each report, by report id, of verdicts in the order of `verdicts`."""
    return {verdict.report: verdict for verdict in found}


Kind = tuple[Table, Select[Any]]


def _kind(table: Table, who: Column[Any], *, blind: bool = False, adjudicated: bool = False) -> Kind:
    columns = (table.c.seq, table.c.report, table.c.at, table.c.body, table.c.note, who.label("by"))
    found = select(*columns, literal(blind).label("blind"), literal(adjudicated).label("adjudicated"))
    return table, found.where(table.c.blind.is_(blind)) if table is correction else found


# A blind second review never takes the place of the decision that it is compared with.
_KINDS = (
    _kind(correction, correction.c.reviewer, blind=True),
    _kind(correction, correction.c.reviewer),
    _kind(adjudication, adjudication.c.adjudicator, adjudicated=True),
)


def span_fits(span: Mapping[str, Any], text: str) -> bool:
    """Whether a span is of a known kind and lies in the text."""
    return span["kind"] in SPAN_KINDS and 0 <= span["start"] < span["end"] <= len(text)


def second_review_due(report_id: str, *, share: float) -> bool:
    """Whether a report belongs to the share (0 to 1) that a second person reviews blind.

    The same for ever: it depends on the id alone, so that nobody can choose what is looked at twice.
    """
    drawn = int.from_bytes(hashlib.sha256(f"second review {report_id}".encode()).digest()[:8])
    return drawn < share * 2**64


def _body(
    violations: Sequence[str], urgency: str, spans: Spans | None, queue: str | None, unseen: Sequence[str]
) -> dict[str, Any]:
    said: dict[str, Any] = {"violations": list(violations), "urgency": urgency}
    if spans is not None:
        said["spans"] = [dict(span) for span in spans]
    if queue is not None:
        said["queue"] = queue
    if unseen:
        said["unseen"] = list(unseen)
    return said


def _audit(
    connection: Connection, seq: int, person: str, action: str, body: Mapping[str, Any], now: datetime,
    *, decision: str | None = None,
) -> None:  # fmt: skip
    subject = connection.execute(select(report.c.id).where(report.c.seq == seq)).scalar_one()
    hashes = {"sha256": body_hash(body), "decision": decision}
    audit.append(connection, at=now, actor=person, action=action, subject=subject, body=hashes)
