"""Batches and their receipts: received = accepted + duplicates + quarantined, counted from the rows.

A batch is named by what was submitted, so that submitting the same files after a crash goes on with
the batch that was begun, at the first row that is not recorded yet.
"""

from __future__ import annotations

import heapq
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, func, insert, literal, null, select, union_all, update

from pipeline.errors import NotFound
from pipeline.store import sealing
from pipeline.store.schema import assessment, batch, duplicate, pending, quarantine, report


@dataclass(frozen=True)
class Receipt:
    """What became of the rows of a batch."""

    batch: str
    source: str | None
    submitted_at: datetime
    complete: bool
    accepted: int
    duplicates: int
    quarantined: int
    pending: int
    submitted_by: str | None = None

    @property
    def received(self) -> int:
        return self.accepted + self.duplicates + self.quarantined


def begin(
    connection: Connection, *, fingerprint: str, source: str | None, now: datetime, by: str | None = None
) -> tuple[str, int]:
    """The batch to write to and the last line it has recorded: a new one, or the unfinished one."""
    unfinished = connection.execute(
        select(batch.c.id).where(batch.c.fingerprint == fingerprint, batch.c.completed_at.is_(None))
    ).scalar()
    if unfinished:
        return unfinished, last_line(connection, unfinished)
    ident = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    begun = {"id": ident, "fingerprint": fingerprint, "source": source, "submitted_at": now, "submitted_by": by}
    connection.execute(insert(batch), sealing.seal(connection, batch, [begun]))
    return ident, 0


def last_line(connection: Connection, ident: str) -> int:
    """The highest line of the batch that is recorded; rows are recorded in order."""
    lines = union_all(
        *(select(func.max(t.c.line).label("line")).where(t.c.batch == ident) for t in (report, duplicate, quarantine))
    ).subquery()
    return int(connection.execute(select(func.coalesce(func.max(lines.c.line), 0))).scalar_one())


def complete(connection: Connection, ident: str, *, now: datetime) -> bool:
    """Note that all rows of a batch are recorded; whether nobody else had noted it before."""
    open_still = update(batch).where(batch.c.id == ident, batch.c.completed_at.is_(None))
    return connection.execute(open_still.values(completed_at=now)).rowcount == 1


def receipt(connection: Connection, ident: str) -> Receipt:
    """Counted from the rows themselves, never kept beside them."""
    row = connection.execute(select(batch).where(batch.c.id == ident)).one_or_none()
    if row is None:
        raise NotFound(f"no batch {ident}: `sitrep status` lists them")

    def count(table: Any) -> int:
        return int(
            connection.execute(select(func.count()).select_from(table).where(table.c.batch == ident)).scalar_one()
        )

    waiting = connection.execute(
        select(func.count())
        .select_from(pending.join(report, report.c.seq == pending.c.report))
        .where(report.c.batch == ident)
    ).scalar_one()
    return Receipt(
        batch=ident,
        source=row.source,
        submitted_at=row.submitted_at,
        complete=row.completed_at is not None,
        accepted=count(report),
        duplicates=count(duplicate),
        quarantined=count(quarantine),
        pending=int(waiting),
        submitted_by=row.submitted_by,
    )


def recent(connection: Connection, *, limit: int | None = 20, by: str | None = None) -> list[str]:
    """Ids of the latest batches (None: of all), newest first; `by`: only those that this person sent."""
    query = select(batch.c.id).order_by(batch.c.submitted_at.desc(), batch.c.id).limit(limit)
    return list(connection.scalars(query.where(batch.c.submitted_by == by) if by is not None else query))


def quarantined(connection: Connection, ident: str) -> Iterator[Row[Any]]:
    """The quarantined rows of a batch in order, with reason, message and original content."""
    query = select(quarantine).where(quarantine.c.batch == ident).order_by(quarantine.c.line)
    yield from connection.execute(query.execution_options(yield_per=1000))


def lines(connection: Connection, ident: str) -> Iterator[Row[Any]]:
    """Every row received in a batch, in order: outcome, external id and the report it led to.

    An accepted row carries the sequence number of its newest assessment, None while it is pending.
    """
    newest = (
        select(func.max(assessment.c.seq))
        .where(assessment.c.report == report.c.seq)
        .scalar_subquery()
        .label("assessment")
    )
    accepted = select(
        report.c.line, literal("accepted").label("outcome"), report.c.external_id, report.c.seq.label("report"), newest,
        null().label("reason"), null().label("message"),
    ).where(report.c.batch == ident).order_by(report.c.line)  # fmt: skip
    doubled = select(
        duplicate.c.line, literal("duplicate").label("outcome"), duplicate.c.external_id, duplicate.c.report,
        null().label("assessment"), null().label("reason"), null().label("message"),
    ).where(duplicate.c.batch == ident).order_by(duplicate.c.line)  # fmt: skip
    set_aside = select(
        quarantine.c.line, literal("quarantined").label("outcome"), quarantine.c.external_id, null().label("report"),
        null().label("assessment"), quarantine.c.reason, quarantine.c.message,
    ).where(quarantine.c.batch == ident).order_by(quarantine.c.line)  # fmt: skip
    # Merged here, because a value is opened by the row of its own table.
    streams = [connection.execute(query.execution_options(yield_per=500)) for query in (accepted, doubled, set_aside)]
    yield from heapq.merge(*streams, key=attrgetter("line"))
