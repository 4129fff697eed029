"""For supervisors: what the audit chain holds of one report, and the digests of the nights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from pipeline.access import Access
from pipeline.errors import NotFound
from pipeline.review import decision
from pipeline.review.desk import Supervisor, desk_of, queue_of, render
from pipeline.route import Policy
from pipeline.store import audit, queues, reports, work

router = APIRouter()
BACK = '<p><a href="/digests">Digests</a></p>'
_NIGHT = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@router.get("/queues/{queue}/{report}/audit")
def audit_page(request: Request, who: Supervisor, queue: str, report: str) -> Response:
    """The events of the chain about a report, as far as this person may see what they are about; the look is one too."""
    desk = desk_of(request)
    shown = queue_of(desk, who, queue)
    with desk.store.write() as connection:
        item = work.get(connection, report, queue)
        audit.append(
            connection, at=desk.now(), actor=who.access.person, action="audit of report viewed", subject=report,
            body={"queue": queue},
        )  # fmt: skip
        found = _visible(connection, item.report, report, who.access, desk.policy)
        events = [(event, audit.holds(event)) for event in found]
    return render(request, "audit.html", {"queue": shown, "report": report, "item": item, "events": events}, who=who)


def _visible(connection: Connection, seq: int, report: str, access: Access, policy: Policy) -> Iterator[Any]:
    """The events that tell of nothing hidden: of queues that one may see, and of decisions that one may read.

    Where the report is in a hidden queue as well, an event that names no queue could be of that one.
    """
    open_book = {i.queue for i in queues.of_reports(connection, [seq])[seq]} <= access.queues
    said = decision.told(connection, seq, access, policy).said
    read = {reports.body_hash(word.body) for word in said}
    for event in audit.events(connection, subject=report):
        queue = event.body.get("queue")
        if open_book or queue in access.queues or (queue is None and event.body.get("sha256") in read):
            yield event


@router.get("/digests")
def digest_list(request: Request, who: Supervisor) -> Response:
    """The nights of which there is a digest, newest first."""
    folder = desk_of(request).digests
    nights = sorted((p.stem for p in folder.glob("*.html") if _NIGHT.fullmatch(p.stem)), reverse=True) if folder else []
    return render(request, "digests.html", {"nights": nights}, who=who)


@router.get("/digests/{night}")
def digest_page(request: Request, who: Supervisor, night: str) -> Response:
    """The digest of a night as it was written: a page by itself, with its styles in it and no script."""
    folder = desk_of(request).digests
    path = folder / f"{night}.html" if folder and _NIGHT.fullmatch(night) else None
    if path is None or not path.is_file():
        raise NotFound("no such digest")
    # Of our own site, so that the way back is taken as who one is; without scripts still.
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox allow-same-origin"
    page = path.read_text(encoding="utf-8").replace("<body>", f"<body>\n{BACK}", 1)
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})
