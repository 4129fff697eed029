"""The application: headers and errors here; what people see in `pages`.

No page needs a script: forms are plain HTML, `keys.js` only adds keys. Every answer forbids framing, foreign content
and caching. What a person may not see is answered exactly as what is not there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from starlette.concurrency import run_in_threadpool

from pipeline.errors import MonitorError, NotFound, SitrepError
from pipeline.intake import Limits
from pipeline.review import health, kept, words
from pipeline.review.api import create_api
from pipeline.review.desk import (
    SIGN_INS_PER_MINUTE,
    Desk,
    MustEnrol,
    OldForm,
    TooFast,
    give_back,
    message,
    record_refusal,
)  # fmt: skip
from pipeline.review.kept import Typed
from pipeline.review.pace import Pace
from pipeline.review.pages import router
from pipeline.route import Policy
from pipeline.settings import ReviewSettings
from pipeline.store import Store
from pipeline.store.work import Conflict
from pipeline.taxonomy import Taxonomy

if TYPE_CHECKING:
    from pipeline.review.oidc import Provider

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
SIGN_IN_AGAIN = "It ended before this arrived, and nothing was saved. What you typed is on this page: keep it open until it is sent."
FROM_BEFORE = "This was filled in before you signed in again. It is saved when you send it."
NOTHING = ("Not found", "There is nothing here, or nothing that you may see.")


def create_app(
    store: Store,
    *,
    policy: Policy,
    taxonomy: Taxonomy,
    limits: Limits,
    secure: bool = False,
    digests: Path | None = None,
    settings: ReviewSettings | None = None,
    provider: Provider | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """The review page over a store. `digests` is where nightly ones are kept; `secure` says that people reach it by https: cookies then travel by nothing else."""
    root = Path(str(files("pipeline.review")))
    app = FastAPI(title="Sitrep", docs_url=None, redoc_url=None, openapi_url=None)
    rules = settings or ReviewSettings()
    pace, sign_in_pace = Pace(rules.requests_per_minute, now=now), Pace(SIGN_INS_PER_MINUTE, now=now)
    templates = Jinja2Templates(directory=root / "templates")
    words.teach(templates.env, policy=policy, taxonomy=taxonomy)
    app.state.desk = Desk(
        store, policy, taxonomy, limits, templates, secure, now, rules, pace, sign_in_pace, digests, provider
    )
    app.mount("/static", StaticFiles(directory=root / "static"), name="static")
    app.include_router(health.router)
    app.include_router(router)
    app.mount("/api", create_api(app.state.desk))

    @app.middleware("http")
    async def harden(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)  # a digest's own policy stands
        if secure:
            subdomains = "; includeSubDomains" if rules.hsts_subdomains else ""
            response.headers["Strict-Transport-Security"] = f"max-age=31536000{subdomains}"
        return response

    _explain_errors(app)
    return app


def _explain_errors(app: FastAPI) -> None:
    """Every error as a page of a few words; what may not be seen is answered as what is not there."""

    @app.exception_handler(SitrepError)
    async def explain(request: Request, error: SitrepError) -> Response:
        return await run_in_threadpool(_explained, request, error, await kept.typed(request))

    @app.exception_handler(RequestValidationError)
    async def explain_form(request: Request, error: RequestValidationError) -> Response:
        # Not the error's own words: they repeat the input, which may be a report.
        return message(request, "That did not work", "The form is not complete: go back and fill it in.", status=422)

    @app.exception_handler(HTTPException)
    async def explain_http(request: Request, error: HTTPException) -> Response:
        return await run_in_threadpool(_explained_http, request, error, await kept.typed(request))

    @app.exception_handler(404)
    async def no_page(request: Request, error: Exception) -> Response:
        return message(request, *NOTHING, status=404)


def _explained(request: Request, error: SitrepError, typed: Typed | None) -> Response:
    """The page of an error; what somebody `typed` is given back with it."""
    if isinstance(error, NotFound):
        record_refusal(request)
        return message(request, *NOTHING, status=404)
    if isinstance(error, OldForm) and typed:
        return give_back(request, "Not sent yet", FROM_BEFORE, typed, status=422, again=True)
    if isinstance(error, Conflict):
        title, told, status = "Somebody was faster", f"{error}. Nothing of yours was saved: look again.", 409
    else:
        title, told = "That did not work", words.sentence(str(error))
        status = 422 if isinstance(error, MonitorError) else 500
    if typed:
        return give_back(request, title, told, typed, status=status)
    return message(request, title, told, status=status)


def _explained_http(request: Request, error: HTTPException, typed: Typed | None) -> Response:
    if error.status_code == 401:
        if typed:
            return give_back(request, "Your session ended", SIGN_IN_AGAIN, typed, status=401, again=True)
        return RedirectResponse("/sign-in", status_code=303)
    if isinstance(error, MustEnrol):
        return RedirectResponse("/account", status_code=303)
    if isinstance(error, TooFast):
        response = (
            give_back(request, "Too fast", "Wait a minute, and send it again.", typed, status=429, again=True) if typed
            else message(request, "Too fast", "Wait a minute, and go on.", status=429)
        )  # fmt: skip
        response.headers.update(error.headers or {})
        return response
    record_refusal(request)
    return message(request, *NOTHING, status=404)
