"""Queue items: who must act on a report, by when, and what was done.

Work order is the most urgent level first, then the earliest due time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, case, func, insert, select, text

from pipeline.report import QueueItem
from pipeline.store import facets
from pipeline.store.schema import OPEN, outbox, queue_event, queue_item, report
from pipeline.store.sealed import keys_of
from pipeline.store.search import EVERYTHING, Filter, conditions, reads_each, says, with_facets
from pipeline.store.work import get as item_of

OPEN_STATES = ("open", "claimed", "decided")
BEGINNING = 240
READ_AT_A_TIME = 100


@dataclass(frozen=True)
class QueueSummary:
    """A line of the queue table; `by_urgency` counts what is not closed."""

    queue: str
    open: int
    overdue: int
    by_urgency: dict[str, int]
    oldest: datetime | None
    next_due: datetime | None


def idempotency_key(report_id: str, queue: str, destination: str) -> str:
    """The same on every try of a delivery, so that a destination can tell a repetition."""
    return hashlib.sha256(f"{report_id}\n{queue}\n{destination}".encode()).hexdigest()[:40]


def add(
    connection: Connection,
    items: Sequence[tuple[int, QueueItem]],
    *,
    assessments: Mapping[int, int],
    ranks: Mapping[str, int],
    destinations: Mapping[str, Sequence[str]],
    now: datetime,
) -> int:
    """Put reports *(seq, item)* in their queues and owe their delivery; how many items were new.

    An item that a report already has in a queue stays as it is: people may be working on it.
    """
    fresh = _without_item(connection, items)
    if not fresh:
        return 0
    connection.execute(
        insert(queue_item),
        [
            {
                "report": seq,
                "queue": item.queue,
                "assessment": assessments[seq],
                "urgency": item.urgency,
                "rank": ranks[item.urgency],
                "reason": item.reason,
                "due": item.due,
                "created_at": now,
            }
            for seq, item in fresh
        ],
    )
    wanted = {(seq, item.queue) for seq, item in fresh}
    stored = connection.execute(
        select(queue_item.c.seq, queue_item.c.report, queue_item.c.queue, report.c.id)
        .join(report, report.c.seq == queue_item.c.report)
        .where(queue_item.c.report.in_({seq for seq, _ in fresh}))
    )
    new = [row for row in stored if (row.report, row.queue) in wanted]
    connection.execute(
        insert(queue_event), [{"item": row.seq, "at": now, "actor": "triage", "action": "queued"} for row in new]
    )
    facets.add(connection, [row.seq for row in new])
    _owe(connection, new, destinations, now)
    return len(new)


def _without_item(connection: Connection, items: Sequence[tuple[int, QueueItem]]) -> list[tuple[int, QueueItem]]:
    """Those of the items that their reports do not have yet."""
    present = connection.execute(
        select(queue_item.c.report, queue_item.c.queue).where(queue_item.c.report.in_({seq for seq, _ in items}))
    )
    known = {(row.report, row.queue) for row in present}
    return [(seq, item) for seq, item in items if (seq, item.queue) not in known]


def _owe(
    connection: Connection, items: Sequence[Row[Any]], destinations: Mapping[str, Sequence[str]], now: datetime
) -> None:
    """Owe the delivery of new items to the destinations of their queues."""
    owed = [
        {
            "item": row.seq,
            "destination": destination,
            "idempotency_key": idempotency_key(row.id, row.queue, destination),
            "available_at": now,
        }
        for row in items
        for destination in destinations.get(row.queue, ())
    ]
    if owed:
        connection.execute(insert(outbox), owed)


def summaries(
    connection: Connection, *, now: datetime, queues: Collection[str] | None = None
) -> dict[str, QueueSummary]:
    """Every queue that has items, by name; `queues`: only these."""
    counts: dict[str, dict[str, Any]] = {}
    query = (
        select(
            queue_item.c.queue,
            queue_item.c.urgency,
            func.count().label("open"),
            func.sum(case((queue_item.c.due < now, 1), else_=0)).label("overdue"),
            func.min(queue_item.c.created_at).label("oldest"),
            func.min(queue_item.c.due).label("due"),
        )
        .where(text(OPEN))
        .group_by(queue_item.c.queue, queue_item.c.urgency)
    )
    for row in connection.execute(query if queues is None else query.where(queue_item.c.queue.in_(queues))):
        line = counts.setdefault(row.queue, {"open": 0, "overdue": 0, "by_urgency": {}, "oldest": [], "due": []})
        line["open"] += row.open
        line["overdue"] += row.overdue
        line["by_urgency"][row.urgency] = row.open
        line["oldest"].append(row.oldest)
        line["due"].append(row.due)
    return {
        queue: QueueSummary(
            queue, line["open"], line["overdue"], line["by_urgency"], min(line["oldest"]), min(line["due"])
        )
        for queue, line in counts.items()
    }


def work(connection: Connection, *, queues: Sequence[str] | None = None, limit: int = 20) -> list[Row[Any]]:
    """The items that are not closed, most urgent first."""
    query = (
        select(queue_item, report.c.id.label("report_id"), report.c.external_id)
        .join(report, report.c.seq == queue_item.c.report)
        .where(queue_item.c.state.in_(OPEN_STATES))
        .order_by(queue_item.c.rank, queue_item.c.due, queue_item.c.seq)
        .limit(limit)
    )
    return list(connection.execute(query.where(queue_item.c.queue.in_(queues)) if queues is not None else query))


def page(
    connection: Connection, queue: str, *, wanted: Filter = EVERYTHING, after: str | None = None, limit: int
) -> list[Row[Any]]:
    """Items of a queue that are not closed, most urgent first, from the one after that of the report `after` on.

    `beginning` is that of the text, or in an encrypted store all of it.
    A page goes on from a report, not from a number: ours grow with what arrives in any queue, and would tell of it.
    NotFound where the report has no item in the queue.
    """
    last = item_of(connection, after, queue) if after else None
    whole = keys_of(connection.dialect) is not None  # the database cannot cut what it cannot read
    query = (
        select(
            queue_item, report.c.id.label("report_id"), report.c.external_id, report.c.source, report.c.language,
            (report.c.text if whole else func.substr(report.c.text, 1, BEGINNING)).label("beginning"),
            report.c.report_date,
        )
        .join(report, report.c.seq == queue_item.c.report)
        .where(queue_item.c.queue == queue, text(f"queue_item.{OPEN}"), *conditions(connection, wanted))
    )  # fmt: skip
    query = with_facets(connection, query, queue, wanted.facets, (last.rank, last.seq) if last else None)
    if not reads_each(connection, wanted):
        return list(connection.execute(query.limit(limit)))
    fits = says(wanted.words or "")
    with connection.execute(query.execution_options(yield_per=READ_AT_A_TIME)) as rows:
        return list(islice((row for row in rows if fits(row.external_id, row.beginning)), limit))


def report_of(connection: Connection, item: int) -> str:
    """Our id of the report that an item is about."""
    return str(
        connection.execute(
            select(report.c.id).join(queue_item, queue_item.c.report == report.c.seq).where(queue_item.c.seq == item)
        ).scalar_one()
    )


def visible_reports(connection: Connection, report_ids: Sequence[str], queues: Collection[str]) -> list[Row[Any]]:
    """Those of the reports that have an item in one of the queues: `id`, `external_id` and one such `queue`."""
    rows = connection.execute(
        select(report.c.id, report.c.external_id, func.min(queue_item.c.queue).label("queue"))
        .join(queue_item, queue_item.c.report == report.c.seq)
        .where(report.c.id.in_(report_ids), queue_item.c.queue.in_(queues))
        .group_by(report.c.seq)
        .order_by(report.c.id)
    )
    return list(rows)


def assessed(connection: Connection, *, after: int = 0, limit: int) -> list[int]:
    """Sequence numbers of triaged reports after `after`, in order."""
    return list(
        connection.scalars(
            select(queue_item.c.report)
            .where(queue_item.c.report > after)
            .distinct()
            .order_by(queue_item.c.report)
            .limit(limit)
        )
    )


def of_reports(connection: Connection, seqs: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """The queue items of each report, in the order of queues' names."""
    found: dict[int, list[Row[Any]]] = {}
    rows = connection.execute(select(queue_item).where(queue_item.c.report.in_(seqs)).order_by(queue_item.c.queue))
    for row in rows:
        found.setdefault(row.report, []).append(row)
    return found


def history(connection: Connection, seq: int) -> list[Row[Any]]:
    """What happened to a report's items, oldest first."""
    return list(
        connection.execute(
            select(queue_event, queue_item.c.queue)
            .join(queue_item, queue_item.c.seq == queue_event.c.item)
            .where(queue_item.c.report == seq)
            .order_by(queue_event.c.seq)
        )
    )
