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

from pipeline.errors import MonitorError, NotFound, SitrepError
from pipeline.intake import Limits
from pipeline.review import health, words
from pipeline.review.api import create_api
from pipeline.review.desk import SIGN_INS_PER_MINUTE, Desk, MustEnrol, TooFast, message, record_refusal
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
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
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
    def explain(request: Request, error: SitrepError) -> Response:
        if isinstance(error, NotFound):
            record_refusal(request)
            return message(request, *NOTHING, status=404)
        if isinstance(error, Conflict):
            told = f"{error}. Nothing of yours was saved: look again."
            return message(request, "Somebody was faster", told, status=409)
        status = 422 if isinstance(error, MonitorError) else 500
        return message(request, "That did not work", words.sentence(str(error)), status=status)

    @app.exception_handler(RequestValidationError)
    async def explain_form(request: Request, error: RequestValidationError) -> Response:
        # Not the error's own words: they repeat the input, which may be a report.
        return message(request, "That did not work", "The form is not complete: go back and fill it in.", status=422)

    @app.exception_handler(HTTPException)
    def explain_http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 401:
            return RedirectResponse("/sign-in", status_code=303)
        if isinstance(error, MustEnrol):
            return RedirectResponse("/account", status_code=303)
        if isinstance(error, TooFast):
            response = message(request, "Too fast", "Wait a minute, and go on.", status=429)
            response.headers.update(error.headers or {})
            return response
        record_refusal(request)
        return message(request, *NOTHING, status=404)

    @app.exception_handler(404)
    async def no_page(request: Request, error: Exception) -> Response:
        return message(request, *NOTHING, status=404)
