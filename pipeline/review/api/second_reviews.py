"""Second reviews made without knowing the first, and for supervisors how far reviewers agree and the last word."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from pipeline.access import Access
from pipeline.errors import NotFound
from pipeline.review import second_review
from pipeline.review.api.callers import Key, Reader, Reviewer, check_queue, once
from pipeline.review.api.items import LabelsIn
from pipeline.review.decision import Decision
from pipeline.review.desk import desk_of
from pipeline.store import second_reviews, work

router = APIRouter()


@router.get("/queues/{queue}/second-reviews")
def list_second_reviews(
    request: Request, who: Reader, queue: str, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> list[str]:
    """Reports that wait for the caller's second review, those that waited longest first."""
    check_queue(who, queue)
    desk = desk_of(request)
    with desk.store.read() as connection:
        return second_review.due(connection, queue, access=who, now=desk.now(), limit=limit)


@router.post("/queues/{queue}/second-reviews/next")
def take_next(request: Request, who: Reviewer, queue: str, key: Key = None) -> dict[str, Any]:
    """Hold the second review that waited longest; `report` is null where there is none."""
    check_queue(who, queue)
    desk = desk_of(request)
    with desk.store.write() as connection:

        def change() -> dict[str, Any]:
            return {
                "report": second_review.take_next(connection, queue, access=who, now=desk.now()),
                "queue": queue,
            }

        return once(connection, who, key, f"second-review-next {queue}", change, now=desk.now())


@router.post("/queues/{queue}/items/{report}/second-review")
def give(request: Request, who: Reviewer, queue: str, report: str, said: LabelsIn, key: Key = None) -> dict[str, Any]:
    """Say of a report what one thinks, not knowing what the first reviewer said; `state` says how the two compare."""
    check_queue(who, queue)
    desk = desk_of(request)
    with desk.store.write() as connection:

        def change() -> dict[str, Any]:
            state = second_review.give(
                connection, work.get(connection, report, queue), _decision(said), access=who, policy=desk.policy,
                taxonomy=desk.taxonomy, now=desk.now(),
            )  # fmt: skip
            return {"report": report, "queue": queue, "state": state}

        return once(
            connection, who, key, f"second-review {queue} {report} {said.model_dump_json()}", change, now=desk.now()
        )


@router.get("/agreement")
def agreement(request: Request, who: Reader) -> dict[str, Any]:
    """For supervisors: agreement by label over the pairs of the queues that one may see, and the pairs that differ."""
    _check_supervisor(who)
    desk = desk_of(request)
    with desk.store.read() as connection:
        found = second_reviews.pairs(connection, who.queues)
    lines = second_review.agreement_of(found, policy=desk.policy, taxonomy=desk.taxonomy, access=who)
    return {
        "pairs": len(found),
        "labels": [asdict(line) for line in lines],
        "differ": [{"report": pair.report, "queue": pair.queue} for pair in found if pair.state == "differs"],
    }


@router.post("/queues/{queue}/items/{report}/adjudication")
def adjudicate(
    request: Request, who: Reviewer, queue: str, report: str, said: LabelsIn, key: Key = None
) -> dict[str, Any]:
    """For supervisors: the last word on a report of which two reviewers said different things."""
    _check_supervisor(who)
    check_queue(who, queue)
    desk = desk_of(request)
    with desk.store.write() as connection:

        def change() -> dict[str, Any]:
            second_review.adjudicate(
                connection, work.get(connection, report, queue), _decision(said), access=who, policy=desk.policy,
                taxonomy=desk.taxonomy, now=desk.now(),
            )  # fmt: skip
            return {"report": report, "queue": queue, "state": "adjudicated"}

        return once(
            connection, who, key, f"adjudication {queue} {report} {said.model_dump_json()}", change, now=desk.now()
        )


def _decision(said: LabelsIn) -> Decision:
    return Decision(said.violations, said.urgency, note=said.note)


def _check_supervisor(who: Access) -> None:
    if not who.supervises:
        raise NotFound("no such page")
