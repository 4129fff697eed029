"""Nightly runs: begun once, finished once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from pipeline.store.schema import night


@dataclass(frozen=True)
class Begun:
    """A night that runs, or ran: then `counts` are what it left."""

    previous_end: datetime | None
    counts: Mapping[str, Any] | None

    def since(self, until: datetime) -> datetime:
        """Where this night's digest starts: where the last one ended, at first a day before."""
        return self.previous_end or until - timedelta(days=1)


def begin(connection: Connection, key: str, *, now: datetime) -> Begun:
    """Begin a night, or find what it left; one that was cut off is begun again."""
    found = connection.execute(select(night).where(night.c.key == key)).one_or_none()
    if found is None:
        connection.execute(insert(night).values(key=key, begun_at=now))
    last = connection.execute(
        select(night.c.finished_at).where(night.c.finished_at.is_not(None), night.c.key != key)
        .order_by(night.c.finished_at.desc()).limit(1)
    ).scalar_one_or_none()  # fmt: skip
    return Begun(last, found.counts if found is not None else None)


def finish(connection: Connection, key: str, *, counts: Mapping[str, Any], now: datetime) -> None:
    connection.execute(update(night).where(night.c.key == key).values(counts=dict(counts), finished_at=now))


def last_finished(connection: Connection) -> Row[Any] | None:
    """The night that was finished last: its key, when it was begun and finished, its counts."""
    query = select(night).where(night.c.finished_at.is_not(None)).order_by(night.c.finished_at.desc()).limit(1)
    return connection.execute(query).one_or_none()


def unfinished(connection: Connection) -> bool:
    """Whether the newest night is not finished: it runs, or was cut off."""
    newest = select(night.c.finished_at).order_by(night.c.key.desc()).limit(1)
    found = connection.execute(newest).one_or_none()
    return found is not None and found.finished_at is None
