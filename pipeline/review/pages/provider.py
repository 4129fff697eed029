"""Signing in with an account elsewhere, where the settings name a provider."""

from __future__ import annotations

import hmac
import logging
import secrets
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse

from pipeline.errors import NotFound, SitrepError
from pipeline.review.desk import Desk, check_pace, desk_of, message, render
from pipeline.review.pages.sign_in import with_cookie
from pipeline.store import identities, people

router = APIRouter()
logger = logging.getLogger(__name__)
LEEWAY = timedelta(minutes=1)
"""By which the provider's clock may differ."""
Given = Annotated[str, Query(max_length=4000)]


@router.get("/sign-in/provider")
def leave(request: Request) -> Response:
    """Send somebody to the provider, and remember in their browser what its answer is held to."""
    desk = desk_of(request)
    if desk.provider is None:
        raise NotFound("no such page")
    check_pace(desk.sign_in_pace, request.client.host if request.client else "")
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    try:
        address = desk.provider.address(state=state, nonce=nonce, verifier=verifier)
    except SitrepError as error:
        return _refused(request, desk, error)
    with desk.store.write() as connection:
        identities.attempt(connection, state, nonce=nonce, verifier=verifier, now=desk.now())
    response = RedirectResponse(address, status_code=303)
    # Lax, since the provider sends people back from another site.
    response.set_cookie(
        _cookie(desk), state, httponly=True, samesite="lax", secure=desk.secure,
        max_age=int(identities.ATTEMPT.total_seconds()),
    )  # fmt: skip
    return response


@router.get("/sign-in/provider/back")
def come_back(request: Request, state: Given = "", code: Given = "") -> Response:
    """Sign in whom the provider sent back, if an administrator linked that account to somebody."""
    desk = desk_of(request)
    if desk.provider is None:
        raise NotFound("no such page")
    check_pace(desk.sign_in_pace, request.client.host if request.client else "")
    begun_here = hmac.compare_digest(request.cookies.get(_cookie(desk), "").encode(), state.encode())
    with desk.store.write() as connection:
        held_to = identities.answered(connection, state, now=desk.now()) if state and begun_here else None
    if held_to is None or not code:
        return _refused(request, desk)
    nonce, verifier = held_to
    try:
        known = desk.provider.known(code, nonce=nonce, verifier=verifier, now=desk.now())
    except SitrepError as error:
        return _refused(request, desk, error)
    with desk.store.write() as connection:
        login = identities.owner(connection, issuer=known.issuer, subject=known.subject, email=known.email)
        made = login and people.sign_in_elsewhere(
            connection, login, role=known.role, sid=known.sid, now=desk.now(), lasts=desk.lasts
        )  # fmt: skip
    if not made:
        return _refused(request, desk)
    # A page that goes on by itself: after a redirect that another site began, no browser would send a strict cookie.
    response = render(request, "entered.html", {"to": "/sign-in/code" if made.waits else "/"})
    response.delete_cookie(_cookie(desk), httponly=True, samesite="lax", secure=desk.secure)
    return with_cookie(response, desk, made.token)


@router.post("/sign-in/provider/out")
def signed_out_there(request: Request, logout_token: Annotated[str, Form(max_length=8000)]) -> Response:
    """End the sessions of whom the provider says that they signed out there; it asks, not a browser."""
    desk = desk_of(request)
    if desk.provider is None:
        raise NotFound("no such page")
    check_pace(desk.sign_in_pace, request.client.host if request.client else "")
    try:
        gone = desk.provider.gone(logout_token, now=desk.now())
    except SitrepError as error:
        logger.warning("a word of the provider's that somebody signed out does not hold: %s", error)
        return PlainTextResponse("the logout token does not hold", status_code=400)
    with desk.store.write() as connection:
        identities.sign_out(
            connection, issuer=gone.issuer, subject=gone.subject, sid=gone.sid, until=gone.at + LEEWAY, now=desk.now()
        )
    return Response()


def _cookie(desk: Desk) -> str:
    return "__Host-sitrep-provider" if desk.secure else "sitrep-provider"


def _refused(request: Request, desk: Desk, error: SitrepError | None = None) -> Response:
    """One answer to all that can go wrong; the log says what, where it is the provider's doing."""
    if error is not None:
        logger.warning("a sign-in by the provider failed: %s", error)
    with desk.store.write() as connection:
        people.failed(connection, people.NOBODY, step="provider", now=desk.now())
    words = "That account opens nothing here, or it took too long. Start again, or ask an administrator to link it."
    return message(request, "Not signed in", words, status=403)
