"""A circuit breaker for each destination, kept in the store so that every process knows what one of them found out.

After `THRESHOLD` failures in a row a circuit opens: nothing is sent to the destination until `open_until`. Then it is
half open: one delivery is tried, by one process. Where it is taken the circuit closes, otherwise it opens for twice as
long (Nygard 2018, Release It!, section 5.2).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from pipeline.store.schema import circuit, outbox, queue_item

THRESHOLD = 3
FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(hours=1)
LONGEST_ASKED = timedelta(hours=6)


def rest(failures: int) -> timedelta:
    """How long nothing is sent after so many failures in a row. No jitter: all processes share one circuit."""
    if failures < THRESHOLD:
        return timedelta(0)
    step: timedelta = FIRST_REST * 2 ** min(failures - THRESHOLD, 10)
    return min(step, LONGEST_REST)


def rested(connection: Connection, *, now: datetime) -> list[str]:
    """The destinations that may be tried again with one delivery."""
    return list(connection.scalars(select(circuit.c.destination).where(circuit.c.open_until <= now)))


def try_alone(connection: Connection, destination: str, *, now: datetime, until: datetime) -> bool:
    """Whether this caller is the one that tries a rested destination; the others leave it alone until `until`."""
    return bool(
        connection.execute(
            update(circuit)
            .where(circuit.c.destination == destination, circuit.c.open_until <= now)
            .values(open_until=until)
        ).rowcount
    )


def not_closed(connection: Connection) -> list[str]:
    """Destinations to which nothing is sent, or one delivery at most."""
    return list(connection.scalars(select(circuit.c.destination).where(circuit.c.open_until.is_not(None))))


def failed(connection: Connection, destination: str, *, error: str, asked: timedelta | None, now: datetime) -> None:
    """Count a failure, which may open the circuit.

    A destination that says how long it wants to be left alone (`asked`) is left alone at once. The caller's
    transaction holds the audit chain's lock, so that two processes do not both count the first failure.
    """
    found = connection.execute(select(circuit).where(circuit.c.destination == destination)).one_or_none()
    failures = found.failures + 1 if found else 1
    pause = max(rest(failures), min(asked or timedelta(0), LONGEST_ASKED))
    values = {"failures": failures, "open_until": now + pause if pause else None, "last_error": error}
    if found:
        connection.execute(update(circuit).where(circuit.c.destination == destination).values(**values))
    else:
        connection.execute(insert(circuit).values(destination=destination, failing_since=now, **values))


def close(connection: Connection, destinations: Collection[str]) -> None:
    """Send to these destinations again."""
    connection.execute(delete(circuit).where(circuit.c.destination.in_(destinations)))


def troubled(connection: Connection, *, queues: Collection[str] | None = None) -> list[Row[Any]]:
    """The circuits that are open, by destination; `queues`: only of destinations that are owed items of these."""
    query = select(circuit).where(circuit.c.open_until.is_not(None)).order_by(circuit.c.destination)
    if queues is not None:
        owed = (
            select(outbox.c.destination)
            .join(queue_item, queue_item.c.seq == outbox.c.item)
            .where(outbox.c.state == "owed", queue_item.c.queue.in_(queues))
        )
        query = query.where(circuit.c.destination.in_(owed))
    return list(connection.execute(query))
