"""Signing in and out, and taking up an invitation."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from pipeline.errors import MonitorError, SitrepError
from pipeline.review.desk import Csrf, Desk, Known, check_form, check_pace, desk_of, render
from pipeline.review.words import sentence
from pipeline.store import people, sessions

router = APIRouter()


@router.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    return sign_in_form(request)


def sign_in_form(request: Request, *, wrong: bool = False) -> Response:
    desk = desk_of(request)
    elsewhere = desk.provider.settings.name if desk.provider else None
    return render(request, "sign_in.html", {"wrong": wrong, "elsewhere": elsewhere}, status=403 if wrong else 200)


@router.post("/sign-in")
def sign_in(request: Request, login: Annotated[str, Form()], password: Annotated[str, Form()]) -> Response:
    """Sign in, or be asked for the code of the second factor."""
    desk = desk_of(request)
    check_pace(desk.sign_in_pace, request.client.host if request.client else "")
    with desk.store.write() as connection:
        made = people.sign_in(connection, login.strip().lower()[:64], password, now=desk.now(), lasts=desk.lasts)
    if made is None:
        return sign_in_form(request, wrong=True)
    return with_cookie(RedirectResponse("/sign-in/code" if made.waits else "/", status_code=303), desk, made.token)


@router.get("/sign-in/code")
def code_page(request: Request) -> Response:
    return render(request, "code.html", {"wrong": False})


@router.post("/sign-in/code")
def second_step(request: Request, code: Annotated[str, Form(max_length=100)]) -> Response:
    """The second step: a code by the clock, or a recovery code."""
    desk = desk_of(request)
    waiting = request.cookies.get(desk.cookie, "")
    with desk.store.write() as connection:
        token = people.second_step(connection, waiting, code, now=desk.now(), lasts=desk.lasts)
    if token is None:
        return render(request, "code.html", {"wrong": True}, status=403)
    return with_cookie(RedirectResponse("/", status_code=303), desk, token)


def with_cookie(response: Response, desk: Desk, token: str) -> Response:
    """The response, with which the browser keeps the session."""
    response.set_cookie(
        desk.cookie, token, httponly=True, samesite="strict", secure=desk.secure,
        max_age=int(desk.lasts.total_seconds()),
    )  # fmt: skip
    return response


@router.get("/invitation")
def invitation_page(request: Request) -> Response:
    """Its token is in the part of the link that browsers keep to themselves, so that no log of addresses has it."""
    return render(request, "invitation.html", {"invitation": "", "problem": None})


@router.post("/invitation")
def accept_invitation(
    request: Request, invitation: Annotated[str, Form(max_length=200)], password: Annotated[str, Form()]
) -> Response:
    desk = desk_of(request)
    try:
        with desk.store.write() as connection:
            people.accept(connection, invitation.strip(), password, now=desk.now())
    except MonitorError as error:  # the token is in no address any more: it is given back for another try
        values = {"invitation": invitation.strip(), "problem": sentence(str(error))}
        return render(request, "invitation.html", values, status=422)
    return RedirectResponse("/sign-in", status_code=303)


@router.post("/sign-out")
def sign_out(request: Request, who: Known, csrf: Csrf) -> Response:
    """End the session; whom a provider signed in is sent on, to sign out there too, where it offers that."""
    check_form(who, csrf)
    desk = desk_of(request)
    with desk.store.write() as connection:
        begun_there = sessions.end(connection, who.token)
    to = None
    if begun_there and desk.provider is not None:
        with suppress(SitrepError):  # signed out here they are in any case
            to = desk.provider.farewell()
    # A page that goes on by itself: our policy lets no form lead to another site.
    response = (
        render(request, "left.html", {"to": to, "there": desk.provider.settings.name}) if to and desk.provider
        else RedirectResponse("/sign-in", status_code=303)
    )  # fmt: skip
    response.delete_cookie(desk.cookie, httponly=True, samesite="strict", secure=desk.secure)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response
