"""The JSON API under `/api`: what the pages do, for programs. OpenAPI at `/api/openapi.json`.

A bearer token stands for a person: the same queues, the same 404 for what one may not see as for what is not there.
Lists go on from a key (`after`), changes can be repeated under an `Idempotency-Key`, and errors are problem details
(RFC 9457).
"""

# Annotations are evaluated at once here: those of the routes name functions made in `create_api`.

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.exceptions import HTTPException as StarletteHTTPException

from pipeline.access import Access, access_of
from pipeline.errors import MonitorError, NotFound, SitrepError
from pipeline.intake import Limits
from pipeline.results import report_results
from pipeline.review import decision
from pipeline.review_next import Suggestion, review_next
from pipeline.route import Policy
from pipeline.store import Store, audit, batches, queues, reports, tokens, work
from pipeline.store.documents import moment
from pipeline.store.work import Conflict
from pipeline.submit import submit
from pipeline.taxonomy import Taxonomy

Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": words, "content": {"application/problem+json": {}}}
    for status, words in {
        401: "no valid token", 403: "the token lacks the scope", 404: "not there, or not for you", 409: "somebody was faster",
        422: "the request must be mended",
    }.items()
}  # fmt: skip


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReportIn(Strict):
    """A report to be taken in."""

    id: Name | None = None
    text: Annotated[str, Field(min_length=1, max_length=200_000, pattern=r"^[^\x00]*$")]
    report_date: date | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None


class BatchIn(Strict):
    source: Name | None = None
    reports: Annotated[list[ReportIn], Field(min_length=1, max_length=1000)]


