"""Giving an item to somebody else, or to another queue, among those that the giver may see."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from pipeline.access import Access, access_of
from pipeline.errors import MonitorError
from pipeline.report import QueueItem
from pipeline.route import Policy
from pipeline.store import people, queues, work
from pipeline.taxonomy import Taxonomy


def colleagues(connection: Connection, queue: str, *, policy: Policy, taxonomy: Taxonomy) -> list[people.Person]:
    """Who may work on the items of a queue, by login."""
    found = []
    for row in people.everybody(connection):
        if row.state == "active":
            person = people.as_person(row)
            access = access_of(person.login, person.role, person.granted, policy=policy, taxonomy=taxonomy)
            if queue in access.queues:
                found.append(person)
    return found


def assign(
    connection: Connection, item: Row[Any], *, to: str, access: Access, policy: Policy, taxonomy: Taxonomy,
    version: int, now: datetime,
) -> None:  # fmt: skip
    """Give an item to somebody who may see its queue. What another holds, a supervisor alone gives away."""
    held = item.assignee not in (None, access.person) and item.lease_until is not None and item.lease_until > now
    if held and not access.supervises:
        raise work.Conflict(f"{item.assignee} holds the item: they or a supervisor can give it away")
    if to not in {person.login for person in colleagues(connection, item.queue, policy=policy, taxonomy=taxonomy)}:
        raise MonitorError("there is nobody of that login who works on this queue")
    work.reassign(connection, item.seq, person=access.person, to=to, version=version, now=now)


def refer(
    connection: Connection, item: Row[Any], *, to: str, note: str, access: Access, policy: Policy, taxonomy: Taxonomy,
    version: int, now: datetime,
) -> None:  # fmt: skip
    """Put the report in another queue, due as its level asks there, and close the item here as referred."""
    if to not in access.queues or to == item.queue:
        raise MonitorError("there is no such other queue")
    if any(other.queue == to for other in queues.of_reports(connection, [item.report])[item.report]):
        raise MonitorError("the report is in that queue already")
    work.close(
        connection,
        item.seq,
        person=access.person,
        outcome="referred",
        version=version,
        now=now,
        note=f"to {to}: {note}",
    )
    # That a report was in a restricted queue is not told elsewhere.
    came = f"by {access.person}" if policy.queue(item.queue).restricted else f"from {item.queue}"
    due = policy.due(to, item.urgency, now, taxonomy=taxonomy)
    placed = QueueItem(item.report_id, to, f"referred {came}", item.urgency, due)
    queues.add(
        connection, [(item.report, placed)], assessments={item.report: item.assessment},
        ranks={ident: rank for rank, ident in enumerate(taxonomy.urgency_ids)},
        destinations={queue.id: queue.destinations for queue in policy.queues}, now=now,
    )  # fmt: skip
