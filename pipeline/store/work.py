"""What people do with queue items: claim, renew, release, decide, close, reopen, reassign, escalate.

Each step takes the `version` of the item that the person saw and raises Conflict where somebody was faster, so that
nothing is overwritten unseen. Each leaves an event in the item's history; all but taking, letting go and running out
also one in the audit chain.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    insert,
    or_,
    select,
    true,
    update,
)

from pipeline.errors import MonitorError, NotFound, SitrepError
from pipeline.store import audit, facets, sealing
from pipeline.store.schema import queue_event, queue_item, queue_pause, report

LEASE = timedelta(minutes=30)
Outcome = Literal["confirmed", "no_violation", "referred"]
OUTCOMES: tuple[Outcome, ...] = ("confirmed", "no_violation", "referred")


class Conflict(SitrepError):
    """Somebody else changed the item, or holds it."""


def get(connection: Connection, report_id: str, queue: str) -> Row[Any]:
    """The item of a report in a queue, with the report's own id; NotFound where there is none."""
    found = connection.execute(
        select(queue_item, report.c.id.label("report_id"), report.c.external_id)
        .join(report, report.c.seq == queue_item.c.report)
        .where(report.c.id == report_id, queue_item.c.queue == queue)
    ).one_or_none()
    if found is None:
        raise NotFound("there is no such item")
    return found


def claim(
    connection: Connection, item: int, *, person: str, version: int, now: datetime, lease: timedelta = LEASE
) -> None:
    """Hold an item that is open, or whose holder's lease ran out. Claiming what one holds renews it."""
    found = _seen(connection, item, version)
    if found.state not in ("open", "claimed", "decided"):
        raise Conflict("the item is closed: reopen it first")
    if found.assignee != person and found.queue in paused(connection):
        raise Conflict("the queue is paused: its items are handed out again when it goes on")
    if found.assignee not in (None, person) and found.lease_until is not None and found.lease_until > now:
        raise Conflict(f"{found.assignee} holds the item until {found.lease_until:%H:%M} UTC")
    state = "decided" if found.state == "decided" else "claimed"
    _change(connection, found, state=state, assignee=person, lease_until=now + lease)
    if found.assignee != person:
        _event(connection, item, person, "claimed", now)


def _next_of(state: str, free: ColumnElement[bool]) -> tuple[Select[Any], Select[Any]]:
    """Where the first item of a queue in a state stands, and the item, locked. Made once: to make them costs more than to ask."""
    key = queue_item.c.rank, queue_item.c.due, queue_item.c.seq
    look, take = (
        select(*what)
        .where(queue_item.c.queue == bindparam("queue"), queue_item.c.state == state, free)
        .order_by(*key)  # as the index `ix_queue_item_work` has them, one queue and one state at a time
        .limit(1)
        for what in (key, queue_item.c)
    )
    return look, take.with_for_update(skip_locked=True)


_NOT_HELD = or_(queue_item.c.lease_until.is_(None), queue_item.c.lease_until <= bindparam("now"))
_NEXT = {
    "open": _next_of("open", true()),
    "claimed": _next_of("claimed", _NOT_HELD),
    "decided": _next_of("decided", and_(_NOT_HELD, queue_item.c.decided_by != bindparam("person"))),
}


def claim_next(
    connection: Connection, queues: Collection[str], *, person: str, now: datetime, lease: timedelta = LEASE
) -> int | None:
    """Claim the most urgent item that nobody holds in these queues, paused ones left out; its number, None without one.

    An item that waits for a second person's word comes up for everybody but the first. Several people may call at once:
    on PostgreSQL rows that another is claiming are skipped, on SQLite the write transaction keeps them apart.
    """
    asked: dict[str, Any] = {"person": person, "now": now}
    firsts = [
        (row.rank, row.due, row.seq, queue, state)
        for queue in sorted(set(queues) - paused(connection))
        for state, (look, _) in _NEXT.items()
        if (row := connection.execute(look, {**asked, "queue": queue}).one_or_none())
    ]
    for *_, queue, state in sorted(firsts):
        found = connection.execute(_NEXT[state][1], {**asked, "queue": queue}).one_or_none()
        if found is not None:
            break
    else:
        return None
    state = "decided" if found.state == "decided" else "claimed"
    _change(connection, found, state=state, assignee=person, lease_until=now + lease)
    _event(connection, found.seq, person, "claimed", now)
    return int(found.seq)


def release(connection: Connection, item: int, *, person: str, version: int, now: datetime) -> None:
    """Let go of an item."""
    found = _held(connection, item, person, version, now)
    _change(connection, found, state=_without_holder(found), assignee=None, lease_until=None)
    _event(connection, item, person, "released", now)


def expire(connection: Connection, *, now: datetime) -> int:
    """Open the items whose holders' leases ran out, but for those that somebody is changing; how many."""
    rows = connection.execute(
        select(queue_item)
        .where(queue_item.c.lease_until <= now, queue_item.c.state.in_(("claimed", "decided")))
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        _change(connection, row, state=_without_holder(row), assignee=None, lease_until=None)
        _event(connection, row.seq, "clock", "lease expired", now)
    return len(rows)


def reassign(
    connection: Connection, item: int, *, person: str, to: str, version: int, now: datetime, lease: timedelta = LEASE
) -> None:
    """Give an item to somebody else, whoever holds it."""
    found = _seen(connection, item, version)
    if found.state == "closed":
        raise Conflict("the item is closed: reopen it first")
    state = "decided" if found.state == "decided" else "claimed"
    _change(connection, found, state=state, assignee=to, lease_until=now + lease)
    _event(connection, item, person, "reassigned", now, note=f"to {to}")
    _audit(connection, found, person, "reassigned", {"to": to}, now)


def escalate(
    connection: Connection, item: int, *, person: str, note: str, version: int, urgency: str, rank: int, due: datetime,
    now: datetime,
) -> None:  # fmt: skip
    """Make an item more urgent, with a reason; it comes up earlier for everybody."""
    found = _seen(connection, item, version)
    if found.state == "closed":
        raise Conflict("the item is closed: reopen it first")
    if rank >= found.rank:
        raise MonitorError(f"the item is {found.urgency} already")
    _change(connection, found, urgency=urgency, rank=rank, due=min(due, found.due))
    _event(connection, item, person, "escalated", now, note=f"{found.urgency} to {urgency}: {note}")
    _audit(connection, found, person, "escalated", {"urgency": urgency}, now)


def close(
    connection: Connection, item: int, *, person: str, outcome: Outcome, version: int, now: datetime,
    note: str | None = None,
) -> bool:  # fmt: skip
    """Close an item; whether it is closed now.

    A critical item is closed as no violation by two people: the first leaves it decided, another one closes it.
    """
    found = _held(connection, item, person, version, now)
    if outcome == "no_violation" and found.urgency == "critical":
        if found.state != "decided" or found.outcome != outcome:
            _change(
                connection, found, state="decided", outcome=outcome, decided_by=person, assignee=None, lease_until=None
            )
            _event(connection, item, person, "decided", now, note=note)
            _audit(connection, found, person, "decided", {"outcome": outcome}, now)
            return False
        if found.decided_by == person:
            raise MonitorError("a second person has to confirm that a critical item is no violation")
    _change(
        connection, found, state="closed", outcome=outcome, decided_by=person, assignee=None, lease_until=None,
        closed_at=now,
    )  # fmt: skip
    _event(connection, item, person, "closed", now, note=f"{outcome}: {note}" if note else outcome)
    _audit(connection, found, person, "closed", {"outcome": outcome}, now)
    return True


def reopen(connection: Connection, item: int, *, person: str, note: str, version: int, now: datetime) -> None:
    """Open a closed or decided item again, with a reason; nobody holds it then."""
    found = _seen(connection, item, version)
    if found.state not in ("closed", "decided"):
        raise Conflict("the item is open already")
    _change(
        connection, found, state="open", outcome=None, decided_by=None, closed_at=None, assignee=None, lease_until=None
    )
    _event(connection, item, person, "reopened", now, note=note)
    _audit(connection, found, person, "reopened", {}, now)


def pause(connection: Connection, queue: str, *, person: str, note: str, now: datetime) -> None:
    """Stop handing out a queue's items; reports still arrive in it."""
    if queue not in paused(connection):
        connection.execute(insert(queue_pause).values(queue=queue, person=person, at=now, note=note))
        audit.append(
            connection, at=now, actor=person, action="queue paused", subject=queue, body={"reason given": bool(note)}
        )


def resume(connection: Connection, queue: str, *, person: str, now: datetime) -> None:
    if connection.execute(queue_pause.delete().where(queue_pause.c.queue == queue)).rowcount:
        audit.append(connection, at=now, actor=person, action="queue resumed", subject=queue, body={})


def paused(connection: Connection) -> frozenset[str]:
    return frozenset(connection.execute(select(queue_pause.c.queue)).scalars())


def _without_holder(found: Row[Any]) -> str:
    return "decided" if found.state == "decided" else "open"


def _seen(connection: Connection, item: int, version: int) -> Row[Any]:
    """The item, as the person saw it."""
    found = connection.execute(select(queue_item).where(queue_item.c.seq == item).with_for_update()).one_or_none()
    if found is None:
        raise NotFound("there is no such item")
    if found.version != version:
        raise Conflict(_who(connection, item))
    return found


def _held(connection: Connection, item: int, person: str, version: int, now: datetime) -> Row[Any]:
    """The item, held by the person; what nobody holds is taken on the way."""
    found = _seen(connection, item, version)
    if found.state == "closed":
        raise Conflict("the item is closed: reopen it first")
    if found.assignee not in (None, person) and found.lease_until is not None and found.lease_until > now:
        raise Conflict(f"{found.assignee} holds the item until {found.lease_until:%H:%M} UTC")
    return found


def _who(connection: Connection, item: int) -> str:
    last = connection.execute(
        select(queue_event).where(queue_event.c.item == item).order_by(queue_event.c.seq.desc()).limit(1)
    ).one_or_none()
    return f"{last.actor} changed the item meanwhile ({last.action})" if last else "the item changed meanwhile"


def _change(connection: Connection, found: Row[Any], **values: Any) -> None:
    changed = connection.execute(
        update(queue_item)
        .where(queue_item.c.seq == found.seq, queue_item.c.version == found.version)
        .values(**values, version=found.version + 1)
    )
    if changed.rowcount != 1:
        raise Conflict(_who(connection, found.seq))
    if "rank" in values or "closed_at" in values:
        closed = values.get("state", found.state) == "closed"
        facets.follow(connection, found.seq, rank=values.get("rank", found.rank), closed=closed)


def _event(
    connection: Connection, item: int, person: str, action: str, now: datetime, *, note: str | None = None
) -> None:
    event = {"item": item, "at": now, "actor": person, "action": action, "note": note}
    connection.execute(insert(queue_event), sealing.seal(connection, queue_event, [event]) if note else [event])


def _audit(
    connection: Connection, found: Row[Any], person: str, action: str, body: dict[str, Any], now: datetime
) -> None:
    subject = connection.execute(select(report.c.id).where(report.c.seq == found.report)).scalar_one()
    audit.append(
        connection, at=now, actor=person, action=f"item {action}", subject=subject, body={"queue": found.queue, **body}
    )
