"""One's own account: the second factor, the password, the sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from markupsafe import Markup

from pipeline.review.desk import Csrf, Known, Visitor, check_form, desk_of, known, render, time_left, waiting
from pipeline.store import factors, people, sessions

router = APIRouter()
Code = Annotated[str, Form(max_length=100)]
Password = Annotated[str, Form(max_length=10_000)]


@router.get("/account")
def account_page(request: Request, who: Known) -> Response:
    return _page(request, who)


@router.post("/account/factor")
def begin(request: Request, who: Known, csrf: Csrf) -> Response:
    """A secret for an authenticator, which a code has to confirm."""
    check_form(who, csrf)
    with desk_of(request).store.write() as connection:
        secret = factors.begin(connection, who.access.person)
    return _enrolment(request, who, secret)


@router.post("/account/factor/confirm")
def confirm(request: Request, who: Known, csrf: Csrf, code: Code) -> Response:
    """Turn it on; the recovery codes are shown this once."""
    check_form(who, csrf)
    desk = desk_of(request)
    with desk.store.write() as connection:
        secret = factors.unconfirmed(connection, who.access.person)
        codes = factors.confirm(connection, who.access.person, code, now=desk.now())
    if codes is None:
        return _enrolment(request, who, secret, wrong=True)
    return _page(request, replace(who, must_enrol=False), codes=codes)


@router.post("/account/factor/remove")
def remove(request: Request, who: Known, csrf: Csrf, code: Code) -> Response:
    check_form(who, csrf)
    desk = desk_of(request)
    with desk.store.write() as connection:
        right = people.check_code(connection, who.access.person, code, now=desk.now())
        if right:
            factors.take_off(connection, who.access.person, by=who.access.person, now=desk.now())
    return RedirectResponse("/account", status_code=303) if right else _page(request, who, wrong=True)


@router.post("/account/password")
def change_password(request: Request, who: Known, csrf: Csrf, old: Password, new: Password) -> Response:
    """A new password; other sessions end."""
    check_form(who, csrf)
    desk = desk_of(request)
    with desk.store.write() as connection:
        changed = people.change_password(connection, who.access.person, old, new, token=who.token, now=desk.now())
    return _page(request, who, changed=changed, status=200 if changed else 403)


@router.get("/account/session")
def session_left(request: Request, stay: bool = False) -> Response:
    """Seconds until the session ends without use, and in any case; to ask is no use of it, unless one means to `stay`."""
    who = known(request) if stay else waiting(request)
    return JSONResponse(time_left(desk_of(request), who))


@router.post("/account/sessions/end")
def end_session(
    request: Request, who: Known, csrf: Csrf, session: Annotated[str, Form(max_length=64)] = ""
) -> Response:
    """End one of one's sessions, or without a name all but this one."""
    check_form(who, csrf)
    with desk_of(request).store.write() as connection:
        if session:
            sessions.end_one(connection, who.access.person, session)
        else:
            sessions.end_all(connection, who.access.person, but=who.token)
    return RedirectResponse("/account", status_code=303)


def _enrolment(request: Request, who: Visitor, secret: str, *, wrong: bool = False) -> Response:
    drawn = segno.make(factors.address(who.access.person, secret), micro=False)
    # The quiet zone stays white on a dark page too, or no telephone reads it.
    picture = Markup(drawn.svg_inline(scale=5, dark="#000", light="#fff"))
    return _page(request, who, secret=secret, picture=picture, wrong=wrong)


def _page(request: Request, who: Visitor, *, status: int = 200, **values: Any) -> Response:
    desk = desk_of(request)
    with desk.store.read() as connection:
        values |= {
            "on": factors.is_on(connection, who.access.person),
            "password": people.has_password(connection, who.access.person),
            "sessions": sessions.of_person(
                connection, who.access.person, who.token, now=desk.now(), idle=desk.idle
            ),
            "needed": who.access.role in desk.settings.second_factor,
        }  # fmt: skip
    return render(request, "account.html", values, who=who, status=status)
