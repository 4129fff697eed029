"""What every page works with: the desk, the visitor with their rights, forms that come from our own pages."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Form, HTTPException, Request, Response
from fastapi.templating import Jinja2Templates
from sqlalchemy import Connection

from pipeline.access import Access, access_of
from pipeline.errors import MonitorError, NotFound
from pipeline.intake import Limits
from pipeline.route import Policy
from pipeline.route.policy import Queue
from pipeline.store import Store, audit, people, work
from pipeline.taxonomy import Taxonomy

COOKIE = "sitrep-session"


@dataclass(frozen=True)
class Desk:
    """What the pages work on."""

    store: Store
    policy: Policy
    taxonomy: Taxonomy
    limits: Limits
    templates: Jinja2Templates
    secure: bool
    now: Callable[[], datetime]
    digests: Path | None = None


@dataclass(frozen=True)
class Visitor:
    """Who asks, with what rights; `csrf` goes into every form."""

    name: str
    access: Access
    csrf: str


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def signed_in(request: Request) -> Visitor:
    """Who asks; people who are not signed in are sent to do so."""
    desk = desk_of(request)
    with desk.store.read() as connection:
        session = people.find_session(connection, request.cookies.get(COOKIE), now=desk.now())
    if session is None:
        raise HTTPException(401)
    person = session.person
    access = access_of(person.login, person.role, person.granted, policy=desk.policy, taxonomy=desk.taxonomy)
    return Visitor(person.name, access, session.csrf)


def reviewer(request: Request) -> Visitor:
    """Somebody who reviews; for others the page is not there."""
    who = signed_in(request)
    if not who.access.reviews:
        raise HTTPException(404)
    return who


def supervisor(request: Request) -> Visitor:
    """Somebody who answers for the reviewers; for others the page is not there."""
    who = signed_in(request)
    if not who.access.supervises:
        raise HTTPException(404)
    return who


def check_form(who: Visitor, csrf: str) -> None:
    """Refuse a form that did not come from our page."""
    if not hmac.compare_digest(who.csrf, csrf):
        raise MonitorError("the form is too old, or not from this page: load it again")


def render(
    request: Request, template: str, values: dict[str, Any], *, who: Visitor | None = None, status: int = 200
) -> Response:
    context = {**values, "who": who, "csrf": who.csrf if who else ""}
    return desk_of(request).templates.TemplateResponse(request, template, context, status_code=status)


def message(request: Request, title: str, words: str, *, status: int) -> Response:
    return render(request, "message.html", {"title": title, "words": words}, status=status)


def queue_of(desk: Desk, who: Visitor, ident: str) -> Queue:
    """The queue, if there is one that this person may see."""
    for queue in desk.policy.queues:
        if queue.id == ident and ident in who.access.queues:
            return queue
    raise NotFound("no such queue")


@contextmanager
def looking_at(desk: Desk, who: Visitor, queue: Queue, report: str) -> Iterator[Connection]:
    """A connection for showing a report in a queue; who looks at a restricted one is on record, if there is one."""
    with desk.store.write() if queue.restricted else desk.store.read() as connection:
        if queue.restricted:
            record_look(connection, who.access.person, queue.id, report, now=desk.now())
        yield connection


def record_look(connection: Connection, person: str, queue: str, report: str, *, now: datetime) -> None:
    """NotFound where there is no such item."""
    work.get(connection, report, queue)
    audit.append(
        connection, at=now, actor=person, action="restricted item viewed", subject=report, body={"queue": queue}
    )


Signed = Annotated[Visitor, Depends(signed_in)]
Reviewer = Annotated[Visitor, Depends(reviewer)]
Supervisor = Annotated[Visitor, Depends(supervisor)]
Csrf = Annotated[str, Form()]
