"""A policy tried on the reports in the store: what would move between queues. Nothing is changed.

Reports are routed by the decisions that are stored, so that the model is not run again and only the policy differs. Erased
ones are left out: what rules look for in a text is gone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Connection

from pipeline.route.policy import Policy
from pipeline.route.rules import route
from pipeline.store import queues, reports
from pipeline.store.documents import stored_assessment
from pipeline.taxonomy import Taxonomy

REPORTS_AT_A_TIME = 500


@dataclass(frozen=True)
class Move:
    """A report that another policy would put elsewhere; `report` is our own id."""

    report: str
    external_id: str | None
    leaves: tuple[str, ...]
    joins: tuple[str, ...]


@dataclass
class Trial:
    """`now` and `then` count reports by queue; `moves` are the first ones, `moved` is how many there are."""

    reports: int = 0
    moved: int = 0
    now: Counter[str] = field(default_factory=Counter)
    then: Counter[str] = field(default_factory=Counter)
    leaves: Counter[str] = field(default_factory=Counter)
    joins: Counter[str] = field(default_factory=Counter)
    moves: list[Move] = field(default_factory=list)


def try_policy(connection: Connection, policy: Policy, *, taxonomy: Taxonomy, shown: int = 20) -> Trial:
    """Route every triaged report by `policy` and compare with the queues that it is in; constant memory."""
    trial, after = Trial(), 0
    while seqs := queues.assessed(connection, after=after, limit=REPORTS_AT_A_TIME):
        after = seqs[-1]
        loaded = reports.load(connection, seqs)
        items = queues.of_reports(connection, seqs)
        for seq, newest in sorted(reports.newest_assessments(connection, seqs).items()):
            report = loaded[seq]
            if not report.text:
                continue
            found = stored_assessment(report, newest.body, model=newest.model, taxonomy=newest.taxonomy)
            then = {item.queue for item in route(report, found, policy, taxonomy=taxonomy)}
            now = {item.queue for item in items[seq]}
            leaves, joins = tuple(sorted(now - then)), tuple(sorted(then - now))
            trial.reports += 1
            trial.now.update(now)
            trial.then.update(then)
            trial.leaves.update(leaves)
            trial.joins.update(joins)
            if leaves or joins:
                trial.moved += 1
                if len(trial.moves) < shown:
                    trial.moves.append(Move(report.id, report.external_id, leaves, joins))
    return trial
