"""Reports whose review would teach the model most, among those in the queues that somebody may see.

What was said in other queues counts for nothing here: that a report was reviewed there, or how often a type was found,
would tell of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, func, select

from pipeline.classify.select import choose
from pipeline.store import corrections, reports, second_reviews
from pipeline.store.corrections import Verdict
from pipeline.store.queues import OPEN_STATES, visible_reports
from pipeline.store.schema import queue_item, report

POOL = 2000
"""At most so many of the newest reports are compared: choosing stays quick however many wait."""


@dataclass(frozen=True)
class Suggestion:
    """A report to look at; `unsure_of` is the type of violation that the model is least sure of in it."""

    report: str
    queue: str
    unsure_of: str


def review_next(
    connection: Connection, queues: Collection[str], *, violations: Sequence[str], count: int
) -> list[Suggestion]:
    """At most `count` reports with an open item in one of `queues`, that nobody has reviewed; most telling first."""
    rows = connection.execute(
        select(report.c.seq, report.c.id, func.min(queue_item.c.queue).label("queue"))
        .join(queue_item, queue_item.c.report == report.c.seq)
        .where(
            queue_item.c.queue.in_(queues),
            queue_item.c.state.in_(OPEN_STATES),
        )
        .group_by(report.c.seq, report.c.id)
        .order_by(report.c.seq.desc())
        .limit(POOL)
    ).all()
    said_here = _said_in(connection, queues)
    reviewed = {verdict.report for verdict in said_here}
    newest = reports.newest_assessments(connection, [row.seq for row in rows])
    known = [row for row in rows if row.id not in reviewed and row.seq in newest and newest[row.seq].body["violations"]]
    if not known:
        return []
    found = [{v["id"]: v["probability"] for v in newest[row.seq].body["violations"]} for row in known]
    probabilities = np.array([[each.get(v, 0.0) for v in violations] for each in found], dtype=np.float64)
    counts: Counter[str] = Counter()
    blind = second_reviews.unfinished_reports(connection, queues)
    for verdict in corrections.standing(said_here).values():
        if verdict.report not in blind:
            counts.update(verdict.violations)
    positives = np.array([counts[v] for v in violations], dtype=np.float64)
    doubt = np.abs(probabilities - 0.5).argmin(axis=1)
    return [
        Suggestion(known[i].id, known[i].queue, violations[doubt[i]])
        for i in choose(probabilities, positives=positives, count=count)
    ]


def _said_in(connection: Connection, queues: Collection[str]) -> list[Verdict]:
    """What people said in these queues, and, where no queue is on record, of reports that are in one of them."""
    said = list(corrections.verdicts(connection))
    nowhere = sorted({v.report for v in said if v.queue is None})
    here = {row.id for row in visible_reports(connection, nowhere, queues)}
    return [v for v in said if (v.report in here if v.queue is None else v.queue in queues)]
