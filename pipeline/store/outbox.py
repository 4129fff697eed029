"""The outbox: deliveries owed, written in the transaction that made the queue item.

A worker takes a lease on a few rows, sends them, and settles each under the token of its lease, so
that a worker that was paused past its lease cannot settle what another has taken over. A crash
between sending and settling sends again with the same idempotency key.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, case, func, or_, select, update

from pipeline.store import circuits
from pipeline.store.schema import assessment, outbox, queue_item, queue_pause, report

MAX_ATTEMPTS = 12
LEASE = timedelta(minutes=10)


@dataclass(frozen=True)
class Claim:
    """Deliveries under lease until `until`; `rows` carry all that a message needs."""

    token: str
    rows: Sequence[Row[Any]]
    until: datetime


def claim(connection: Connection, *, now: datetime, lease: timedelta = LEASE, limit: int = 100) -> Claim:
    """Take a lease on the oldest deliveries that are due; the caller holds a write transaction.

    What a paused queue owes waits until it goes on. Nothing goes to a destination whose circuit is open; where it is
    half open, one claimer alone tries it. The rows are as they were before: `attempts` without this one, `lease_token`
    of the last lease, of which those have one that went together and failed, or whose worker died.
    """
    due = select(outbox.c.seq).where(
        outbox.c.state == "owed",
        outbox.c.available_at <= now,
        or_(outbox.c.lease_until.is_(None), outbox.c.lease_until < now),
    )
    if paused := list(connection.scalars(select(queue_pause.c.queue))):
        due = due.where(outbox.c.item.not_in(select(queue_item.c.seq).where(queue_item.c.queue.in_(paused))))

    rested = [
        name
        for name in circuits.rested(connection, now=now)
        if connection.execute(due.where(outbox.c.destination == name).limit(1)).first()
        and circuits.try_alone(connection, name, now=now, until=now + lease)
    ]
    left_alone = set(circuits.not_closed(connection)) - set(rested)
    # SQLite drops FOR UPDATE; its write transaction already excludes other claimers.
    seqs = list(
        connection.scalars(
            due.where(outbox.c.destination.not_in(left_alone))
            # A destination that is tried again comes first; then what failed before holds up nothing else.
            .order_by(outbox.c.destination.not_in(rested), outbox.c.attempts, outbox.c.seq)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
    if not seqs:
        return Claim("", (), now)
    rows = _payload_rows(connection, seqs)
    token = secrets.token_hex(16)
    connection.execute(
        update(outbox)
        .where(outbox.c.seq.in_(seqs))
        .values(lease_until=now + lease, lease_token=token, attempts=outbox.c.attempts + 1)
    )
    return Claim(token, rows, now + lease)


def _payload_rows(connection: Connection, seqs: Sequence[int]) -> Sequence[Row[Any]]:
    return connection.execute(
        select(
            outbox.c.seq, outbox.c.destination, outbox.c.idempotency_key, outbox.c.attempts, outbox.c.lease_token,
            queue_item.c.queue, queue_item.c.urgency, queue_item.c.rank, queue_item.c.due, queue_item.c.report,
            report.c.id.label("report_id"), report.c.external_id, report.c.batch, report.c.sha256,
            report.c.report_date, report.c.language, assessment.c.body, assessment.c.model,
            assessment.c.policy, assessment.c.taxonomy,
        )
        .join(queue_item, queue_item.c.seq == outbox.c.item)
        .join(report, report.c.seq == queue_item.c.report)
        .join(assessment, assessment.c.seq == queue_item.c.assessment)
        .where(outbox.c.seq.in_(seqs))
        .order_by(outbox.c.attempts, outbox.c.seq)
    ).all()  # fmt: skip


def settle(connection: Connection, *, token: str, seqs: Sequence[int], now: datetime) -> set[int]:
    """Mark deliveries as done; those of them that were still under this lease."""
    return set(
        connection.scalars(
            update(outbox)
            .where(outbox.c.seq.in_(seqs), outbox.c.lease_token == token, outbox.c.state == "owed")
            .values(state="delivered", delivered_at=now, lease_until=None, lease_token=None, last_error=None)
            .returning(outbox.c.seq)
        )
    )


def fail(connection: Connection, *, token: str, seqs: Sequence[int], error: str, available_at: datetime) -> None:
    """Note a failed try: again at `available_at`, or dead letters after the last one.

    The token stays, by which the next claim knows what went together.
    """
    connection.execute(
        update(outbox)
        .where(outbox.c.seq.in_(seqs), outbox.c.lease_token == token, outbox.c.state == "owed")
        .values(
            state=case((outbox.c.attempts >= MAX_ATTEMPTS, "dead"), else_="owed"), available_at=available_at,
            lease_until=None, last_error=error,
        )
    )  # fmt: skip


def put_back(
    connection: Connection, *, token: str, seqs: Sequence[int], available_at: datetime | None = None
) -> None:  # fmt: skip
    """Give up the lease on deliveries that were not tried, which does not count as a try; until `available_at`, if any."""
    connection.execute(
        update(outbox)
        .where(outbox.c.seq.in_(seqs), outbox.c.lease_token == token, outbox.c.state == "owed")
        .values(
            attempts=outbox.c.attempts - 1, lease_until=None, lease_token=None,
            available_at=available_at or outbox.c.available_at,
        )
    )  # fmt: skip


def counts(connection: Connection) -> dict[str, int]:
    """Deliveries by state: owed, delivered, dead."""
    rows = connection.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state))
    return {row.state: row[1] for row in rows}


@dataclass(frozen=True)
class Unsettled:
    """What a destination is still owed, or will not get; `oldest` is when its first item was queued."""

    destination: str
    state: str
    count: int
    retrying: int
    oldest: datetime


def unsettled(connection: Connection, *, queues: Collection[str]) -> list[Unsettled]:
    """Deliveries of items in these queues that are owed or dead, by destination and state."""
    retrying = func.sum(case((outbox.c.last_error.is_not(None), 1), else_=0))
    rows = connection.execute(
        select(outbox.c.destination, outbox.c.state, func.count(), retrying, func.min(queue_item.c.created_at))
        .join(queue_item, queue_item.c.seq == outbox.c.item)
        .where(outbox.c.state.in_(("owed", "dead")), queue_item.c.queue.in_(queues))
        .group_by(outbox.c.destination, outbox.c.state)
        .order_by(outbox.c.destination, outbox.c.state)
    )
    return [Unsettled(*row) for row in rows]
