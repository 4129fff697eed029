"""The figures of a digest, counted from the rows. Reports that only restricted queues hold are in none of them: how many
came in less how many were triaged would tell their number.

A type of violation is said to rise where the day's count would be this high by chance in less than one night in
`FALSE_ALARM` nights, were each day like the four weeks before, or the time since the first report: the tail of a negative binomial (a Poisson count whose
rate is itself uncertain, Gelman et al. 2013, section 2.6), divided by the number of types looked at (Bonferroni). Of
the weeks before an even sample of about `SAMPLE` reports is read, which is a Poisson count over less time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, exists, func, not_, or_, select, text

from pipeline.store import circuits, outbox
from pipeline.store.schema import OPEN, assessment, batch, corroboration, duplicate, quarantine, queue_item, report

WEEKS = 4
FALSE_ALARM = 100
MOST_LISTED = 25
SAMPLE = 20_000
"""About as many reports of a period are read, evenly spread over it: more change an index of drift by less than 0.005."""


@dataclass(frozen=True)
class Rise:
    """More of a type than the four weeks before led to expect; `expected` per day."""

    violation: str
    today: int
    expected: float


@dataclass
class Digest:
    """Counts from `since` to `until`; `critical` and `overdue` hold *(queue, report, submitter's id, due)* of the items that are
    due first, of as many as `critical_items` and `overdue_items` say; `deliveries`
    those that are not done, owed or dead, `failing` the destinations to which nothing is sent for now, and since when
    they fail."""

    since: datetime
    until: datetime
    received: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    triaged: int = 0
    by_urgency: Counter[str] = field(default_factory=Counter)
    by_violation: Counter[str] = field(default_factory=Counter)
    by_country: Counter[str] = field(default_factory=Counter)
    by_place: Counter[tuple[str, float, float]] = field(default_factory=Counter)
    by_actor_type: Counter[str] = field(default_factory=Counter)
    by_language: Counter[str] = field(default_factory=Counter)
    abstained: int = 0
    corroborated: int = 0
    critical: list[tuple[str, str, str, datetime]] = field(default_factory=list)
    overdue: list[tuple[str, str, str, datetime]] = field(default_factory=list)
    critical_items: int = 0
    overdue_items: int = 0
    rises: list[Rise] = field(default_factory=list)
    deliveries: dict[str, int] = field(default_factory=dict)
    failing: list[tuple[str, datetime]] = field(default_factory=list)


def gather(
    connection: Connection,
    *,
    since: datetime,
    until: datetime,
    queues: Collection[str],
    hidden: Collection[str] = frozenset(),
) -> Digest:
    """The digest of a span of time for people who may see these queues; `hidden` types are not counted."""
    found = Digest(since, until)
    for table, column, name in (
        (report, report.c.seq, "accepted"), (duplicate, duplicate.c.report, "duplicates"), (quarantine, None, "quarantined"),
    ):  # fmt: skip
        query = (
            select(func.count())
            .select_from(table.join(batch, batch.c.id == table.c.batch))
            .where(batch.c.submitted_at >= since, batch.c.submitted_at < until)
        )
        if column is not None:  # in one of the queues, or in none yet
            items = select(queue_item.c.seq).where(queue_item.c.report == column)
            query = query.where(or_(exists(items.where(queue_item.c.queue.in_(queues))), not_(exists(items))))
        setattr(found, name, int(connection.execute(query).scalar_one()))
    found.received = found.accepted + found.duplicates + found.quarantined
    for row in connection.execute(assessed(since, until, queues).execution_options(yield_per=500)):
        _count(found, row, hidden)
    before: Counter[str] = Counter()
    begun = _first(connection, since - timedelta(weeks=WEEKS), since) or since
    past, share = sample(connection, begun, since, queues, size=SAMPLE)
    for row in connection.execute(past.with_only_columns(assessment.c.body).execution_options(yield_per=500)):
        before.update(_decided(row.body, hidden))
    days = max((until - since) / timedelta(days=1), 1e-9)
    past_days = (since - begun) / timedelta(days=1) * share
    found.rises = rises(found.by_violation, before, past_days=past_days, days=days)
    found.corroborated = _corroborated(connection, since, until, queues)
    of_queues = queue_item.c.queue.in_(queues), text(f"queue_item.{OPEN}")
    open_items = (
        select(queue_item.c.queue, report.c.id, report.c.external_id, queue_item.c.due)
        .join(report, report.c.seq == queue_item.c.report)
        .where(*of_queues)
        .order_by(queue_item.c.due)
        .limit(MOST_LISTED)
    )
    counted = select(func.count()).select_from(queue_item).where(*of_queues)
    for name, condition in (("critical", queue_item.c.urgency == "critical"), ("overdue", queue_item.c.due < until)):
        rows = connection.execute(open_items.where(condition))
        setattr(found, name, [(r.queue, r.id, r.external_id or r.id, r.due) for r in rows])
        count = len(getattr(found, name))
        if count == MOST_LISTED:
            count = int(connection.execute(counted.where(condition)).scalar_one())
        setattr(found, f"{name}_items", count)
    for unsettled in outbox.unsettled(connection, queues=queues):
        found.deliveries[unsettled.state] = found.deliveries.get(unsettled.state, 0) + unsettled.count
    found.failing = [(row.destination, row.failing_since) for row in circuits.troubled(connection, queues=queues)]
    return found


def rises(today: Counter[str], before: Counter[str], *, past_days: float, days: float) -> list[Rise]:
    """The types that rise, most surprising first; see the module's words for the test. None where nothing came before."""
    if past_days <= 0:
        return []
    looked_at = max(1, len(today))
    found = []
    for violation, count in today.items():
        chance = tail(count, shape=before[violation] + 0.5, exposure=days / past_days)
        if count >= 3 and chance < 1 / (FALSE_ALARM * looked_at):
            found.append((chance, Rise(violation, count, round(before[violation] * days / past_days, 1))))
    return [rise for _, rise in sorted(found, key=lambda pair: pair[0])]


def tail(count: int, *, shape: float, exposure: float) -> float:
    """The chance of `count` or more where the rate has a gamma distribution of this shape over one unit of time."""
    log_p, below = shape * math.log(1 / (1 + exposure)), 0.0
    for k in range(count):
        below += math.exp(log_p)
        log_p += math.log((shape + k) / (k + 1) * exposure / (1 + exposure))
    return max(0.0, 1.0 - below)


def assessed(since: datetime, until: datetime, queues: Collection[str]) -> Select[Any]:
    """First assessments of a span of time, of reports in one of the queues: the span alone is read, report by report."""
    earlier = assessment.alias("earlier")
    again = select(earlier.c.seq).where(earlier.c.report == assessment.c.report, earlier.c.seq < assessment.c.seq)
    seen = select(queue_item.c.seq).where(queue_item.c.report == assessment.c.report, queue_item.c.queue.in_(queues))
    return (
        select(assessment.c.body, report.c.language, report.c.country)
        .join(report, report.c.seq == assessment.c.report)
        .where(
            assessment.c.created_at >= since, assessment.c.created_at < until, not_(exists(again)), exists(seen),
        )
    )  # fmt: skip


def sample(
    connection: Connection, since: datetime, until: datetime, queues: Collection[str], *, size: int
) -> tuple[Select[Any], float]:
    """About `size` of the assessments of a span, evenly spread over it, and their share of all, 0 to 1."""
    within = select(func.count()).where(assessment.c.created_at >= since, assessment.c.created_at < until)
    every = 1 + int(connection.execute(within).scalar_one()) // size
    return assessed(since, until, queues).where(assessment.c.seq % every == 0), 1 / every


def _first(connection: Connection, since: datetime, until: datetime) -> datetime | None:
    """When the first report of a span of time was assessed: a desk that is younger than four weeks has no more to compare."""
    within = assessment.c.created_at >= since, assessment.c.created_at < until
    first = select(assessment.c.created_at).where(*within).order_by(assessment.c.created_at).limit(1)
    return connection.execute(first).scalar_one_or_none()


def _decided(body: Mapping[str, Any], hidden: Collection[str]) -> list[str]:
    return [v["id"] for v in body["violations"] if v["decided"] and v["id"] not in hidden]


def _count(found: Digest, row: Any, hidden: Collection[str]) -> None:
    body = row.body
    found.triaged += 1
    found.by_violation.update(_decided(body, hidden))
    found.by_urgency[body["urgency"]["id"] if body["urgency"] else "undecided"] += 1
    found.by_country.update({p["iso2"] for p in body["places"] if p.get("iso2")} or {row.country or "unknown"})
    found.by_place.update(
        {
            (p["name"] or "", p["lat"], p["lon"])  # a point alone has no name
            for p in body["places"]
            if p.get("lat") is not None and p["precision"] == "exact"
        }
    )
    found.by_actor_type.update({a["type"] for a in body["actors"] if a["role"] == "perpetrator"})
    found.by_language[row.language or "unknown"] += 1
    found.abstained += bool(set(body["abstained"]) - set(hidden))


def _corroborated(connection: Connection, since: datetime, until: datetime, queues: Collection[str]) -> int:
    def seen(column: Any) -> Any:
        return exists(select(queue_item.c.seq).where(queue_item.c.report == column, queue_item.c.queue.in_(queues)))

    told_twice = select(corroboration.c.other).where(
        corroboration.c.report == report.c.seq, seen(corroboration.c.report), seen(corroboration.c.other)
    )
    within = report.c.received_at >= since, report.c.received_at < until
    return int(connection.execute(select(func.count()).where(*within, exists(told_twice))).scalar_one())
