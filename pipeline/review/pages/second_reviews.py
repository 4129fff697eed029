"""Second reviews for reviewers; for supervisors how far the two agree, and the last word where they do not."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from pipeline.review import second_review
from pipeline.review.decision import Decision
from pipeline.review.desk import (
    Csrf,
    Reviewer,
    Supervisor,
    check_form,
    desk_of,
    looking_at,
    queue_of,
    render,
)
from pipeline.review.sheet import sheet
from pipeline.store import second_reviews, work

router = APIRouter()
SHOWN = 200
"""Differences listed at most."""


def _word(
    urgency: Annotated[str, Form()],
    violations: Annotated[list[str] | None, Form()] = None,
    note: Annotated[str, Form()] = "",
) -> Decision:
    return Decision(violations or [], urgency, note=note.strip() or None)


Word = Annotated[Decision, Depends(_word)]
"""What the form says of a report."""


@router.post("/queues/{queue}/second-reviews/next")
def take_next(request: Request, who: Reviewer, queue: str, csrf: Csrf) -> Response:
    """Hold the second review that waited longest and go there."""
    check_form(who, csrf)
    desk = desk_of(request)
    queue_of(desk, who, queue)
    with desk.store.write() as connection:
        report = second_review.take_next(connection, queue, access=who.access, now=desk.now())
    return RedirectResponse(
        f"/queues/{queue}/{report}/second-review" if report else f"/queues/{queue}", status_code=303
    )


@router.get("/queues/{queue}/{report}/second-review")
def second_review_page(request: Request, who: Reviewer, queue: str, report: str, focus: str = "") -> Response:
    """The report and what the model found, as the first reviewer saw them, and nothing of what was said or done since."""
    desk = desk_of(request)
    shown = queue_of(desk, who, queue)
    with looking_at(desk, who, shown, report) as connection:
        item = work.get(connection, report, queue)
        second_review.check_due(connection, item, access=who.access, now=desk.now())
        values = sheet(connection, item.report, word=None, focus=focus, access=who.access, taxonomy=desk.taxonomy)
    return render(request, "second_review.html", {**values, "queue": shown}, who=who)


@router.post("/queues/{queue}/{report}/second-review")
def give(request: Request, who: Reviewer, queue: str, report: str, csrf: Csrf, word: Word) -> Response:
    check_form(who, csrf)
    desk = desk_of(request)
    queue_of(desk, who, queue)
    with desk.store.write() as connection:
        second_review.give(
            connection, work.get(connection, report, queue), word, access=who.access, policy=desk.policy,
            taxonomy=desk.taxonomy, now=desk.now(),
        )  # fmt: skip
    return RedirectResponse(f"/queues/{queue}", status_code=303)


@router.get("/agreement")
def agreement_page(request: Request, who: Supervisor) -> Response:
    """How far two who did not see each other's words agree, in the queues that one may see, and where they differ."""
    desk = desk_of(request)
    with desk.store.read() as connection:
        found = second_reviews.pairs(connection, who.access.queues)
    lines = second_review.agreement_of(found, policy=desk.policy, taxonomy=desk.taxonomy, access=who.access)
    differ = [pair for pair in found if pair.state == "differs"]
    values = {
        "lines": lines, "pairs": len(found), "differ": differ[:SHOWN], "more": max(0, len(differ) - SHOWN),
        "names": {v.id: v.name for v in desk.taxonomy.violations} | {"urgency": "Urgency"},
        "share": desk.policy.second_review,
    }  # fmt: skip
    return render(request, "agreement.html", values, who=who)


@router.get("/queues/{queue}/{report}/adjudication")
def adjudication_page(request: Request, who: Supervisor, queue: str, report: str, focus: str = "") -> Response:
    """The report, the two words on it, and a form for the last."""
    desk = desk_of(request)
    shown = queue_of(desk, who, queue)
    with looking_at(desk, who, shown, report) as connection:
        item = work.get(connection, report, queue)
        between = second_review.difference(connection, item)
        values = sheet(connection, item.report, word=None, focus=focus, access=who.access, taxonomy=desk.taxonomy)
    mine = who.access.person in (between.first.by, between.second.by)
    return render(request, "adjudication.html", {**values, "queue": shown, "between": between, "mine": mine}, who=who)


@router.post("/queues/{queue}/{report}/adjudication")
def adjudicate(request: Request, who: Supervisor, queue: str, report: str, csrf: Csrf, word: Word) -> Response:
    """The last word."""
    check_form(who, csrf)
    desk = desk_of(request)
    queue_of(desk, who, queue)
    with desk.store.write() as connection:
        second_review.adjudicate(
            connection, work.get(connection, report, queue), word, access=who.access, policy=desk.policy,
            taxonomy=desk.taxonomy, now=desk.now(),
        )  # fmt: skip
    return RedirectResponse("/agreement", status_code=303)
