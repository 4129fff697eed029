"""Giving a second review without knowing the first, the last word where the two differ, and how far reviewers agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from pipeline.access import Access, reader_of
from pipeline.agreement import Agreement, agreement
from pipeline.errors import MonitorError, NotFound
from pipeline.review import decision
from pipeline.review.decision import Decision
from pipeline.route import Policy
from pipeline.store import corrections, second_reviews
from pipeline.store.second_reviews import Pair, State
from pipeline.store.work import Conflict
from pipeline.taxonomy import Taxonomy


@dataclass(frozen=True)
class Difference:
    """Two words on one report, for the one who has the last."""

    pair: Row[Any]
    first: Row[Any]
    second: Row[Any]


def is_due(connection: Connection, item: Row[Any], *, access: Access, now: datetime) -> bool:
    """Whether a second review of the item is this person's to give now. Who may read the first gives none."""
    return not access.supervises and second_reviews.is_due_to(
        connection, item.report, item.queue, person=access.person, now=now
    )


def check_due(connection: Connection, item: Row[Any], *, access: Access, now: datetime) -> None:
    """NotFound where no second review of the item is this person's to give now."""
    if not is_due(connection, item, access=access, now=now):
        raise NotFound("no such second review")


def waiting(connection: Connection, access: Access, *, now: datetime) -> dict[str, int]:
    """How many second reviews wait for this person, by queue."""
    if access.supervises:
        return {}
    return second_reviews.count_due(connection, access.queues, person=access.person, now=now)


def due(connection: Connection, queue: str, *, access: Access, now: datetime, limit: int) -> list[str]:
    """Reports of a queue that wait for this person's second review."""
    if access.supervises:
        return []
    return second_reviews.due(connection, [queue], person=access.person, now=now, limit=limit)


def take_next(connection: Connection, queue: str, *, access: Access, now: datetime) -> str | None:
    """Hold the second review of a queue that waited longest for this person; its report, None where there is none."""
    if access.supervises:
        return None
    return second_reviews.take_next(connection, queue, person=access.person, now=now)


def give(
    connection: Connection, item: Row[Any], said: Decision, *, access: Access, policy: Policy, taxonomy: Taxonomy,
    now: datetime,
) -> State:  # fmt: skip
    """Record a second review: whether it agrees with the first, in all types that both could name and in urgency."""
    check_due(connection, item, access=access, now=now)
    decision.check(said, access=access, taxonomy=taxonomy)
    pair = second_reviews.of_circle(connection, item.report, {item.queue})
    if pair is None:
        raise Conflict("somebody else gave the second review meanwhile")
    made = corrections.add(
        connection, item.report, reviewer=access.person, violations=in_order(said, taxonomy), urgency=said.urgency,
        note=said.note, assessment=item.assessment, now=now, queue=item.queue, blind=True,
    )  # fmt: skip
    words = {c.seq: c for c in corrections.of_report(connection, item.report) if not c.adjudicated}
    apart = set(words[pair.first].body["violations"]) ^ set(said.violations)
    agreed = apart <= unsayable(item.queue, policy, taxonomy) and words[pair.first].body["urgency"] == said.urgency
    state = second_reviews.complete(connection, pair, second=made, agreed=agreed)
    first = words[pair.first].body
    decision.show_in_lists(connection, item, first["violations"], first.get("spans"), policy=policy)
    return state


def difference(connection: Connection, item: Row[Any]) -> Difference:
    """The two words on an item that differ; NotFound where there are none, or somebody had the last one."""
    pair = second_reviews.of_circle(connection, item.report, {item.queue})
    if pair is None or pair.state != "differs":
        raise NotFound("no such difference")
    words = {c.seq: c for c in corrections.of_report(connection, item.report) if not c.adjudicated}
    return Difference(pair, words[pair.first], words[pair.second])


def adjudicate(
    connection: Connection, item: Row[Any], said: Decision, *, access: Access, policy: Policy, taxonomy: Taxonomy,
    now: datetime,
) -> None:  # fmt: skip
    """Record the last word on an item of which two people said different things; it is a third person's."""
    decision.check(said, access=access, taxonomy=taxonomy)
    between = difference(connection, item)
    if access.person in (between.first.by, between.second.by):
        raise MonitorError("the last word is a third person's: you gave one of the two reviews")
    types, unseen = decision.with_unseen(connection, item.report, said.violations, access=access, taxonomy=taxonomy)
    spans = between.first.body.get("spans")
    made = corrections.adjudicate(
        connection, item.report, adjudicator=access.person, violations=types, urgency=said.urgency, note=said.note,
        now=now, spans=spans, queue=item.queue, unseen=unseen,
    )  # fmt: skip
    second_reviews.settle(connection, between.pair, adjudication=made)
    decision.show_in_lists(connection, item, types, spans, policy=policy)


def agreement_of(pairs: Sequence[Pair], *, policy: Policy, taxonomy: Taxonomy, access: Access) -> list[Agreement]:
    """How far the two of each pair agree, for each type that this person may see and for urgency."""
    return agreement(
        [(pair.first, pair.second) for pair in pairs],
        violations=[v for v in taxonomy.violation_ids if v not in access.hidden_types],
        urgencies=taxonomy.urgency_ids[::-1],
        unsayable=[unsayable(pair.queue, policy, taxonomy) for pair in pairs],
    )


def unsayable(queue: str, policy: Policy, taxonomy: Taxonomy) -> frozenset[str]:
    """The types that not everybody who reads a queue can name; people are not compared on them."""
    return reader_of(queue, policy=policy, taxonomy=taxonomy).hidden_types


def in_order(said: Decision, taxonomy: Taxonomy) -> list[str]:
    return [v for v in taxonomy.violation_ids if v in said.violations]
