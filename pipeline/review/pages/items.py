"""One report in one queue, and what a reviewer does with it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from pipeline.errors import MonitorError
from pipeline.interchange import spans
from pipeline.results import report_results
from pipeline.review import decision, handover
from pipeline.review.desk import Csrf, Reviewer, check_form, desk_of, queue_of, render
from pipeline.review.marks import marks_of, mentions_of, pieces
from pipeline.review.spans import MarkedForm, spans_of
from pipeline.store import audit, queues, reports, work

router = APIRouter()


@router.get("/queues/{queue}/{report}")
def item_page(request: Request, who: Reviewer, queue: str, report: str, focus: str = "") -> Response:
    """One report in one queue: the text with what was found in it, and what to do."""
    desk = desk_of(request)
    shown = queue_of(desk, who, queue)
    with desk.store.write() if shown.restricted else desk.store.read() as connection:
        item = work.get(connection, report, queue)
        if shown.restricted:  # who looks at a restricted report is on record
            audit.append(
                connection, at=desk.now(), actor=who.access.person, action="restricted item viewed", subject=report,
                body={"queue": queue},
            )  # fmt: skip
        found = reports.load(connection, [item.report])[item.report]
        result = report_results(connection, [item.report])[item.report]
        history = [e for e in queues.history(connection, item.report) if e.queue in who.access.queues]
        said, word = decision.readable(connection, item.report, who.access)
        others = handover.colleagues(connection, queue, policy=desk.policy, taxonomy=desk.taxonomy)
        repeats = reports.duplicates_of(connection, item.report)
        linked = queues.visible_reports(connection, result["corroborates"], who.access.queues)
    violations = [v for v in result["violations"] if v["id"] not in who.access.hidden_types]
    # The marks too know nothing of hidden types, nor of what was said elsewhere.
    result = {**result, "violations": violations, "reviewed": word or {}}
    mentions = mentions_of(result)
    decided = set(word["violations"]) if word else {v["id"] for v in violations if v["decided"]}
    urgency = word["urgency"] if word else (result["urgency"] or {}).get("id")
    if focus not in {"urgency", *(v["id"] for v in violations)}:
        focus = next((v["id"] for v in violations if v["decided"]), "urgency")
    values: dict[str, Any] = {
        "hidden": who.access.hidden_types, "queue": shown, "item": item, "report": found, "result": result, "focus": focus, "decided": decided,
        "urgency": urgency, "history": history, "said": said, "repeats": repeats, "linked": linked,
        "pieces": pieces(found.text, marks_of(result, mentions, focus=focus)), "mentions": mentions,
        "actor_types": desk.taxonomy.actor_types, "actor_roles": desk.taxonomy.actor_roles, "now": desk.now(),
        "violations": sorted(violations, key=lambda v: -v["probability"]), "levels": list(desk.taxonomy.urgency_ids),
        "names": {v.id: v.name for v in desk.taxonomy.violations}, "outcomes": work.OUTCOMES,
        "abstained": [a for a in result["abstained"] if a not in who.access.hidden_types],
        "elsewhere": [i for i in result["queues"] if i["queue"] in who.access.queues and i["queue"] != queue],
        "others": [person for person in others if person.login != item.assignee],
        "elsewhere_to": [
            q for q in desk.policy.queues
            if q.id in who.access.queues and q.id not in {i["queue"] for i in result["queues"]}
        ],
        "rtl": found.language in ("ar", "fa", "he", "ur", "ps"),
    }  # fmt: skip
    return render(request, "item.html", values, who=who)


@router.post("/queues/{queue}/{report}/claim")
def claim(
    request: Request, who: Reviewer, queue: str, report: str, csrf: Csrf, version: Annotated[int, Form()]
) -> Response:
    check_form(who, csrf)
    desk = desk_of(request)
    queue_of(desk, who, queue)
    with desk.store.write() as connection:
        item = work.get(connection, report, queue)
        work.claim(connection, item.seq, person=who.access.person, version=version, now=desk.now())
    return _back(queue, report)


@router.post("/queues/{queue}/{report}/release")
def release(
    request: Request, who: Reviewer, queue: str, report: str, csrf: Csrf, version: Annotated[int, Form()]
) -> Response:
    check_form(who, csrf)
    desk = desk_of(request)
    queue_of(desk, who, queue)
    with desk.store.write() as connection:
        item = work.get(connection, report, queue)
        work.release(connection, item.seq, person=who.access.person, version=version, now=desk.now())
    return _back(queue, report)


@router.post("/queues/{queue}/{report}/reopen")
def reopen(
    request: Request, who: Reviewer, queue: str, report: str, csrf: Csrf, version: Annotated[int, Form()],
    note: Annotated[str, Form()],
) -> Response:  # fmt: skip
    check_form(who, csrf)
    desk = desk_of(request)
    queue_of(desk, who, queue)
    if not note.strip():
        raise MonitorError("say why the item is opened again")
    with desk.store.write() as connection:
        item = work.get(connection, report, queue)
        work.reopen(connection, item.seq, person=who.access.person, note=note.strip(), version=version, now=desk.now())
    return _back(queue, report)


@router.post("/queues/{queue}/{report}/escalate")
def escalate(
    request: Request, who: Reviewer, queue: str, report: str, csrf: Csrf, version: Annotated[int, Form()],
    note: Annotated[str, Form()],
) -> Response:  # fmt: skip
    """One level up, due as that level asks."""
    check_form(who, csrf)
    desk = desk_of(request)
    queue_of(desk, who, queue)
    if not note.strip():
        raise MonitorError("say why the item is more urgent")
    with desk.store.write() as connection:
        item = work.get(connection, report, queue)
        if item.rank == 0:
            raise MonitorError("the item is critical already")
        level = desk.taxonomy.urgencies[item.rank - 1]
        work.escalate(
            connection, item.seq, person=who.access.person, note=note.strip(), version=version, urgency=level.id,
            rank=item.rank - 1, due=desk.now() + level.respond_within, now=desk.now(),
        )  # fmt: skip
    return _back(queue, report)


@router.post("/queues/{queue}/{report}/reassign")
def reassign(
    request: Request, who: Reviewer, queue: str, report: str, csrf: Csrf, version: Annotated[int, Form()],
    to: Annotated[str, Form()],
) -> Response:  # fmt: skip
    """Give the item to somebody else who works on this queue."""
    check_form(who, csrf)
    desk = desk_of(request)
    queue_of(desk, who, queue)
    with desk.store.write() as connection:
        handover.assign(
            connection, work.get(connection, report, queue), to=to, access=who.access, policy=desk.policy,
            taxonomy=desk.taxonomy, version=version, now=desk.now(),
        )  # fmt: skip
    return _back(queue, report)


@router.post("/queues/{queue}/{report}/refer")
def refer(
    request: Request, who: Reviewer, queue: str, report: str, csrf: Csrf, version: Annotated[int, Form()],
    to: Annotated[str, Form()], note: Annotated[str, Form()],
) -> Response:  # fmt: skip
    """Put the report in another queue, and close the item here."""
    check_form(who, csrf)
    desk = desk_of(request)
    queue_of(desk, who, queue)
    if not note.strip():
        raise MonitorError("say why the other queue is the right one")
    with desk.store.write() as connection:
        handover.refer(
            connection, work.get(connection, report, queue), to=to, note=note.strip(), access=who.access,
            policy=desk.policy, taxonomy=desk.taxonomy, version=version, now=desk.now(),
        )  # fmt: skip
    return _back(to, report)


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
        _, word = decision.readable(connection, item.report, who.access)
        result = report_results(connection, [item.report])[item.report]
        text = reports.load(connection, [item.report])[item.report].text
        before = spans({**result, "reviewed": word or {}})
        said = decision.Decision(
            violations or [], urgency, outcome, note.strip() or None,
            spans_of(form, text, before=before),
        )  # fmt: skip
        decision.record(
            connection, item, said, access=who.access, policy=desk.policy, taxonomy=desk.taxonomy, version=version,
            now=desk.now(),
        )  # fmt: skip
    return _back(queue, report) if action == "save" else RedirectResponse(f"/queues/{queue}", status_code=303)


def _back(queue: str, report: str) -> Response:
    return RedirectResponse(f"/queues/{queue}/{report}", status_code=303)