class DecisionIn(Strict):
    """What a reviewer says; `version` is that of the item as it was seen. An `outcome` closes the item."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    violations: Annotated[list[Name], Field(max_length=100)]
    urgency: Name
    outcome: Literal["confirmed", "no_violation", "referred"] | None = None
    note: Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")] | None = None


@dataclass(frozen=True)
class Caller:
    access: Access
    scopes: frozenset[str]


def create_api(
    store: Store, *, policy: Policy, taxonomy: Taxonomy, limits: Limits, now: Callable[[], datetime]
) -> FastAPI:
    """The API as an application to be mounted under `/api`."""
    api = FastAPI(title="Sitrep", version="1", docs_url=None, redoc_url=None, responses=PROBLEMS)
    bearer = HTTPBearer(auto_error=False)

    def needs(scope: str) -> Callable[..., Caller]:
        def caller(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> Caller:
            with store.read() as connection:
                found = tokens.find(connection, credentials.credentials, now=now()) if credentials else None
            if found is None:
                raise HTTPException(401, "a valid token is needed", {"WWW-Authenticate": "Bearer"})
            if scope not in found.scopes:
                raise HTTPException(403, f"the token lacks the scope {scope!r}")
            who = found.person
            access = access_of(who.login, who.role, who.granted, policy=policy, taxonomy=taxonomy)
            return Caller(access, found.scopes)

        return caller

    read, review, hand_in = needs("read"), needs("review"), needs("submit")

    @api.exception_handler(SitrepError)
    async def explain(request: Request, error: SitrepError) -> JSONResponse:
        if isinstance(error, NotFound):
            return problem(404, "There is nothing here, or nothing that you may see.")
        if isinstance(error, Conflict):
            return problem(409, str(error))
        return problem(422, str(error)) if isinstance(error, MonitorError) else problem(500, "An operator must look.")

    @api.exception_handler(StarletteHTTPException)
    async def explain_http(request: Request, error: StarletteHTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), dict(error.headers or {}))

    @api.exception_handler(RequestValidationError)
    async def explain_input(request: Request, error: RequestValidationError) -> JSONResponse:
        # Where and why, never what: the input may be a report.
        found = [{"where": [str(part) for part in e["loc"]], "why": e["type"]} for e in error.errors()]
        return problem(422, "The request does not fit the schema.", errors=found)

    @api.get("/queues")
    def list_queues(who: Annotated[Caller, Depends(read)]) -> list[dict[str, Any]]:
        """The queues that the caller may see, with what is open in them."""
        with store.read() as connection:
            found = queues.summaries(connection, now=now(), queues=who.access.queues)
        return [
            {"queue": q.id, "open": found[q.id].open if q.id in found else 0,
             "overdue": found[q.id].overdue if q.id in found else 0}
            for q in policy.queues if q.id in who.access.queues
        ]  # fmt: skip

    @api.get("/queues/{queue}/items")
    def list_items(
        who: Annotated[Caller, Depends(read)],
        queue: str,
        after: Annotated[str | None, Query(pattern=r"^[a-z0-9]{1,40}$")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """Items that are not closed, most urgent first; `next` is the `after` of the following page, a report.

        It is no number of ours: numbers grow with what arrives elsewhere, and would tell of it.
        """
        visible(who, queue)
        with store.read() as connection:
            last = work.get(connection, after, queue) if after else None
            place = (last.rank, last.seq) if last else (-1, 0)
            rows = queues.page(connection, queue, after=place, limit=limit + 1)
        items = [
            {"report": r.report_id, "urgency": r.urgency, "state": r.state, "due": moment(r.due), "version": r.version,
             "assignee": r.assignee}
            for r in rows[:limit]
        ]  # fmt: skip
        return {"items": items, "next": rows[limit - 1].report_id if len(rows) > limit else None}

    @api.get("/queues/{queue}/items/{report}")
    def one_item(who: Annotated[Caller, Depends(read)], queue: str, report: str) -> dict[str, Any]:
        """A report in a queue: text, what was found, what people said."""
        visible(who, queue)
        restricted = policy.queue(queue).restricted
        with store.write() if restricted else store.read() as connection:
            item = work.get(connection, report, queue)
            if restricted:  # who looks at a restricted report is on record
                audit.append(
                    connection, at=now(), actor=who.access.person, action="restricted item viewed", subject=report,
                    body={"queue": queue},
                )  # fmt: skip
            return shown(connection, item, who.access)

    @api.post("/queues/{queue}/items/{report}/decision")
    def decide(
        who: Annotated[Caller, Depends(review)], queue: str, report: str, said: DecisionIn, key: Key = None
    ) -> dict[str, Any]:
        """Record what the caller says of a report; with an outcome, close the item."""
        visible(who, queue)
        request = f"decision {queue} {report} {said.model_dump_json()}"
        login = who.access.person
        with store.write() as connection:
            if key and (before := tokens.answered(connection, login, key, request)) is not None:
                return before
            item = work.get(connection, report, queue)
            decision.record(
                connection, item, decision.Decision(said.violations, said.urgency, said.outcome, said.note),
                access=who.access, policy=policy, taxonomy=taxonomy, version=said.version, now=now(),
            )  # fmt: skip
            fresh = work.get(connection, report, queue)
            answer = {"report": report, "queue": queue, "state": fresh.state, "version": fresh.version}
            if key:
                tokens.keep_answer(connection, login, key, request, answer, now=now())
        return answer

    @api.get("/review-next")
    def next_reviews(
        who: Annotated[Caller, Depends(read)], count: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> list[Suggestion]:
        """Reports whose review would teach the model most, among those that the caller may see."""
        open_types = [v for v in taxonomy.violation_ids if v not in who.access.hidden_types]
        with store.read() as connection:
            return review_next(connection, who.access.queues, violations=open_types, count=count)

    @api.post("/batches", status_code=201)
    def hand_in_batch(who: Annotated[Caller, Depends(hand_in)], batch: BatchIn, key: Key = None) -> dict[str, Any]:
        """Take in reports. The same request under the same key is taken in once and gets the same answer."""
        request, login = f"batch {batch.model_dump_json()}", who.access.person
        if key:
            with store.read() as connection:
                if (before := tokens.answered(connection, login, key, request)) is not None:
                    return before
        with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
            path = Path(folder) / "reports.jsonl"
            rows = [r.model_dump(mode="json", exclude_none=True) for r in batch.reports]
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            taken = submit(store, [path], now=now, limits=limits, source=batch.source, actor=login)
        answer = receipt_of(taken)
        if key:
            with store.write() as connection:
                before = tokens.answered(connection, login, key, request)
                if before is not None:  # the same request at the same time: its reports are duplicates here
                    return before
                tokens.keep_answer(connection, login, key, request, answer, now=now())
        return answer

    @api.get("/batches/{batch}")
    def one_batch(who: Annotated[Caller, Depends(read)], batch: str) -> dict[str, Any]:
        """The receipt of a batch that the caller sent; supervisors see all."""
        with store.read() as connection:
            found = batches.receipt(connection, batch)
        if found.submitted_by != who.access.person and not who.access.supervises:
            raise NotFound("no such batch")
        return receipt_of(found)

    def visible(who: Caller, queue: str) -> None:
        if queue not in who.access.queues:
            raise NotFound("no such queue")

    def shown(connection: Connection, item: Any, access: Access) -> dict[str, Any]:
        result = report_results(connection, [item.report])[item.report]
        hidden = access.hidden_types
        plain = (
            "report",
            "report_date",
            "language",
            "urgency",
            "places",
            "actors",
            "dates",
            "counts",
            "flags",
            "model",
        )
        made = {key: result[key] for key in plain} | {
            "text": reports.load(connection, [item.report])[item.report].text,
            "version": item.version,
            "state": item.state,
            "violations": [v for v in result["violations"] if v["id"] not in hidden],
            "claim_status": {k: v for k, v in result["claim_status"].items() if k not in hidden},
            "abstained": [a for a in result["abstained"] if a not in hidden],
            "queues": [q for q in result["queues"] if q["queue"] in access.queues],
            "corroborates": [r for r, _ in queues.visible_reports(connection, result["corroborates"], access.queues)],
        }
        _, word = decision.readable(
            connection, item.report, access, queues_of_report=[q["queue"] for q in result["queues"]]
        )
        if word:
            made["reviewed"] = {**word, "violations": decision.shown_types(word["violations"], access)}
        return made

    return api


def receipt_of(found: Any) -> dict[str, Any]:
    counts = asdict(found)
    keys = ("batch", "accepted", "duplicates", "quarantined", "pending")
    return {"received": found.received, **{key: counts[key] for key in keys}}


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, *, errors: list[dict[str, Any]] | None = None
) -> JSONResponse:
    """Problem details (RFC 9457)."""
    body: dict[str, Any] = {"type": "about:blank", "status": status, "detail": detail}
    return JSONResponse(
        body | ({"errors": errors} if errors else {}), status, headers, media_type="application/problem+json"
    )
