"""Erasure: the words of a row are gone from the store; that it came in, and what became of it, stays provable.

What goes: text, original bytes, metadata, the submitter's id and source, what was read in the text, notes, repeated and
set-aside originals, the near-duplicate signature, what was still to be delivered. What stays: our id, the hashes, the
date, the types and urgency that were decided, who did what when. Hashes in the chain are of the words as they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, String, Table, cast, delete, insert, select, update

from pipeline.custody import holds
from pipeline.store import Store, audit, reports, sealing
from pipeline.store.documents import moment
from pipeline.store.engine import owe_compaction
from pipeline.store.guards import lifted
from pipeline.store.schema import (
    adjudication,
    assessment,
    audit_event,
    band,
    batch,
    correction,
    duplicate,
    erasure,
    exported,
    outbox,
    pending,
    quarantine,
    queue_event,
    queue_facet,
    queue_item,
    report,
)
from pipeline.store.work import Conflict

Ground = Literal["request", "retention"]
FLAG = "erased"
CHUNK = 200


@dataclass(frozen=True)
class Erased:
    """What was erased; `copies` are the exports and deliveries that took the words out of the house before."""

    subject: str
    at: datetime
    copies: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Expired:
    """What retention did; `kept` rows are under a hold, or on their way to a destination."""

    erased: int
    kept: int


@dataclass(frozen=True)
class _Original:
    """A row that became no report: its content as it came in."""

    table: Table
    batch: str
    line: int

    @property
    def subject(self) -> str:
        return f"{self.batch}:{self.line}"


def erase(
    connection: Connection, subject: str, *, person: str, why: str, now: datetime, ground: Ground = "request"
) -> Erased:
    """Erase a report by its id (ours or the submitter's), or a row as BATCH:LINE; again, it does nothing.

    Held under a legal hold; Conflict while a delivery is under way; NotFound. The caller has lifted the guards. `why`
    stays in the chain for good.
    """
    audit.lock(connection)  # a submit that knows the words waits, and knows afterwards that they are gone
    found = _find(connection, subject)
    name = found.subject if isinstance(found, _Original) else found.id
    before = connection.execute(select(erasure.c.at).where(erasure.c.subject == name)).scalar_one_or_none()
    if before is None:
        if isinstance(found, _Original):
            holds.check(connection, [found.batch])
            _empty(connection, found)
        else:
            _empty_report(connection, found, person=person, now=now)
        owe_compaction(connection)
        connection.execute(insert(erasure).values(subject=name, at=now, person=person, ground=ground))
        body = {"ground": ground, "why": why}
        audit.append(connection, at=now, actor=person, action="erased", subject=name, body=body)
    return Erased(name, before or now, [] if isinstance(found, _Original) else _copies(connection, found.seq))


def expire(store: Store, *, before: datetime, now: datetime) -> Expired:
    """Erase every row that came in before a moment, a few hundred to a transaction."""
    erased = kept = 0
    with store.read() as connection:
        subjects = list(_older(connection, before))
    for start in range(0, len(subjects), CHUNK):
        with store.write() as connection, lifted(connection):
            for subject in subjects[start : start + CHUNK]:
                try:
                    erase(connection, subject, person="retention", why="retention", now=now, ground="retention")
                    erased += 1
                except (holds.Held, Conflict):
                    kept += 1
    return Expired(erased, kept)


def _older(connection: Connection, before: datetime) -> Iterator[str]:
    """Reports, then repeated and set-aside rows, that came in before a moment and were not erased."""
    gone = select(erasure.c.subject)
    yield from connection.scalars(
        select(report.c.id).where(report.c.received_at < before, report.c.id.not_in(gone)).order_by(report.c.seq)
    )
    for table in (duplicate, quarantine):
        name = table.c.batch + ":" + cast(table.c.line, String)
        yield from connection.scalars(
            select(name)
            .join(batch, batch.c.id == table.c.batch)
            .where(batch.c.submitted_at < before, name.not_in(gone))
            .order_by(table.c.batch, table.c.line)
        )


def _find(connection: Connection, subject: str) -> Row[Any] | _Original:
    """The row of a report, or an original; NotFound where there is neither."""
    name, _, line = subject.rpartition(":")
    if name and line.isdecimal():
        ident = connection.scalar(select(report.c.id).where(report.c.batch == name, report.c.line == int(line)))
        subject = ident or subject
        for table in (duplicate, quarantine):
            if connection.scalar(select(table.c.line).where(table.c.batch == name, table.c.line == int(line))):
                return _Original(table, name, int(line))
    seq, _ = reports.find(connection, subject)
    return connection.execute(select(report).where(report.c.seq == seq)).one()


def _empty(connection: Connection, original: _Original) -> None:
    table = original.table
    words: dict[str, Any] = {"content": {}, "external_id": None}
    if table is quarantine:
        words |= {"locator": "", "reason": FLAG, "message": "erased"}
    here = (table.c.batch == original.batch, table.c.line == original.line)
    connection.execute(update(table).where(*here).values(words))


def _empty_report(connection: Connection, row: Row[Any], *, person: str, now: datetime) -> None:
    """Take the words of a report, of its repetitions and of what was said of it; end the work on it."""
    repeats = [
        _Original(duplicate, *pair)
        for pair in connection.execute(
            select(duplicate.c.batch, duplicate.c.line).where(duplicate.c.report == row.seq)
        ).all()
    ]
    holds.check(connection, {row.id, row.batch, *(repeat.batch for repeat in repeats)})
    items = list(connection.scalars(select(queue_item.c.seq).where(queue_item.c.report == row.seq)))
    unsent = (outbox.c.item.in_(items), outbox.c.state != "delivered")
    if connection.scalar(select(outbox.c.seq).where(*unsent, outbox.c.lease_until > now).limit(1)):
        raise Conflict(f"a delivery of {row.id} is under way: try again in ten minutes")
    connection.execute(delete(outbox).where(*unsent))
    connection.execute(update(outbox).where(outbox.c.item.in_(items)).values(last_error=None))
    connection.execute(delete(pending).where(pending.c.report == row.seq))
    connection.execute(delete(band).where(band.c.report == row.seq))
    connection.execute(delete(queue_facet).where(queue_facet.c.item.in_(items)))
    connection.execute(
        update(report)
        .where(report.c.seq == row.seq)
        .values(
            text="", raw=None, metadata={}, external_id=None, external_key=None, source=None, signature=None,
            flags=[*row.flags, FLAG],
        )
    )  # fmt: skip
    for made in connection.execute(select(assessment).where(assessment.c.report == row.seq)).all():
        (left,) = sealing.seal(connection, assessment, [{**made._mapping, "body": _without_words(made.body)}])
        emptied = {key: left[key] for key in ("body", "sealed_by")}
        connection.execute(update(assessment).where(assessment.c.seq == made.seq).values(emptied))
    for said in (correction, adjudication):
        connection.execute(update(said).where(said.c.report == row.seq).values(note=None))
    _end_work(connection, items, person=person, now=now)
    for repeat in repeats:
        _empty(connection, repeat)


def _end_work(connection: Connection, items: Sequence[int], *, person: str, now: datetime) -> None:
    """Close what is open of a report that nobody can read any more, and take the notes from its history."""
    connection.execute(update(queue_event).where(queue_event.c.item.in_(items)).values(note=None))
    ended = connection.scalars(
        update(queue_item)
        .where(queue_item.c.seq.in_(items), queue_item.c.state != "closed")
        .values(
            state="closed", outcome=FLAG, closed_at=now, assignee=None, lease_until=None,
            version=queue_item.c.version + 1,
        )
        .returning(queue_item.c.seq)
    ).all()  # fmt: skip
    if ended:
        connection.execute(
            insert(queue_event), [{"item": item, "at": now, "actor": person, "action": FLAG} for item in ended]
        )


def _without_words(body: Mapping[str, Any]) -> dict[str, Any]:
    """What was decided, without anything that was read in the text or points into it."""
    urgency = body["urgency"]
    return {
        "violations": [{**violation, "evidence": []} for violation in body["violations"]],
        "urgency": urgency and {**urgency, "evidence": []},
        "places": [], "actors": [], "dates": [], "counts": [],
        "claim_status": body["claim_status"],
        "flags": [*body["flags"], FLAG],
        "abstained": body["abstained"],
    }  # fmt: skip


def _copies(connection: Connection, seq: int) -> list[dict[str, str]]:
    """The files and deliveries in which the words of a report left the store."""
    files = connection.execute(
        select(audit_event.c.at, audit_event.c.actor, audit_event.c.subject, audit_event.c.body)
        .join(exported, exported.c.event == audit_event.c.seq)
        .where(exported.c.report == seq)
        .order_by(audit_event.c.seq)
    )
    sent = connection.execute(
        select(outbox.c.delivered_at, outbox.c.destination, queue_item.c.queue, outbox.c.idempotency_key)
        .join(queue_item, queue_item.c.seq == outbox.c.item)
        .where(queue_item.c.report == seq, outbox.c.state == "delivered")
        .order_by(outbox.c.seq)
    )
    return [
        *({"at": moment(f.at), "what": f"export {f.subject} by {f.actor}", "sha256": f.body["file"]} for f in files),
        *(
            {"at": moment(s.delivered_at), "what": f"{s.queue} to {s.destination}", "key": s.idempotency_key}
            for s in sent
        ),
    ]
