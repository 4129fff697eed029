"""Deliveries as an operator looks after them: listed, shown, owed again, dropped with a reason.

What is owed again or dropped leaves an event in the item's history, with the reason, and one in the audit chain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from pipeline.errors import NotFound
from pipeline.store import audit, circuits, sealing
from pipeline.store.schema import outbox, queue_event, queue_item, report
from pipeline.store.work import Conflict

AT_A_TIME = 10_000  # SQLite takes 32,766 bound variables in a statement


def listed(
    connection: Connection, *, states: Collection[str], destination: str | None = None, queue: str | None = None,
    limit: int,
) -> list[Row[Any]]:  # fmt: skip
    """Deliveries in these states, oldest first."""
    query = _deliveries().where(outbox.c.state.in_(states)).limit(limit)
    if destination is not None:
        query = query.where(outbox.c.destination == destination)
    if queue is not None:
        query = query.where(queue_item.c.queue == queue)
    return list(connection.execute(query))


def get(connection: Connection, number: int) -> Row[Any]:
    """One delivery; NotFound where there is none."""
    found = connection.execute(_deliveries().where(outbox.c.seq == number)).one_or_none()
    if found is None:
        raise _not_found(number)
    return found


def history(connection: Connection, item: int) -> list[Row[Any]]:
    """What happened to a queue item, oldest first."""
    return list(connection.execute(select(queue_event).where(queue_event.c.item == item).order_by(queue_event.c.seq)))


def dead(connection: Connection, *, destination: str | None = None) -> list[int]:
    """The numbers of the dead letters, of one destination or of all."""
    query = select(outbox.c.seq).where(outbox.c.state == "dead").order_by(outbox.c.seq)
    return list(connection.scalars(query if destination is None else query.where(outbox.c.destination == destination)))


def replay(connection: Connection, numbers: Sequence[int], *, person: str, reason: str, now: datetime) -> None:
    """Owe deliveries again under the same keys, with all tries before them; their destinations' circuits close."""
    rows = _chosen(connection, numbers)
    for row in rows:
        if row.state not in ("dead", "dropped"):
            raise Conflict(f"delivery {row.seq} is {row.state}: only dead letters and dropped ones are owed again")
    _change(connection, rows, "replayed", person, reason, now, state="owed", attempts=0, available_at=now)
    circuits.close(connection, {row.destination for row in rows})


def drop(connection: Connection, numbers: Sequence[int], *, person: str, reason: str, now: datetime) -> None:
    """Never send these deliveries; they are kept, and can be owed again."""
    rows = _chosen(connection, numbers)
    for row in rows:
        if row.state not in ("owed", "dead"):
            raise Conflict(f"delivery {row.seq} is {row.state} already")
        if row.lease_until is not None and row.lease_until > now:
            raise Conflict(f"delivery {row.seq} is being sent: look again after {row.lease_until:%H:%M} UTC")
    _change(connection, rows, "dropped", person, reason, now, state="dropped", lease_until=None, lease_token=None)


def _deliveries() -> Select[Any]:
    return (
        select(outbox, queue_item.c.queue, queue_item.c.urgency, queue_item.c.due, report.c.id.label("report_id"))
        .join(queue_item, queue_item.c.seq == outbox.c.item)
        .join(report, report.c.seq == queue_item.c.report)
        .order_by(outbox.c.seq)
    )


def _chosen(connection: Connection, numbers: Sequence[int]) -> list[Row[Any]]:
    """Deliveries that the caller is about to change, locked."""
    rows = [
        row
        for part in _parts(sorted(set(numbers)))
        for row in connection.execute(_deliveries().where(outbox.c.seq.in_(part)).with_for_update(of=outbox))
    ]
    if missing := set(numbers) - {row.seq for row in rows}:
        raise _not_found(min(missing))
    return rows


def _parts(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), AT_A_TIME):
        yield numbers[start : start + AT_A_TIME]


def _not_found(number: int) -> NotFound:
    return NotFound(f"there is no delivery {number}: see sitrep deliveries list")


def _change(
    connection: Connection, rows: Sequence[Row[Any]], action: str, person: str, reason: str, now: datetime,
    **values: Any,
) -> None:  # fmt: skip
    if not rows:
        return
    for part in _parts([row.seq for row in rows]):
        connection.execute(update(outbox).where(outbox.c.seq.in_(part)).values(**values))
    event = {"at": now, "actor": person, "action": f"delivery {action}"}
    events = [{**event, "item": row.item, "note": f"{row.destination}: {reason}"} for row in rows]
    connection.execute(insert(queue_event), sealing.seal(connection, queue_event, events))
    for row in rows:
        audit.append(
            connection, at=now, actor=person, action=f"delivery {action}", subject=row.report_id,
            body={"delivery": row.seq, "queue": row.queue, "destination": row.destination, "reason given": bool(reason)},
        )  # fmt: skip
