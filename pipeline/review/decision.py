"""What a reviewer says of a report, and who may read it: the page and the API both come through here.

A form or a request can name only what its sender may see. What was said before and is hidden from them stays, and what
was said in a queue that they may not see is not told; nor is what others said, while a second review of it waits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from pipeline.access import Access
from pipeline.errors import MonitorError
from pipeline.review import blind
from pipeline.review.standing import standing
from pipeline.route import Policy
from pipeline.store import corrections, facets, queues, reports, work
from pipeline.store.corrections import Spans
from pipeline.taxonomy import Taxonomy


@dataclass(frozen=True)
class Decision:
    """An `outcome` closes the item; without one it is kept. `spans` is None where mentions were not gone through."""

    violations: Collection[str]
    urgency: str
    outcome: work.Outcome | None = None
    note: str | None = None
    spans: Spans | None = None


@dataclass(frozen=True)
class Told:
    """What somebody may read of a report: what people said, what of it is in force, and what happened to its items.

    `blind` where something is kept from them until a second review is in.
    """

    said: list[Row[Any]]
    word: Mapping[str, Any] | None
    history: list[Row[Any]]
    blind: bool


def told(connection: Connection, seq: int, access: Access, policy: Policy) -> Told:
    """What a person may read of what others said of report `seq` and did with it.

    Of those whose words are kept from them, no deed is told either: it would tell what they decided.
    """
    found, shut = _readable(connection, seq, access), blind.kept_from(connection, seq, access, policy)
    said = [c for c in found if c.by == access.person or c.body.get("queue", "") not in shut]
    silent = {c.by for c in found if c.by != access.person and c.body.get("queue", "") in shut}
    history = [
        e
        for e in queues.history(connection, seq)
        if e.queue in access.queues and not (e.queue in shut and e.actor in silent)
    ]
    return Told(said, corrections.word(said[-1]) if said else None, history, bool(silent))


def _readable(connection: Connection, seq: int, access: Access) -> list[Row[Any]]:
    """Their own words, and those said in a queue that they may see.

    Where the queue is not on record, only those on a report that is in no queue hidden from them.
    """
    open_book = {i.queue for i in queues.of_reports(connection, [seq]).get(seq, ())} <= access.queues
    return [
        c
        for c in corrections.of_report(connection, seq)
        if c.by == access.person or (c.body["queue"] in access.queues if "queue" in c.body else open_book)
    ]


def record(
    connection: Connection, item: Row[Any], said: Decision, *, access: Access, policy: Policy, taxonomy: Taxonomy,
    version: int, now: datetime,
) -> None:  # fmt: skip
    """Keep a decision beside the prediction, and close or claim the item."""
    check(said, access=access, taxonomy=taxonomy)
    text = reports.load(connection, [item.report])[item.report].text
    if not all(_is_mention(span, text, taxonomy) for span in said.spans or ()):
        raise MonitorError("the decision marks what is not in the text, or as what there is none of")
    closed = False
    if said.outcome:
        closed = work.close(
            connection, item.seq, person=access.person, outcome=said.outcome, version=version, now=now, note=said.note
        )
    else:
        work.claim(connection, item.seq, person=access.person, version=version, now=now)
    before = _readable(connection, item.report, access)
    spans = said.spans
    if spans is None and before:  # those marked before stay
        spans = before[-1].body.get("spans")
    types, unseen = with_unseen(connection, item.report, said.violations, access=access, taxonomy=taxonomy)
    made = corrections.add(
        connection, item.report, reviewer=access.person, violations=types, urgency=said.urgency, note=said.note,
        assessment=item.assessment, now=now, spans=spans, queue=item.queue, unseen=unseen,
    )  # fmt: skip
    confirming = bool(said.outcome) and not closed
    blind.follow(connection, item, word=made, closed=closed, confirming=confirming, policy=policy)
    if not blind.is_blind(connection, item, policy):
        show_in_lists(connection, item, types, spans, policy=policy)


def was_recorded(connection: Connection, item: Row[Any], said: Decision, *, access: Access, version: int) -> bool:
    """Whether this very word, by the same person, is what changed the item since `version`: its form was sent twice."""
    mine = [
        c
        for c in corrections.of_report(connection, item.report)
        if c.by == access.person and c.body.get("queue") == item.queue
    ]
    done = (
        item.decided_by == access.person and item.outcome == said.outcome if said.outcome else item.state == "claimed"
    )
    if not mine or not done or item.version != version + 1:
        return False
    types = set(mine[-1].body["violations"]) - set(mine[-1].body.get("unseen", ()))
    return (types, mine[-1].body["urgency"], mine[-1].note) == (set(said.violations), said.urgency, said.note)


def check(said: Decision, *, access: Access, taxonomy: Taxonomy) -> None:
    """MonitorError where a type or level is named that there is none of, or not for this person."""
    if set(said.violations) - (set(taxonomy.violation_ids) - access.hidden_types):
        raise MonitorError("the decision names a type that there is none of")
    if said.urgency not in taxonomy.urgency_ids:
        raise MonitorError("the decision names a level that there is none of")


def with_unseen(
    connection: Connection, seq: int, violations: Collection[str], *, access: Access, taxonomy: Taxonomy
) -> tuple[list[str], list[str]]:
    """The types with those in force that this person may not see, and these alone: a decision does not undo them."""
    unseen = [v for v in corrections.types_in_force(connection, seq) if v in access.hidden_types]
    return [v for v in taxonomy.violation_ids if v in violations or v in unseen], unseen


def show_in_lists(
    connection: Connection, item: Row[Any], types: Collection[str], spans: Spans | None, *, policy: Policy
) -> None:
    """Find the report's items by what is in force: what was said in a restricted queue, in that queue alone."""
    text = reports.load(connection, [item.report])[item.report].text
    body = _corrected(reports.newest_assessments(connection, [item.report])[item.report].body, types, spans, text)
    for other in queues.of_reports(connection, [item.report])[item.report]:
        if other.queue == item.queue or not policy.queue(item.queue).restricted:
            facets.replace(connection, other.seq, body)


def _is_mention(span: Mapping[str, Any], text: str, taxonomy: Taxonomy) -> bool:
    if not corrections.span_fits(span, text):
        return False
    known = span.get("type") in taxonomy.actor_types and span.get("role") in (*taxonomy.actor_roles, None)
    return known if span["kind"] == "actor" else span.get("type") is None and span.get("role") is None


def _corrected(
    assessed: Mapping[str, Any], types: Collection[str], spans: Spans | None, text: str
) -> dict[str, Any]:  # fmt: skip
    """What was assessed, with the types and the mentions that a person saw in the report."""
    stands = standing(assessed, {"by": "", "spans": spans}, text)
    # A place that a person marked is found by its words, where nothing else is known of it.
    places = [p if p["said_by"] is None else p | {"name": p["name"] or p["text"]} for p in stands.places]
    types_said = [{"id": v, "decided": True} for v in types]
    return {**assessed, "violations": types_said, "places": places, "actors": stands.actors}


def shown_types(types: Sequence[str], access: Access) -> list[str]:
    """The types that a person may see of those said of a report."""
    return [v for v in types if v not in access.hidden_types]
