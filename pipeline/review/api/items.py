"""Queues, their items, and what a reviewer does with one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy import Connection, Row

from pipeline.access import Access, told_to
from pipeline.results import report_results
from pipeline.review import decision, steps
from pipeline.review.api.callers import Key, Name, Reader, Reviewer, Strict, Words, check_queue, once
from pipeline.review.desk import Desk, desk_of, record_look
from pipeline.review_next import Suggestion, review_next
from pipeline.store import queues, reports, work
from pipeline.store.documents import moment
from pipeline.store.search import Filter

router = APIRouter()
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Asked = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
PLAIN = ("report", "report_date", "language", "urgency", "places", "actors", "dates", "counts", "flags", "model")
"""Parts of a result that hide nothing."""


class SpanIn(Strict):
    """A mention: code points of the text, from `start` up to but without `end`."""

    start: Annotated[int, Field(ge=0, le=10**6)]
    end: Annotated[int, Field(ge=1, le=10**6)]
    kind: Literal["place", "actor", "date"]
    type: Name | None = None
    role: Name | None = None


class SeenIn(Strict):
    """`version` is that of the item as it was seen."""

    version: Version


class ReasonIn(SeenIn):
    note: Words


class PersonIn(SeenIn):
    """`to` is a person's login."""

    to: Name


class QueueIn(ReasonIn):
    """`to` is a queue."""

    to: Name


class LabelsIn(Strict):
    """What somebody says of a report."""

    violations: Annotated[list[Name], Field(max_length=100)]
    urgency: Name
    note: Words | None = None


class DecisionIn(SeenIn, LabelsIn):
    """What a reviewer says; an `outcome` closes the item. `spans` are all mentions, where they were gone through."""

    outcome: work.Outcome | None = None
    spans: Annotated[list[SpanIn], Field(max_length=2000)] | None = None


@router.get("/me")
def me(who: Reader) -> dict[str, Any]:
    """Whose token it is, and what they may see."""
    return {"login": who.person, "role": who.role, "queues": sorted(who.queues)}


@router.get("/queues")
def list_queues(request: Request, who: Reader) -> list[dict[str, Any]]:
    """The queues that the caller may see, with what is open in them."""
    desk = desk_of(request)
    with desk.store.read() as connection:
        found = queues.summaries(connection, now=desk.now(), queues=who.queues)
    return [
        {"queue": q.id, "open": found[q.id].open if q.id in found else 0,
         "overdue": found[q.id].overdue if q.id in found else 0}
        for q in desk.policy.queues if q.id in who.queues
    ]  # fmt: skip


@router.get("/queues/{queue}/items")
def list_items(
    request: Request, who: Reader, queue: str, urgency: Asked = None, type: Asked = None, place: Asked = None,
    actor: Asked = None, source: Asked = None, words: Asked = None, since: date | None = None, until: date | None = None,
    after: Annotated[str | None, Query(pattern=r"^[a-z0-9]{1,40}$")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:  # fmt: skip
    """Items that are not closed and fit the filters, most urgent first; `next` is the `after` of the following page."""
    check_queue(who, queue)
    wanted = Filter(
        urgency=urgency, type=None if type in who.hidden_types else type, place=place, actor=actor, source=source,
        words=words, since=since, until=until,
    )  # fmt: skip
    with desk_of(request).store.read() as connection:
        rows = queues.page(connection, queue, wanted=wanted, after=after, limit=limit + 1)
    items = [
        {"report": r.report_id, "urgency": r.urgency, "state": r.state, "due": moment(r.due), "version": r.version,
         "assignee": r.assignee}
        for r in rows[:limit]
    ]  # fmt: skip
    return {"items": items, "next": rows[limit - 1].report_id if len(rows) > limit else None}


@router.get("/queues/{queue}/items/{report}")
def one_item(request: Request, who: Reader, queue: str, report: str) -> dict[str, Any]:
    """A report in a queue: text, what was found, what people said, what happened to it."""
    check_queue(who, queue)
    desk = desk_of(request)
    restricted = desk.policy.queue(queue).restricted
    with desk.store.write() if restricted else desk.store.read() as connection:
        item = work.get(connection, report, queue)
        if restricted:
            record_look(connection, who.person, queue, report, now=desk.now())
        return _shown(connection, item, who, desk)


@router.post("/queues/{queue}/claim-next")
def claim_next(request: Request, who: Reviewer, queue: str, key: Key = None) -> dict[str, Any]:
    """Hold the most urgent item that nobody holds; `report` is null where there is none."""
    check_queue(who, queue)
    desk = desk_of(request)
    with desk.store.write() as connection:

        def change() -> dict[str, Any]:
            seq = work.claim_next(connection, [queue], person=who.person, now=desk.now())
            if seq is None:
                return {"report": None, "queue": queue}
            return _state(connection, queues.report_of(connection, seq), queue)

        return once(connection, who, key, f"claim-next {queue}", change, now=desk.now())


@router.post("/queues/{queue}/items/{report}/claim")
def claim(request: Request, who: Reviewer, queue: str, report: str, said: SeenIn, key: Key = None) -> dict[str, Any]:
    """Hold an item, or hold it longer."""
    return _stepped("claim", request, who, queue, report, said, key)


@router.post("/queues/{queue}/items/{report}/release")
def release(request: Request, who: Reviewer, queue: str, report: str, said: SeenIn, key: Key = None) -> dict[str, Any]:
    """Let go of an item."""
    return _stepped("release", request, who, queue, report, said, key)


@router.post("/queues/{queue}/items/{report}/reopen")
def reopen(request: Request, who: Reviewer, queue: str, report: str, said: ReasonIn, key: Key = None) -> dict[str, Any]:
    """Open a closed item again."""
    return _stepped("reopen", request, who, queue, report, said, key, note=said.note)


@router.post("/queues/{queue}/items/{report}/escalate")
def escalate(
    request: Request, who: Reviewer, queue: str, report: str, said: ReasonIn, key: Key = None
) -> dict[str, Any]:
    """Make an item more urgent by one level."""
    return _stepped("escalate", request, who, queue, report, said, key, note=said.note)


@router.post("/queues/{queue}/items/{report}/reassign")
def reassign(
    request: Request, who: Reviewer, queue: str, report: str, said: PersonIn, key: Key = None
) -> dict[str, Any]:
    """Give an item to somebody else who works on this queue; what another holds, a supervisor alone gives away."""
    return _stepped("reassign", request, who, queue, report, said, key, to=said.to)


@router.post("/queues/{queue}/items/{report}/refer")
def refer(request: Request, who: Reviewer, queue: str, report: str, said: QueueIn, key: Key = None) -> dict[str, Any]:
    """Put the report in another queue that one may see, and close the item here."""
    return _stepped("refer", request, who, queue, report, said, key, note=said.note, to=said.to)


@router.post("/queues/{queue}/items/{report}/decision")
def decide(
    request: Request, who: Reviewer, queue: str, report: str, said: DecisionIn, key: Key = None
) -> dict[str, Any]:
    """Record what the caller says of a report; with an outcome, close the item."""

    def step(desk: Desk, connection: Connection, item: Row[Any]) -> None:
        spans = None if said.spans is None else [span.model_dump(exclude_none=True) for span in said.spans]
        decision.record(
            connection, item, decision.Decision(said.violations, said.urgency, said.outcome, said.note, spans),
            access=who, policy=desk.policy, taxonomy=desk.taxonomy, version=said.version, now=desk.now(),
        )  # fmt: skip

    return _changed(request, who, queue, report, said, key, step)


@router.get("/review-next")
def next_reviews(request: Request, who: Reader, count: Annotated[int, Query(ge=1, le=100)] = 20) -> list[Suggestion]:
    """Reports whose review would teach the model most, among those that the caller may see."""
    desk = desk_of(request)
    open_types = [v for v in desk.taxonomy.violation_ids if v not in who.hidden_types]
    with desk.store.read() as connection:
        return review_next(connection, who.queues, violations=open_types, count=count)


def _stepped(
    name: steps.Name, request: Request, who: Access, queue: str, report: str, said: SeenIn, key: str | None, *,
    note: str = "", to: str = "",
) -> dict[str, Any]:  # fmt: skip
    def step(desk: Desk, connection: Connection, item: Row[Any]) -> None:
        asked = steps.Asked(said.version, note, to)
        steps.take(name, connection, item, asked, access=who, desk=desk)

    return _changed(request, who, queue, report, said, key, step)


def _changed(
    request: Request, who: Access, queue: str, report: str, said: SeenIn, key: str | None,
    step: Callable[[Desk, Connection, Row[Any]], None],
) -> dict[str, Any]:  # fmt: skip
    """Take a step with an item; its state after it."""
    check_queue(who, queue)
    desk = desk_of(request)
    asked = f"{request.url.path.rpartition('/')[2]} {queue} {report} {said.model_dump_json()}"
    with desk.store.write() as connection:

        def change() -> dict[str, Any]:
            step(desk, connection, work.get(connection, report, queue))
            return _state(connection, report, queue)

        return once(connection, who, key, asked, change, now=desk.now())


def _state(connection: Connection, report: str, queue: str) -> dict[str, Any]:
    item = work.get(connection, report, queue)
    return {"report": report, "queue": queue, "state": item.state, "version": item.version, "urgency": item.urgency}


def _shown(connection: Connection, item: Row[Any], who: Access, desk: Desk) -> dict[str, Any]:
    result = report_results(connection, [item.report])[item.report]
    seen = queues.visible_reports(connection, result["corroborates"], who.queues)
    result = told_to(who, result, linked=[row.id for row in seen])
    told = decision.told(connection, item.report, who, desk.policy)
    # What was done with an item can tell what was decided: how often it changed, and when it is due.
    untold = told.blind and item.state == "closed"
    made = {key: result[key] for key in PLAIN} | {
        "text": reports.load(connection, [item.report])[item.report].text,
        "version": None if untold else item.version,
        "state": item.state,
        "assignee": item.assignee,
        "due": None if untold else moment(item.due),
        **{key: result[key] for key in ("violations", "claim_status", "abstained", "corroborates")},
        "queues": [q | {"due": None} if told.blind else q for q in result["queues"]],
        "history": [
            {"at": moment(e.at), "by": e.actor, "queue": e.queue, "action": e.action, "note": e.note}
            for e in told.history
        ],
    }
    if told.word:
        made["reviewed"] = {**told.word, "violations": decision.shown_types(told.word["violations"], who)}
    return made
