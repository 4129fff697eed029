"""One report in one queue, and what a reviewer does with it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from pipeline.interchange import spans
from pipeline.results import report_results
from pipeline.review import decision, handover, second_review, steps
from pipeline.review.desk import Csrf, Reviewer, check_form, desk_of, looking_at, message, queue_of, render
from pipeline.review.sheet import sheet
from pipeline.review.spans import MarkedForm, spans_of
from pipeline.store import queues, reports, work

router = APIRouter()
WAIT = "Another reviewer reads this report a second time. When they are done it is shown again."


@router.get("/queues/{queue}/{report}")
def item_page(request: Request, who: Reviewer, queue: str, report: str, focus: str = "") -> Response:
    """One report in one queue: the text with what was found in it, and what to do."""
    desk = desk_of(request)
    shown = queue_of(desk, who, queue)
    with looking_at(desk, who, shown, report) as connection:
        item = work.get(connection, report, queue)
        told = decision.told(connection, item.report, who.access, desk.policy)
        spoke = any(c.by == who.access.person for c in told.said)
        if item.state == "closed" and told.blind and not spoke:  # its level and due time could tell as well
            if second_review.is_due(connection, item, access=who.access, now=desk.now()):
                return RedirectResponse(f"/queues/{queue}/{report}/second-review", status_code=303)
            return message(request, "Second review", WAIT, status=200)
        laid_out = sheet(
            connection, item.report, word=told.word, focus=focus, access=who.access, taxonomy=desk.taxonomy
        )
        others = handover.colleagues(connection, queue, policy=desk.policy, taxonomy=desk.taxonomy)
        repeats = reports.duplicates_of(connection, item.report)
        linked = queues.visible_reports(connection, laid_out["result"]["corroborates"], who.access.queues)
    placed = laid_out["result"]["queues"]
    values: dict[str, Any] = {
        **laid_out, "queue": shown, "item": item, "now": desk.now(), "history": told.history, "said": told.said,
        "repeats": repeats, "linked": linked, "actor_types": desk.taxonomy.actor_types,
        "actor_roles": desk.taxonomy.actor_roles,
        "elsewhere": [i for i in placed if i["queue"] in who.access.queues and i["queue"] != queue],
        "others": [person for person in others if person.login != item.assignee],
        "elsewhere_to": [
            q for q in desk.policy.queues
            if q.id in who.access.queues and q.id not in {i["queue"] for i in placed}
        ],
    }  # fmt: skip
    return render(request, "item.html", values, who=who)


@router.post("/queues/{queue}/{report}/decide")
def decide(
    request: Request, who: Reviewer, queue: str, report: str, csrf: Csrf, version: Annotated[int, Form()],
    urgency: Annotated[str, Form()], action: Annotated[Literal["save"] | work.Outcome, Form()],
    form: MarkedForm, violations: Annotated[list[str] | None, Form()] = None, note: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Record what the reviewer says of the report, and close the item where an outcome is named."""
    check_form(who, csrf)
    desk = desk_of(request)
    queue_of(desk, who, queue)
    outcome = None if action == "save" else action
    with desk.store.write() as connection:
        item = work.get(connection, report, queue)
        word = decision.told(connection, item.report, who.access, desk.policy).word
        result = report_results(connection, [item.report])[item.report]
        text = reports.load(connection, [item.report])[item.report].text
        before = spans({**result, "reviewed": word or {}})
        said = decision.Decision(
            violations or [], urgency, outcome, note.strip() or None,
            spans_of(form, text, before=before),
        )  # fmt: skip
        if not decision.was_recorded(connection, item, said, access=who.access, version=version):
            decision.record(
                connection, item, said, access=who.access, policy=desk.policy, taxonomy=desk.taxonomy, version=version,
                now=desk.now(),
            )  # fmt: skip
    return (
        _back(queue, report)
        if action == "save"
        else RedirectResponse(f"/queues/{queue}?closed={report}", status_code=303)
    )


@router.post("/queues/{queue}/{report}/{step}")
def take_step(
    request: Request, who: Reviewer, queue: str, report: str, step: steps.Name, csrf: Csrf,
    version: Annotated[int, Form()], note: Annotated[str, Form()] = "", to: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Claim, release, open again, make more urgent, give to a colleague or to another queue."""
    check_form(who, csrf)
    desk = desk_of(request)
    queue_of(desk, who, queue)
    with desk.store.write() as connection:
        item = work.get(connection, report, queue)
        steps.take(step, connection, item, steps.Asked(version, note, to), access=who.access, desk=desk)
    return _back(to if step == "refer" else queue, report)


def _back(queue: str, report: str) -> Response:
    return RedirectResponse(f"/queues/{queue}/{report}", status_code=303)
