"""The application: sign-in, headers and errors here; what people see in `pages`.

No page needs a script: forms are plain HTML, `keys.js` only adds keys. Every answer forbids framing, foreign content
and caching. What a person may not see is answered exactly as what is not there.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from pipeline.access import Access, access_of
from pipeline.errors import MonitorError, NotFound, SitrepError
from pipeline.intake import Limits
from pipeline.route import Policy
from pipeline.store import Store, people
from pipeline.store.work import Conflict
from pipeline.taxonomy import Taxonomy

COOKIE = "sitrep-session"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


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


@dataclass(frozen=True)
class Visitor:
    """Who asks, with what rights; `csrf` goes into every form."""

    name: str
    access: Access
    csrf: str


def create_app(
    store: Store,
    *,
    policy: Policy,
    taxonomy: Taxonomy,
    limits: Limits,
    secure: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """The review page over a store. `secure` says that people reach it by https: cookies then travel by nothing else."""
    from pipeline.review import health, pages
    from pipeline.review.api import create_api

    root = Path(str(files("pipeline.review")))
    templates = Jinja2Templates(directory=root / "templates")
    templates.env.filters["plain"] = lambda name: str(name).replace("_", " ")
    templates.env.filters["when"] = lambda moment: f"{moment:%Y-%m-%d %H:%M}" if moment else ""
    app = FastAPI(title="Sitrep", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = Desk(store, policy, taxonomy, limits, templates, secure, now)
    app.mount("/static", StaticFiles(directory=root / "static"), name="static")
    app.include_router(health.router)
    app.include_router(pages.router)
    app.mount("/api", create_api(store, policy=policy, taxonomy=taxonomy, limits=limits, now=now))

    @app.middleware("http")
    async def harden(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.update(HEADERS)
        if secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response

    @app.exception_handler(SitrepError)
    async def explain(request: Request, error: SitrepError) -> Response:
        if isinstance(error, NotFound):
            return message(request, "Not found", "There is nothing here, or nothing that you may see.", status=404)
        if isinstance(error, Conflict):
            return message(
                request, "Somebody was faster", f"{error}. Nothing of yours was saved: look again.", status=409
            )
        status = 422 if isinstance(error, MonitorError) else 500
        return message(request, "That did not work", str(error), status=status)

    @app.exception_handler(HTTPException)
    async def explain_http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 401:
            return RedirectResponse("/sign-in", status_code=303)
        return message(request, "Not found", "There is nothing here, or nothing that you may see.", status=404)

    @app.exception_handler(404)
    async def no_page(request: Request, error: Exception) -> Response:
        return message(request, "Not found", "There is nothing here, or nothing that you may see.", status=404)

    @app.get("/sign-in", response_class=HTMLResponse)
    def sign_in_page(request: Request) -> Response:
        return render(request, "sign_in.html", {"wrong": False})

    @app.post("/sign-in", response_class=HTMLResponse)
    def sign_in(request: Request, login: Annotated[str, Form()], password: Annotated[str, Form()]) -> Response:
        desk: Desk = request.app.state.desk
        with desk.store.write() as connection:
            token = people.sign_in(connection, login.strip().lower()[:64], password[:1000], now=desk.now())
        if token is None:
            return render(request, "sign_in.html", {"wrong": True}, status=403)
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(
            COOKIE, token, httponly=True, samesite="strict", secure=desk.secure,
            max_age=int(people.SESSION.total_seconds()),
        )  # fmt: skip
        return response

    @app.get("/invitation/{token}", response_class=HTMLResponse)
    def invitation_page(request: Request, token: str) -> Response:
        return render(request, "invitation.html", {"token": token})

    @app.post("/invitation/{token}", response_class=HTMLResponse)
    def accept_invitation(request: Request, token: str, password: Annotated[str, Form()]) -> Response:
        desk: Desk = request.app.state.desk
        with desk.store.write() as connection:
            people.accept(connection, token, password, now=desk.now())
        return RedirectResponse("/sign-in", status_code=303)

    @app.post("/sign-out")
    def sign_out(
        request: Request, who: Annotated[Visitor, Depends(signed_in)], csrf: Annotated[str, Form()]
    ) -> Response:
        check_form(who, csrf)
        desk: Desk = request.app.state.desk
        with desk.store.write() as connection:
            people.sign_out(connection, request.cookies.get(COOKIE, ""))
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(COOKIE)
        return response

    return app


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
