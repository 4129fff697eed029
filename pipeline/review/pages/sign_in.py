"""Signing in and out, and taking up an invitation."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from pipeline.review.desk import COOKIE, Csrf, Desk, Signed, check_form, desk_of, render
from pipeline.store import people

router = APIRouter()


@router.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    return render(request, "sign_in.html", {"wrong": False})


@router.post("/sign-in")
def sign_in(request: Request, login: Annotated[str, Form()], password: Annotated[str, Form()]) -> Response:
    """Sign in, or be asked for the code of the second factor."""
    desk = desk_of(request)
    with desk.store.write() as connection:
        made = people.sign_in(connection, login.strip().lower()[:64], password[:1000], now=desk.now())
    if made is None:
        return render(request, "sign_in.html", {"wrong": True}, status=403)
    return _with_cookie(RedirectResponse("/sign-in/code" if made.waits else "/", status_code=303), desk, made.token)


@router.get("/sign-in/code")
def code_page(request: Request) -> Response:
    return render(request, "code.html", {"wrong": False})


@router.post("/sign-in/code")
def second_step(request: Request, code: Annotated[str, Form(max_length=100)]) -> Response:
    """The second step: a code by the clock, or a recovery code."""
    desk = desk_of(request)
    with desk.store.write() as connection:
        token = people.second_step(connection, request.cookies.get(COOKIE, ""), code, now=desk.now())
    if token is None:
        return render(request, "code.html", {"wrong": True}, status=403)
    return _with_cookie(RedirectResponse("/", status_code=303), desk, token)


def _with_cookie(response: Response, desk: Desk, token: str) -> Response:
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="strict", secure=desk.secure,
        max_age=int(people.SESSION.total_seconds()),
    )  # fmt: skip
    return response


@router.get("/invitation/{token}")
def invitation_page(request: Request, token: str) -> Response:
    return render(request, "invitation.html", {"token": token})


@router.post("/invitation/{token}")
def accept_invitation(request: Request, token: str, password: Annotated[str, Form()]) -> Response:
    desk = desk_of(request)
    with desk.store.write() as connection:
        people.accept(connection, token, password, now=desk.now())
    return RedirectResponse("/sign-in", status_code=303)


@router.post("/sign-out")
def sign_out(request: Request, who: Signed, csrf: Csrf) -> Response:
    check_form(who, csrf)
    with desk_of(request).store.write() as connection:
        people.sign_out(connection, request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(COOKIE)
    return response
