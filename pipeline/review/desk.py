"""What every page works with: the desk, the visitor with their rights, forms that come from our own pages."""

from __future__ import annotations

import hmac
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Form, HTTPException, Request, Response
from fastapi.templating import Jinja2Templates
from sqlalchemy import Connection

from pipeline.access import Access, access_of
from pipeline.errors import MonitorError, NotFound, StoreError
from pipeline.intake import Limits
from pipeline.review.kept import Typed
from pipeline.review.pace import Pace
from pipeline.route import Policy
from pipeline.route.policy import Queue
from pipeline.settings import ReviewSettings
from pipeline.store import Store, audit, factors, people, sessions, work
from pipeline.taxonomy import Taxonomy

if TYPE_CHECKING:
    from pipeline.review.oidc import Provider  # what it imports is an extra

logger = logging.getLogger(__name__)
SIGN_INS_PER_MINUTE = 60
"""Tries to sign in from one address: each costs a slow hash."""


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
    settings: ReviewSettings
    pace: Pace
    sign_in_pace: Pace
    digests: Path | None = None
    provider: Provider | None = None

    @property
    def cookie(self) -> str:
        """The session's cookie; by https under a name that no subdomain and no plain http can set (RFC 6265bis)."""
        return "__Host-sitrep-session" if self.secure else "sitrep-session"

    @property
    def lasts(self) -> timedelta:
        return timedelta(hours=self.settings.session_hours)

    @property
    def idle(self) -> timedelta:
        return timedelta(minutes=self.settings.idle_minutes)


@dataclass(frozen=True)
class Visitor:
    """Who asks, with what rights; `csrf` goes into every form. Who `must_enrol` has to set up a second factor first.

    The session was last used at `seen_at`, as far as that is noted, and `ends` in any case.
    """

    name: str
    access: Access
    csrf: str
    token: str
    must_enrol: bool
    seen_at: datetime
    ends: datetime


class OldForm(MonitorError):
    """A form that did not come from our page, or from an earlier session of it."""


class MustEnrol(HTTPException):
    """Somebody without the second factor that their role needs asks for another page than that which sets it up."""

    def __init__(self) -> None:
        super().__init__(403)


class TooFast(HTTPException):
    """Somebody asks for more than one person reads."""

    def __init__(self, wait: float) -> None:
        super().__init__(429, "too many requests: wait", {"Retry-After": str(math.ceil(wait))})


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def known(request: Request) -> Visitor:
    """Who asks, with a second factor or without; people who are not signed in are sent to do so."""
    desk, now = desk_of(request), desk_of(request).now()
    who = waiting(request)
    if now - who.seen_at >= sessions.NOTED:
        with suppress(StoreError), desk.store.write() as connection:  # a full disk keeps nobody from reading
            sessions.used(connection, who.token, now=now)
            who = replace(who, seen_at=now)
    request.state.caller = who.access.person
    return who


def waiting(request: Request) -> Visitor:
    """Who asks, without the session counting as used."""
    who = _session(request)
    if who is None:
        raise HTTPException(401)
    check_pace(desk_of(request).pace, who.access.person)
    return who


def time_left(desk: Desk, who: Visitor) -> tuple[int, int]:
    """Seconds until the session ends without use, and in any case."""
    now = desk.now()
    return math.floor((who.seen_at + desk.idle - now).total_seconds()), math.floor((who.ends - now).total_seconds())


def _session(request: Request) -> Visitor | None:
    """Whose session a request comes with; None without one."""
    desk = desk_of(request)
    token = request.cookies.get(desk.cookie, "")
    with desk.store.read() as connection:
        session = sessions.find(connection, token, now=desk.now(), idle=desk.idle)
        must_enrol = session is not None and lacks_factor(connection, desk, session.login, session.role)
    if session is None:
        return None
    person = people.as_person(session)
    access = access_of(person.login, person.role, person.granted, policy=desk.policy, taxonomy=desk.taxonomy)
    return Visitor(person.name, access, session.csrf, token, must_enrol, session.seen_at, session.expires_at)


def signed_in(request: Request) -> Visitor:
    """Who asks; those whose role needs a second factor that they have not are sent to set it up."""
    who = known(request)
    if who.must_enrol:
        raise MustEnrol
    return who


def lacks_factor(connection: Connection, desk: Desk, login: str, role: str) -> bool:
    """Whether somebody's role needs a second factor that they have not set up."""
    return role in desk.settings.second_factor and not factors.is_on(connection, login)


def check_pace(pace: Pace, caller: str) -> None:
    if wait := pace.wait(caller):
        raise TooFast(wait)


def record_refusal(request: Request) -> None:
    """Put on record that somebody known asked for what is not there, or not for them: which page, not which report."""
    desk, caller = desk_of(request), getattr(request.state, "caller", None)
    if caller is None:
        return
    route = getattr(request.scope.get("route"), "path", "")
    try:
        with desk.store.write() as connection:
            audit.append_some(
                connection, at=desk.now(), actor=caller, action="request refused", subject=caller,
                body={"method": request.method, "page": request.scope.get("root_path", "") + route},
            )  # fmt: skip
    except StoreError as error:
        logger.warning("a refused request is not on record: %s", error)


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
    if not hmac.compare_digest(who.csrf.encode(), csrf.encode(errors="replace")):
        raise OldForm("the form is too old, or not from this page: load it again")


def render(
    request: Request, template: str, values: dict[str, Any], *, who: Visitor | None = None, status: int = 200
) -> Response:
    desk = desk_of(request)
    context = {**values, "who": who, "csrf": who.csrf if who else "", "left": time_left(desk, who) if who else ()}
    return desk.templates.TemplateResponse(request, template, context, status_code=status)


def message(request: Request, title: str, words: str, *, status: int) -> Response:
    """A page of a few words, with the way on for those who are signed in."""
    who = None
    with suppress(StoreError):  # of which the words may tell
        who = _session(request)
    return render(request, "message.html", {"title": title, "words": words}, who=who, status=status)


def give_back(request: Request, title: str, words: str, typed: Typed, *, status: int, again: bool = False) -> Response:
    """A page with what somebody typed that was not taken; with a form to send it `again`, where that can help."""
    who = None
    with suppress(StoreError):
        who = _session(request)
    values = {"title": title, "words": words, "typed": typed, "again": again}
    return render(request, "kept.html", values, who=who, status=status)


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


Known = Annotated[Visitor, Depends(known)]
Signed = Annotated[Visitor, Depends(signed_in)]
Reviewer = Annotated[Visitor, Depends(reviewer)]
Supervisor = Annotated[Visitor, Depends(supervisor)]
Csrf = Annotated[str, Form()]
