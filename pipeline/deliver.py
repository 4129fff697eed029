"""Send what the queues owe: claim under a lease, send, settle; failures are tried again later."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row

from pipeline.results import report_results
from pipeline.route.destinations import DeliveryFailed, Destination, Message
from pipeline.store import Store, audit, outbox

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=6)


@dataclass(frozen=True)
class Delivered:
    """What a delivery run did; `owed` and `dead` are what is left afterwards."""

    sent: int
    failed: int
    owed: int
    dead: int


def deliver(
    store: Store,
    destinations: Mapping[str, Destination],
    *,
    now: Callable[[], datetime],
    rng: random.Random,
    actor: str = "deliver",
    progress: Callable[[int], None] = lambda sent: None,
) -> Delivered:
    """Send everything that is due. Killed at any moment and run again, nothing is lost."""
    sent = failed = 0
    while True:
        with store.write() as connection:
            claim = outbox.claim(connection, now=now())
            messages = {row.seq: _message(row, document) for row, document in _documents(connection, claim)}
        if not claim.rows:
            break
        done: list[int] = []
        errors: list[tuple[Row[Any], DeliveryFailed]] = []
        ordered = sorted(claim.rows, key=lambda row: (row.destination, row.queue, row.batch, row.seq))
        for (name, _, _), group in groupby(ordered, key=lambda row: (row.destination, row.queue, row.batch)):
            rows = list(group)
            destination = destinations.get(name)
            try:
                if destination is None:
                    raise DeliveryFailed(f"there is no destination {name!r} in the settings")
                destination.send([messages[row.seq] for row in rows])
                done += [row.seq for row in rows]
            except DeliveryFailed as error:
                done += [row.seq for row in rows[: error.sent]]
                errors += [(row, error) for row in rows[error.sent :]]
        with store.write() as connection:
            moment = now()
            settled = outbox.settle(connection, token=claim.token, seqs=done, now=moment)
            for row, problem in errors:
                outbox.fail(
                    connection,
                    token=claim.token,
                    seq=row.seq,
                    attempts=row.attempts,
                    error=str(problem),
                    available_at=now() + wait(row.attempts, problem, rng=rng),
                )
            leaves = [audit.canonical([row.idempotency_key, row.sha256]) for row in ordered if row.seq in set(done)]
            audit.append(
                connection,
                at=moment,  # by which a proof finds the event of a delivery
                actor=actor,
                action="deliver",
                subject=f"deliveries {ordered[0].seq}..{ordered[-1].seq}",
                body={"sent": settled, "failed": len(errors), "messages": audit.merkle_root(leaves)},
            )
        sent += settled
        failed += len(errors)
        progress(settled)
    with store.read() as connection:
        counts = outbox.counts(connection)
    return Delivered(sent, failed, owed=counts.get("owed", 0), dead=counts.get("dead", 0))


def wait(attempts: int, error: DeliveryFailed, *, rng: random.Random) -> timedelta:
    """How long to leave a delivery alone: our back-off, or longer where the destination asked for it."""
    asked = timedelta(seconds=error.retry_after or 0)
    return min(max(backoff(attempts, rng=rng), asked), LONGEST_RETRY)


def backoff(attempts: int, *, rng: random.Random) -> timedelta:
    """Exponential back-off with full jitter, at least half of the step."""
    step: timedelta = min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY)
    return step * (0.5 + rng.random() / 2)


def _documents(connection: Connection, claim: outbox.Claim) -> list[tuple[Row[Any], dict[str, Any]]]:
    results = report_results(connection, [row.report for row in claim.rows])
    return [(row, results[row.report]) for row in claim.rows]


def _message(row: Row[Any], document: dict[str, Any]) -> Message:
    # A destination learns of its own queue only: the others may be restricted.
    own = [item for item in document["queues"] if item["queue"] == row.queue]
    return Message(key=row.idempotency_key, queue=row.queue, batch=row.batch, payload={**document, "queues": own})
