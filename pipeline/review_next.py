"""Reports whose review would teach the model most, among those in the queues that somebody may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, exists, func, select

from pipeline.classify.select import choose
from pipeline.store import corrections, reports
from pipeline.store.queues import OPEN_STATES
from pipeline.store.schema import adjudication, correction, queue_item, report

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
            ~exists().where(correction.c.report == report.c.seq),
            ~exists().where(adjudication.c.report == report.c.seq),
        )
        .group_by(report.c.seq, report.c.id)
        .order_by(report.c.seq.desc())
        .limit(POOL)
    ).all()
    newest = reports.newest_assessments(connection, [row.seq for row in rows])
    known = [row for row in rows if row.seq in newest and newest[row.seq].body["violations"]]
    if not known:
        return []
    said = [{v["id"]: v["probability"] for v in newest[row.seq].body["violations"]} for row in known]
    probabilities = np.array([[each.get(v, 0.0) for v in violations] for each in said], dtype=np.float64)
    counts: Counter[str] = Counter()
    for verdict in corrections.standing(list(corrections.verdicts(connection))).values():
        counts.update(verdict.violations)
    positives = np.array([counts[v] for v in violations], dtype=np.float64)
    doubt = np.abs(probabilities - 0.5).argmin(axis=1)
    return [
        Suggestion(known[i].id, known[i].queue, violations[doubt[i]])
        for i in choose(probabilities, positives=positives, count=count)
    ]
