"""What a reviewer says of a report, and who may read it: the page and the API both come through here.

A form or a request can name only what its sender may see. What was said before and is hidden from them stays, and what
was said in a queue that they may not see is not told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from pipeline.access import Access
from pipeline.errors import MonitorError
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


def record(
    connection: Connection, item: Row[Any], said: Decision, *, access: Access, policy: Policy, taxonomy: Taxonomy,
    version: int, now: datetime,
) -> None:  # fmt: skip
    """Keep a decision beside the prediction, and close or claim the item."""
    if set(said.violations) - (set(taxonomy.violation_ids) - access.hidden_types):
        raise MonitorError("the decision names a type that there is none of")
    if said.urgency not in taxonomy.urgency_ids:
        raise MonitorError("the decision names a level that there is none of")
    text = reports.load(connection, [item.report])[item.report].text
    if not all(_is_mention(span, text, taxonomy) for span in said.spans or ()):
        raise MonitorError("the decision marks what is not in the text, or as what there is none of")
    if said.outcome:
        work.close(
            connection, item.seq, person=access.person, outcome=said.outcome, version=version, now=now, note=said.note
        )
    else:
        work.claim(connection, item.seq, person=access.person, version=version, now=now)
    _, word = readable(connection, item.report, access)
    spans = said.spans if said.spans is not None else (word or {}).get("spans")  # those marked before stay
    unseen = [v for v in corrections.types_in_force(connection, item.report) if v in access.hidden_types]
    types = [v for v in taxonomy.violation_ids if v in said.violations or v in unseen]
    corrections.add(
        connection, item.report, reviewer=access.person, violations=types, urgency=said.urgency, note=said.note,
        assessment=item.assessment, now=now, spans=spans, queue=item.queue, unseen=unseen,
    )  # fmt: skip
    # What was said in a restricted queue changes what is found in that queue, and in no other.
    restricted = policy.queue(item.queue).restricted
    body = _corrected(reports.newest_assessments(connection, [item.report])[item.report].body, types, spans, text)
    for other in queues.of_reports(connection, [item.report])[item.report]:
        if other.queue == item.queue or not restricted:
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
    body = {**assessed, "violations": [{"id": v, "decided": True} for v in types]}
    if spans is None:
        return body
    known = {(kind, m["start"], m["end"]): m for kind in ("place", "actor") for m in body[f"{kind}s"]}
    found: dict[str, list[dict[str, Any]]] = {"place": [], "actor": [], "date": []}
    for span in spans:
        mention = known.get((span["kind"], span["start"], span["end"]), {"name": text[span["start"] : span["end"]]})
        found[span["kind"]].append({**mention, **span})
    return {**body, "places": found["place"], "actors": found["actor"]}


def readable(connection: Connection, seq: int, access: Access) -> tuple[list[Row[Any]], Mapping[str, Any] | None]:
    """The corrections of report `seq` that a person may read, and the word in force as far as they may read it.

    Their own, and those made in a queue that they may see; where the queue is not on record, as with an adjudication,
    only those of a report that is in no queue hidden from them.
    """
    open_book = {i.queue for i in queues.of_reports(connection, [seq]).get(seq, ())} <= access.queues
    said = [c for c in corrections.of_report(connection, seq) if _readable(c, access, open_book=open_book)]
    if open_book:
        return said, corrections.in_force(connection, [seq]).get(seq)
    return said, corrections.word(said[-1], by=said[-1].reviewer, adjudicated=False) if said else None


def _readable(correction: Row[Any], access: Access, *, open_book: bool) -> bool:
    queue = correction.body.get("queue")
    return correction.reviewer == access.person or (queue in access.queues if queue else open_book)


def shown_types(types: Sequence[str], access: Access) -> list[str]:
    """The types that a person may see of those said of a report."""
    return [v for v in types if v not in access.hidden_types]
