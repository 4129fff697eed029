"""For orchestrators and monitoring: whether the page lives, whether it can serve, and its metrics.

`/health/live` and `/health/ready` tell nothing but that and need no sign-in; `/metrics` needs an API token with the
scope `metrics` of somebody who reviews.
"""

# Annotations are evaluated at once here: `Response` and `Request` have to be found by FastAPI.

import logging

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from pipeline.access import REVIEWING
from pipeline.errors import StoreError
from pipeline.metrics import exposition
from pipeline.review.api.callers import speaking
from pipeline.review.desk import desk_of
from pipeline.store.engine import check_store, migrations

router = APIRouter()
logger = logging.getLogger(__name__)


@router.get("/health/live")
def live() -> Response:
    """The process answers."""
    return PlainTextResponse("live\n")


@router.get("/health/ready")
def ready(request: Request) -> Response:
    """The store answers and has this version's tables; else 503, and the log says why."""
    try:
        found = check_store(desk_of(request).store)
    except StoreError as error:
        logger.error("not ready: %s", error)
        return PlainTextResponse("not ready\n", status_code=503)
    if found != migrations()[-1]:
        logger.error("not ready: the store has the tables of another version (%s): see `sitrep doctor`", found)
        return PlainTextResponse("not ready\n", status_code=503)
    return PlainTextResponse("ready\n")


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Metrics in Prometheus' text format."""
    desk = desk_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    found, barred = speaking(request, token.strip() if scheme.lower() == "bearer" else None)
    if found is None:
        return PlainTextResponse("a token is needed\n", status_code=401, headers={"WWW-Authenticate": "Bearer"})
    if "metrics" not in found.scopes or found.person.role not in REVIEWING or barred:
        return PlainTextResponse("the token is not for metrics\n", status_code=403)
    with desk.store.read() as connection:
        return Response(
            exposition(connection, policy=desk.policy, now=desk.now()), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )
