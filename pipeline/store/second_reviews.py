"""Reports that two people review without seeing each other's words: begun, due, and how the pair came out.

A pair begins with the first word on a report that was drawn, is due when that person has closed the item, and is whole
with the second person's word: agreed, or it differs and waits for an adjudication. A pair belongs to the queue in which
the first person decided, so that one of a restricted queue tells nothing elsewhere. The words themselves are
corrections and adjudications: nothing is kept of them here but their numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, exists, func, insert, or_, select, update
from sqlalchemy.sql import ColumnElement

from pipeline.store.corrections import Verdict
from pipeline.store.schema import correction, erasure, report, second_review
from pipeline.store.work import LEASE, Conflict

State = Literal["begun", "due", "agreed", "differs", "adjudicated"]
STATES: tuple[State, ...] = ("begun", "due", "agreed", "differs", "adjudicated")
UNFINISHED: tuple[State, ...] = ("begun", "due")
"""States in which nobody may learn what the other person said."""


@dataclass(frozen=True)
class Pair:
    """What two people said of one report, independently."""

    report: str
    queue: str
    state: State
    first: Verdict
    second: Verdict


def unfinished(connection: Connection, seq: int) -> list[str]:
    """The queues of a report's pairs that are not whole yet."""
    query = select(second_review.c.queue).where(second_review.c.report == seq, second_review.c.state.in_(UNFINISHED))
    return list(connection.scalars(query))


def unfinished_reports(connection: Connection, queues: Collection[str]) -> frozenset[str]:
    """The ids of reports with a pair in these queues that is not whole yet."""
    query = select(report.c.id).join(second_review, second_review.c.report == report.c.seq)
    return frozenset(
        connection.scalars(query.where(second_review.c.queue.in_(queues), second_review.c.state.in_(UNFINISHED)))
    )


def of_circle(connection: Connection, seq: int, circle: Collection[str]) -> Row[Any] | None:
    """The pair of a report among queues whose words are read together."""
    query = select(second_review).where(second_review.c.report == seq, second_review.c.queue.in_(circle))
    return connection.execute(query.with_for_update()).one_or_none()


def begin(connection: Connection, seq: int, *, queue: str, first: int, closed: bool) -> None:
    """A pair with its first word, the correction `first`."""
    state = "due" if closed else "begun"
    connection.execute(insert(second_review).values(report=seq, queue=queue, state=state, first=first))


def go_on(connection: Connection, pair: Row[Any], *, queue: str, first: int, closed: bool) -> None:
    """Another word before the second review: it is the first of the pair now, as the decision that closes the item is."""
    if pair.state == "begun" or pair.queue == queue:
        state = "due" if closed else pair.state
        _change(connection, pair, queue=queue, first=first, state=state)


def give_up(connection: Connection, pair: Row[Any]) -> None:
    """No pair any more: the second person has to see the first one's word."""
    connection.execute(delete(second_review).where(second_review.c.seq == pair.seq))


def count_due(connection: Connection, queues: Collection[str], *, person: str, now: datetime) -> dict[str, int]:
    """How many second reviews wait in each queue for this person."""
    query = select(second_review.c.queue, func.count().label("waiting")).where(*_waits_for(queues, person, now))
    return {row.queue: row.waiting for row in connection.execute(query.group_by(second_review.c.queue))}


def due(connection: Connection, queues: Collection[str], *, person: str, now: datetime, limit: int) -> list[str]:
    """Reports that wait in these queues for this person's second review, those that waited longest first."""
    query = select(report.c.id).join(second_review, second_review.c.report == report.c.seq)
    query = query.where(*_waits_for(queues, person, now)).order_by(second_review.c.seq).limit(limit)
    return list(connection.scalars(query))


def take_next(connection: Connection, queue: str, *, person: str, now: datetime) -> str | None:
    """Hold the second review that waited longest for half an hour; its report, None where there is none."""
    query = select(second_review).where(*_waits_for([queue], person, now)).order_by(second_review.c.seq).limit(1)
    pair = connection.execute(query.with_for_update(skip_locked=True)).one_or_none()
    if pair is None:
        return None
    _change(connection, pair, holder=person, lease_until=now + LEASE)
    return str(connection.execute(select(report.c.id).where(report.c.seq == pair.report)).scalar_one())


def is_due_to(connection: Connection, seq: int, queue: str, *, person: str, now: datetime) -> bool:
    """Whether this person may give the second review of a report in this queue now."""
    query = select(second_review.c.seq).where(*_waits_for([queue], person, now), second_review.c.report == seq)
    return connection.execute(query).one_or_none() is not None


def complete(connection: Connection, pair: Row[Any], *, second: int, agreed: bool) -> State:
    state: State = "agreed" if agreed else "differs"
    _change(connection, pair, second=second, state=state, holder=None, lease_until=None)
    return state


def settle(connection: Connection, pair: Row[Any], *, adjudication: int) -> None:
    _change(connection, pair, adjudication=adjudication, state="adjudicated")


def pairs(connection: Connection, queues: Collection[str]) -> list[Pair]:
    """The whole pairs of these queues, oldest first."""
    one, two = correction.alias("one"), correction.alias("two")
    columns = [
        said.c[name].label(f"{side}_{name}")
        for side, said in (("one", one), ("two", two))
        for name in ("reviewer", "at", "body")
    ]
    query = (
        select(second_review.c.queue, second_review.c.state, report.c.id, *columns)
        .join(report, report.c.seq == second_review.c.report)
        .join(one, one.c.seq == second_review.c.first)
        .join(two, two.c.seq == second_review.c.second)
        .where(second_review.c.queue.in_(queues))
        .order_by(second_review.c.seq)
    )
    return [
        Pair(
            row.id, row.queue, row.state, _said(row.id, row.one_reviewer, row.one_at, row.one_body),
            _said(row.id, row.two_reviewer, row.two_at, row.two_body),
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _said(report_id: str, by: str, at: datetime, body: Mapping[str, Any]) -> Verdict:
    return Verdict(report_id, by, at, tuple(body["violations"]), body["urgency"])


def counts(connection: Connection) -> dict[str, Counter[State]]:
    """How many pairs are in each state, by queue."""
    found: dict[str, Counter[State]] = {}
    query = select(second_review.c.queue, second_review.c.state, func.count())
    for queue, state, count in connection.execute(query.group_by(second_review.c.queue, second_review.c.state)):
        found.setdefault(queue, Counter())[state] = count
    return found


def _waits_for(queues: Collection[str], person: str, now: datetime) -> list[ColumnElement[bool]]:
    """Conditions: due, held by nobody else, of somebody else's report, with words to read.

    Who said anything of a report before is not its second reviewer, wherever they said it.
    """
    of_theirs = exists().where(correction.c.report == second_review.c.report, correction.c.reviewer == person)
    named = report.alias("named")
    erased = exists().where(named.c.seq == second_review.c.report, erasure.c.subject == named.c.id)
    return [
        second_review.c.queue.in_(queues),
        second_review.c.state == "due",
        or_(
            second_review.c.holder == person, second_review.c.lease_until.is_(None), second_review.c.lease_until <= now
        ),
        ~of_theirs,
        ~erased,
    ]


def _change(connection: Connection, pair: Row[Any], **values: Any) -> None:
    changed = update(second_review).where(second_review.c.seq == pair.seq, second_review.c.state == pair.state)
    if connection.execute(changed.values(**values)).rowcount != 1:
        raise Conflict("somebody else gave the second review meanwhile")
