"""One's own account: the second factor."""

from __future__ import annotations

from typing import Annotated, Any

import segno
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from pipeline.review.desk import Csrf, Signed, Visitor, check_form, desk_of, render
from pipeline.store import factors, people

router = APIRouter()
Code = Annotated[str, Form(max_length=100)]


@router.get("/account")
def account_page(request: Request, who: Signed) -> Response:
    with desk_of(request).store.read() as connection:
        on = factors.is_on(connection, who.access.person)
    return _page(request, who, on=on)


@router.post("/account/factor")
def begin(request: Request, who: Signed, csrf: Csrf) -> Response:
    """A secret for an authenticator, which a code has to confirm."""
    check_form(who, csrf)
    with desk_of(request).store.write() as connection:
        secret = factors.begin(connection, who.access.person)
    return _enrolment(request, who, secret)


@router.post("/account/factor/confirm")
def confirm(request: Request, who: Signed, csrf: Csrf, code: Code) -> Response:
    """Turn it on; the recovery codes are shown this once."""
    check_form(who, csrf)
    desk = desk_of(request)
    with desk.store.write() as connection:
        secret = factors.unconfirmed(connection, who.access.person)
        codes = factors.confirm(connection, who.access.person, code, now=desk.now())
    return _enrolment(request, who, secret, wrong=True) if codes is None else _page(request, who, codes=codes)


@router.post("/account/factor/remove")
def remove(request: Request, who: Signed, csrf: Csrf, code: Code) -> Response:
    check_form(who, csrf)
    desk = desk_of(request)
    with desk.store.write() as connection:
        right = people.check_code(connection, who.access.person, code, now=desk.now())
        if right:
            factors.take_off(connection, who.access.person, by=who.access.person, now=desk.now())
    return RedirectResponse("/account", status_code=303) if right else _page(request, who, on=True, wrong=True)


def _enrolment(request: Request, who: Visitor, secret: str, *, wrong: bool = False) -> Response:
    drawn = segno.make(factors.address(who.access.person, secret), micro=False)
    # The quiet zone stays white on a dark page too, or no telephone reads it.
    picture = Markup(drawn.svg_inline(scale=5, dark="#000", light="#fff"))
    return _page(request, who, secret=secret, picture=picture, wrong=wrong)


def _page(request: Request, who: Visitor, **values: Any) -> Response:
    return render(request, "account.html", values, who=who)
