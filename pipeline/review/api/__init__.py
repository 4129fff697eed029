"""The JSON API under `/api`: what the pages do, for programs. OpenAPI at `/api/openapi.json`.

A bearer token stands for a person: the same queues, the same 404 for what one may not see as for what is not there.
Lists go on from a key (`after`), changes can be repeated under an `Idempotency-Key`, and errors are problem details
(RFC 9457).
"""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from pipeline.errors import MonitorError, NotFound, SitrepError
from pipeline.review.api import batches, items, second_reviews
from pipeline.review.api.problems import PROBLEMS, problem
from pipeline.review.desk import Desk, record_refusal
from pipeline.store.work import Conflict


def create_api(desk: Desk) -> FastAPI:
    """The API over a desk, as an application to be mounted under `/api`."""
    api = FastAPI(title="Sitrep", version="1", docs_url=None, redoc_url=None, responses=PROBLEMS)
    api.state.desk = desk
    api.include_router(items.router)
    api.include_router(second_reviews.router)
    api.include_router(batches.router)

    @api.exception_handler(SitrepError)
    def explain(request: Request, error: SitrepError) -> JSONResponse:
        if isinstance(error, NotFound):
            record_refusal(request)
            return problem(404, "There is nothing here, or nothing that you may see.")
        if isinstance(error, Conflict):
            return problem(409, str(error))
        return problem(422, str(error)) if isinstance(error, MonitorError) else problem(500, "An operator must look.")

    @api.exception_handler(HTTPException)
    def explain_http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 403:
            record_refusal(request)
        return problem(error.status_code, str(error.detail), dict(error.headers or {}))

    @api.exception_handler(RequestValidationError)
    async def explain_input(request: Request, error: RequestValidationError) -> JSONResponse:
        # Where and why, never what: the input may be a report.
        found = [{"where": [str(part) for part in e["loc"]], "why": e["type"]} for e in error.errors()]
        return problem(422, "The request does not fit the schema.", errors=found)

    return api
