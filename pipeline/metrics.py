"""Metrics for operators in Prometheus' text format, counted from the rows when they are asked for.

Those who read a monitoring system are many and see no restricted queue: their queues, their items and what those owe
are left out, and the number of reports that wait is rounded up, so that nobody sees one report leave it and arrive in
no queue. Names follow https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from pipeline.route import Policy
from pipeline.store import nights, outbox, queues, reports, work
from pipeline.store.engine import migrations

PENDING_STEP = 100


def exposition(connection: Connection, *, policy: Policy, now: datetime) -> bytes:
    """All metrics, as Prometheus and node_exporter's textfile collector read them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(list(families(connection, policy=policy, now=now))))
    return generate_latest(registry)


def families(connection: Connection, *, policy: Policy, now: datetime) -> Iterator[Metric]:
    """The metrics one by one; ages in seconds, moments in seconds since 1970, UTC."""
    yield _gauge("info", "What is in use.", ("schema", "policy"), {(migrations()[-1], policy.version): 1})
    waiting = reports.pending_count(connection)
    yield _gauge("pending_reports", "Reports that wait for triage, in hundreds rounded up.", (),
                 {(): -(-waiting // PENDING_STEP) * PENDING_STEP})  # fmt: skip
    yield _gauge("pending_oldest_age_seconds", "Age of the report that waits longest.", (),
                 {(): _age(reports.oldest_pending(connection), now)})  # fmt: skip
    shown = [queue.id for queue in policy.queues if not queue.restricted]
    yield from _queues(connection, shown, now)
    yield from _deliveries(connection, shown, now)
    yield from _night(connection)


def _queues(connection: Connection, shown: list[str], now: datetime) -> Iterator[Metric]:
    found = queues.summaries(connection, now=now, queues=shown)
    paused = work.paused(connection)
    yield _gauge("queue_items", "Items that are not closed.", ("queue", "urgency"),
                 {(name, level): count for name in found for level, count in found[name].by_urgency.items()})  # fmt: skip
    yield _gauge("queue_overdue_items", "Items that are not closed and past their due time.", ("queue",),
                 {(name,): found[name].overdue if name in found else 0 for name in shown})  # fmt: skip
    yield _gauge("queue_oldest_item_age_seconds", "Age of the oldest item that is not closed.", ("queue",),
                 {(name,): _age(found[name].oldest if name in found else None, now) for name in shown})  # fmt: skip
    yield _gauge("queue_paused", "1 where claims and deliveries are stopped.", ("queue",),
                 {(name,): name in paused for name in shown})  # fmt: skip


def _deliveries(connection: Connection, shown: list[str], now: datetime) -> Iterator[Metric]:
    lines = outbox.unsettled(connection, queues=shown)
    yield _gauge("deliveries", "Deliveries that are owed, of which some failed before, and dead letters.",
                 ("destination", "state"), {(line.destination, line.state): line.count for line in lines})  # fmt: skip
    yield _gauge("deliveries_retrying", "Deliveries that are owed and failed at least once.", ("destination",),
                 {(line.destination,): line.retrying for line in lines if line.state == "owed"})  # fmt: skip
    yield _gauge("delivery_oldest_owed_age_seconds", "Age of the oldest item whose delivery is owed.", ("destination",),
                 {(line.destination,): _age(line.oldest, now) for line in lines if line.state == "owed"})  # fmt: skip


def _night(connection: Connection) -> Iterator[Metric]:
    """The last night that was finished, and whether one was begun since that was not."""
    last, unfinished = nights.last_finished(connection), nights.unfinished(connection)
    yield _gauge("night_unfinished", "1 while a night runs, or where one was cut off.", (), {(): unfinished})
    if last is None:
        return
    finished = last.finished_at.timestamp()
    yield _gauge("night_finished_timestamp_seconds", "When the last night was finished.", (), {(): finished})
    yield _gauge("night_duration_seconds", "How long the last night took.", (),
                 {(): finished - last.begun_at.timestamp()})  # fmt: skip
    yield _gauge("night_reports", "Of the last night: rows that were quarantined, reports that could not be processed.",
                 ("outcome",), {(name,): last.counts[name] for name in ("quarantined", "failed")})  # fmt: skip
    if "mailbox_failed" in last.counts:
        yield _gauge("night_mailbox_failed", "1 where the last night could not read the mailbox.", (),
                     {(): last.counts["mailbox_failed"]})  # fmt: skip
    if "chain_intact" in last.counts:
        yield _gauge("audit_chain_intact", "1 where the audit chain held together in the last night.", (),
                     {(): last.counts["chain_intact"]})  # fmt: skip


def _gauge(name: str, words: str, labels: tuple[str, ...], values: dict[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(f"sitrep_{name}", words, labels=labels)
    for where, value in values.items():
        family.add_metric(where, value)
    return family


def _age(moment: datetime | None, now: datetime) -> float:
    """Seconds since then; 0 where there is none."""
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0


class _Collected(Collector):
    """Metrics that are at hand, as the client library wants them."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics
