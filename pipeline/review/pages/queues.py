"""The board with all queues, and the list of one queue with its filters."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, Row

from pipeline.errors import MonitorError, NotFound
from pipeline.intake.fields import BadField, parse_country
from pipeline.review import second_review
from pipeline.review.desk import Csrf, Desk, Reviewer, Signed, Visitor, check_form, desk_of, queue_of, render
from pipeline.store import audit, facets, queues, work
from pipeline.store.search import Filter

router = APIRouter()
PAGE = 50
OFFERED = ("place", "actor", "source")
Words = Annotated[str, Query(max_length=200)]


@router.get("/")
def board(request: Request, who: Signed) -> Response:
    """The queues that this person may see; a monitor is taken to the batches."""
    if not who.access.reviews:
        return RedirectResponse("/batches", status_code=303)
    desk = desk_of(request)
    with desk.store.read() as connection:
        summaries = queues.summaries(connection, now=desk.now(), queues=who.access.queues)
        paused = work.paused(connection)
        second = second_review.waiting(connection, who.access, now=desk.now())
        pace = _pace(connection, who.access.person, desk.now())
    visible = [queue for queue in desk.policy.queues if queue.id in who.access.queues]
    lines = [(queue, summaries.get(queue.id), queue.id in paused) for queue in visible]
    lines.sort(key=lambda line: -(line[1].overdue if line[1] else 0))
    total = {name: sum(getattr(line[1], name) for line in lines if line[1]) for name in ("open", "overdue")}
    values = {
        "lines": lines, "levels": desk.taxonomy.urgency_ids, "second": second, "total": total, "pace": pace,
        "now": desk.now(),
    }  # fmt: skip
    return render(request, "board.html", values, who=who)


@router.get("/queues/{queue}")
def queue_page(
    request: Request, who: Reviewer, queue: str, q: Words = "", urgency: Words = "", type: Words = "", place: Words = "",
    actor: Words = "", source: Words = "", since: Words = "", until: Words = "", overdue: bool = False, after: Words = "",
    closed: Words = "",
) -> Response:  # fmt: skip
    """The items of a queue that are not closed and fit the filters, most urgent first."""
    desk = desk_of(request)
    shown = queue_of(desk, who, queue)
    types = [v for v in desk.taxonomy.violations if v.id not in who.access.hidden_types]
    asked = {
        "q": q.strip(), "urgency": urgency, "type": type if type in {v.id for v in types} else "",
        "place": place.strip(), "actor": actor.strip(), "source": source.strip(), "since": since, "until": until,
        "overdue": "true" if overdue else "",
    }  # fmt: skip
    wanted = Filter(
        urgency=urgency or None, type=asked["type"] or None, place=_place(asked["place"]), actor=asked["actor"] or None,
        source=asked["source"] or None, words=asked["q"] or None, since=_day(since), until=_day(until),
        overdue_at=desk.now() if overdue else None,
    )  # fmt: skip
    with desk.store.read() as connection:
        rows = queues.page(connection, queue, wanted=wanted, after=after or None, limit=PAGE + 1)
        found = facets.of_items(connection, [row.seq for row in rows])
        second = second_review.waiting(connection, who.access, now=desk.now()).get(queue, 0)
        just_closed = _closed(connection, closed, queue) if closed else None
    offered = {kind: sorted({v for about in found.values() for v in about.get(kind, ())}) for kind in OFFERED}
    given = {key: value for key, value in asked.items() if value}
    following = rows[PAGE - 1].report_id if len(rows) > PAGE else None
    values = {
        "queue": shown, "rows": rows[:PAGE], "found": found, "levels": desk.taxonomy.urgency_ids, "now": desk.now(),
        "following": urlencode({**given, "after": following}) if following else None, "asked": asked, "given": given,
        "types": types, "second": second, "offered": offered, "closed": just_closed,
        "beginning": queues.BEGINNING, "names": {v.id: v.name for v in types}, "first": not after,
    }  # fmt: skip
    return render(request, "queue.html", values, who=who)


@router.post("/queues/{queue}/next")
def next_item(request: Request, who: Reviewer, queue: str, csrf: Csrf) -> Response:
    """Claim the most urgent item that nobody holds and go there."""
    check_form(who, csrf)
    return take_next(desk_of(request), who, queue)


def take_next(desk: Desk, who: Visitor, queue: str) -> Response:
    queue_of(desk, who, queue)
    with desk.store.write() as connection:
        item = work.claim_next(connection, [queue], person=who.access.person, now=desk.now())
        report = queues.report_of(connection, item) if item else None
    return RedirectResponse(f"/queues/{queue}/{report}" if report else f"/queues/{queue}", status_code=303)


def _closed(connection: Connection, report: str, queue: str) -> Row[Any] | None:
    """The item from whose page one comes, if it was closed there or waits for a second person."""
    with suppress(NotFound):
        item = work.get(connection, report, queue)
        return item if item.state in ("closed", "decided") else None
    return None


def _pace(connection: Connection, person: str, now: datetime) -> dict[str, int]:
    """How many reports somebody decided of late; for nobody but themselves."""
    spans = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
    return {
        name: audit.subjects(connection, actor=person, action="reviewed", since=now - s) for name, s in spans.items()
    }


def _place(value: str) -> str | None:
    """A place by its name, a country by its code, however it was written."""
    try:
        return parse_country(value) or None
    except BadField:
        return value


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise MonitorError("a day is written as 2025-02-14: mend the filter") from None
