"""Send what the queues owe: claim under a lease, send, settle; failures are tried again later."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from pipeline.access import reader_of, told_to
from pipeline.results import report_results
from pipeline.route import Policy
from pipeline.route.destinations import DeliveryFailed, Destination, Message
from pipeline.store import Store, audit, circuits, outbox, queues
from pipeline.taxonomy import Taxonomy

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=6)


@dataclass(frozen=True)
class Delivered:
    """What a delivery run did; `owed` and `dead` are what is left afterwards, `resting` the destinations left alone."""

    sent: int
    failed: int
    owed: int
    dead: int
    resting: tuple[str, ...] = ()


@dataclass
class _Outcome:
    """What became of the deliveries of one claim, and how each destination did: None where it works.

    `left` are those that were not tried, by the time to ask again, None for at once.
    """

    done: list[Row[Any]] = field(default_factory=list)
    failed: list[tuple[list[Row[Any]], DeliveryFailed]] = field(default_factory=list)
    left: dict[datetime | None, list[Row[Any]]] = field(default_factory=lambda: defaultdict(list))
    troubles: dict[str, DeliveryFailed | None] = field(default_factory=dict)


def deliver(
    store: Store,
    destinations: Mapping[str, Destination],
    *,
    policy: Policy,
    taxonomy: Taxonomy,
    now: Callable[[], datetime],
    rng: random.Random,
    actor: str = "deliver",
    progress: Callable[[int], None] = lambda sent: None,
) -> Delivered:
    """Send everything that is due. Killed at any moment and run again, nothing is lost.

    What goes out for a queue tells what somebody may know who sees no restricted queue but that one.
    """
    sent = failed = 0
    while True:
        with store.write() as connection:
            claim = outbox.claim(connection, now=now())
            messages = _messages(connection, claim, policy, taxonomy)
        if not claim.rows:
            break
        outcome = _send(claim, messages, destinations, now=now)
        with store.write() as connection:
            settled = _settle(connection, claim, outcome, now=now(), rng=rng, actor=actor)
        sent += settled
        failed += sum(len(rows) for rows, _ in outcome.failed)
        progress(settled)
    with store.read() as connection:
        counts = outbox.counts(connection)
        resting = tuple(row.destination for row in circuits.troubled(connection))
    return Delivered(sent, failed, owed=counts.get("owed", 0), dead=counts.get("dead", 0), resting=resting)


def _send(
    claim: outbox.Claim,
    messages: Mapping[int, Message],
    destinations: Mapping[str, Destination],
    *,
    now: Callable[[], datetime],
) -> _Outcome:
    """Send what was claimed. What would come too late in the lease, or after a destination's trouble, is left."""
    outcome = _Outcome()
    groups: dict[tuple[str, str, str | None], list[Row[Any]]] = defaultdict(list)
    for row in claim.rows:
        # What went together goes together again, so that it can be told for a repetition.
        groups[row.destination, row.queue, row.lease_token].append(row)
    for (name, _, _), rows in groups.items():
        while rows and outcome.troubles.get(name) is None and now() < claim.until - outbox.LEASE / 2:
            try:
                if name not in destinations:
                    problem = f"there is no destination {name!r} in the settings"
                    raise DeliveryFailed(problem, tried=[rows[0].idempotency_key])
                held = destinations[name].send([messages[row.seq] for row in rows])
                outcome.troubles[name] = None
                outcome.done += [row for row in rows if row.idempotency_key not in held]
                for row in rows:
                    if row.idempotency_key in held:
                        outcome.left[held[row.idempotency_key]].append(row)
                rows = []
            except DeliveryFailed as error:
                outcome.troubles[name] = None if error.refused else error
                outcome.done += [row for row in rows if row.idempotency_key in error.sent]
                outcome.failed.append(([row for row in rows if row.idempotency_key in error.tried], error))
                rows = [row for row in rows if row.idempotency_key not in {*error.sent, *error.tried}]
        outcome.left[None] += rows
    return outcome


def _settle(
    connection: Connection, claim: outbox.Claim, outcome: _Outcome, *, now: datetime, rng: random.Random, actor: str
) -> int:
    """Write down what became of a claim; how many deliveries are done."""
    audit.lock(connection)
    token = claim.token
    settled = outbox.settle(connection, token=token, seqs=[row.seq for row in outcome.done], now=now)
    for rows, error in outcome.failed:
        again = now + wait(max(row.attempts for row in rows) + 1, error, rng=rng)
        outbox.fail(connection, token=token, seqs=[row.seq for row in rows], error=str(error), available_at=again)
    for moment, rows in outcome.left.items():
        outbox.put_back(connection, token=token, seqs=[row.seq for row in rows], available_at=moment)
    troubles = {name: trouble for name, trouble in outcome.troubles.items() if trouble is not None}
    circuits.close(connection, {row.destination for row in outcome.done} | outcome.troubles.keys() - troubles.keys())
    for name, trouble in troubles.items():
        circuits.failed(connection, name, error=str(trouble), asked=_asked(trouble), now=now)
    # In the order of their numbers, and at this moment: so a proof finds them again.
    sent = sorted((row.seq, row.idempotency_key, row.sha256) for row in outcome.done if row.seq in settled)
    failures = sum(len(rows) for rows, _ in outcome.failed)
    if sent or failures:
        seqs = [row.seq for row in claim.rows]
        audit.append(
            connection,
            at=now,
            actor=actor,
            action="deliver",
            subject=f"deliveries {min(seqs)}..{max(seqs)}",
            body={
                "sent": len(sent),
                "failed": failures,
                "messages": audit.merkle_root([audit.canonical([key, sha256]) for _, key, sha256 in sent]),
            },
        )
    return len(settled)


def wait(attempts: int, error: DeliveryFailed, *, rng: random.Random) -> timedelta:
    """How long to leave a delivery alone: our back-off, or longer where the destination asked for it."""
    return min(max(backoff(attempts, rng=rng), _asked(error) or timedelta(0)), LONGEST_RETRY)


def backoff(attempts: int, *, rng: random.Random) -> timedelta:
    """Exponential back-off with full jitter: anything up to the step (Brooker 2015, Exponential Backoff and Jitter)."""
    step: timedelta = min(FIRST_RETRY * 2 ** min(attempts - 1, 10), LONGEST_RETRY)
    return step * rng.random()


def _asked(error: DeliveryFailed) -> timedelta | None:
    # Cut before it is made: a destination may ask for more seconds than a timedelta holds.
    return timedelta(seconds=min(error.retry_after, LONGEST_RETRY.total_seconds())) if error.retry_after else None


def _messages(connection: Connection, claim: outbox.Claim, policy: Policy, taxonomy: Taxonomy) -> dict[int, Message]:
    """The message of each claimed delivery: what was decided and found, not what people said of it since."""
    results = report_results(connection, [row.report for row in claim.rows])
    readers = {row.queue: reader_of(row.queue, policy=policy, taxonomy=taxonomy) for row in claim.rows}
    messages = {}
    for row in claim.rows:
        reader, found = readers[row.queue], results[row.report]
        linked = found["corroborates"] and queues.visible_reports(connection, found["corroborates"], reader.queues)
        told = told_to(reader, found, linked=[row.id for row in linked])
        told["queues"] = [item for item in found["queues"] if item["queue"] == row.queue]
        messages[row.seq] = Message(
            key=row.idempotency_key, queue=row.queue, batch=row.batch, report=row.report_id, urgency=row.urgency,
            rank=row.rank, due=row.due, payload={key: value for key, value in told.items() if key != "reviewed"},
        )  # fmt: skip
    return messages
