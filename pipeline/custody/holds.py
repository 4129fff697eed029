"""Legal holds: what may be needed as evidence is not erased while somebody holds it, by nobody and by no rule."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from pipeline.errors import NotFound, SitrepError
from pipeline.store import audit, reports, sealing
from pipeline.store.schema import batch, legal_hold


class Held(SitrepError):
    """What was to be erased is under a legal hold."""


def place(connection: Connection, subject: str, *, person: str, reason: str, now: datetime) -> int:
    """Hold a report, or a batch with all its rows; the number of the hold. One more is another hold."""
    known = connection.execute(select(batch.c.id).where(batch.c.id == subject)).scalar_one_or_none()
    ident = known or reports.find(connection, subject)[1].id
    hold = {"subject": ident, "placed_by": person, "placed_at": now, "reason": reason}
    (row,) = sealing.seal(connection, legal_hold, [hold])
    number = int(connection.execute(insert(legal_hold).returning(legal_hold.c.seq), row).scalar_one())
    audit.append(connection, at=now, actor=person, action="hold placed", subject=ident, body={"hold": number})
    return number


def release(connection: Connection, number: int, *, person: str, now: datetime) -> str:
    """End a hold; what it was on. NotFound where no such hold is in force."""
    ended = update(legal_hold).where(legal_hold.c.seq == number, legal_hold.c.released_at.is_(None))
    ident = connection.execute(
        ended.values(released_by=person, released_at=now).returning(legal_hold.c.subject)
    ).scalar_one_or_none()
    if ident is None:
        raise NotFound(f"no hold {number} is in force: `sitrep hold list` shows them")
    audit.append(connection, at=now, actor=person, action="hold released", subject=ident, body={"hold": number})
    return str(ident)


def in_force(connection: Connection) -> list[Row[Any]]:
    """The holds that were not released, oldest first."""
    query = select(legal_hold).where(legal_hold.c.released_at.is_(None)).order_by(legal_hold.c.seq)
    return list(connection.execute(query))


def check(connection: Connection, subjects: Collection[str]) -> None:
    """Held where one of these reports or batches is under a hold."""
    found = connection.execute(
        select(legal_hold.c.seq, legal_hold.c.subject)
        .where(legal_hold.c.released_at.is_(None), legal_hold.c.subject.in_(subjects))
        .limit(1)
    ).one_or_none()
    if found:
        raise Held(f"{found.subject} is under legal hold {found.seq}: nothing was erased; see `sitrep hold list`")
