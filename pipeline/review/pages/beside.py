"""A report and another of the same event side by side, where both may be seen."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from pipeline.errors import NotFound
from pipeline.review import decision
from pipeline.review.compare import compare
from pipeline.review.desk import Desk, Reviewer, Visitor, desk_of, looking_at, queue_of, render
from pipeline.review.sheet import sheet
from pipeline.store import queues, reports, work

router = APIRouter()


@router.get("/queues/{queue}/{report}/beside/{other}")
def beside_page(request: Request, who: Reviewer, queue: str, report: str, other: str) -> Response:
    """Two linked reports with what differs; a linked one that one may not see is not there, as on the item's page."""
    desk = desk_of(request)
    queue_of(desk, who, queue)
    with desk.store.read() as connection:
        item = work.get(connection, report, queue)
        links = reports.corroborating(connection, [item.report]).get(item.report, [])
        seen = queues.visible_reports(connection, links, who.access.queues)
        where = next((row.queue for row in seen if row.id == other), None)
    if where is None:
        raise NotFound("no such report")
    sides = [_side(desk, who, queue, report), _side(desk, who, where, other)]
    values = {"queue": queue_of(desk, who, queue), "sides": sides, "lines": compare(*sides, taxonomy=desk.taxonomy)}
    return render(request, "beside.html", values, who=who)


def _side(desk: Desk, who: Visitor, queue: str, report: str) -> dict[str, Any]:
    """The sheet of a report in a queue, with what this person may read of what others said."""
    with looking_at(desk, who, queue_of(desk, who, queue), report) as connection:
        item = work.get(connection, report, queue)
        word = decision.told(connection, item.report, who.access, desk.policy).word
        found = sheet(connection, item.report, word=word, focus="", access=who.access, taxonomy=desk.taxonomy)
    return {**found, "path": f"/queues/{queue}/{report}"}
