"""What people see and do: the board, a queue, one item, a submission, the people."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from sqlalchemy import Connection

from pipeline.custody import exports
from pipeline.errors import MonitorError, NotFound
from pipeline.results import quarantine_lines, report_results
from pipeline.review.app import Desk, Visitor, check_form, desk_of, render, reviewer, signed_in
from pipeline.review.marks import marks_of, pieces
from pipeline.store import audit, batches, corrections, people, queues, reports, work
from pipeline.submit import submit

router = APIRouter(default_response_class=HTMLResponse)
PAGE = 50
CHUNK = 1 << 20
Signed = Annotated[Visitor, Depends(signed_in)]
Reviewer = Annotated[Visitor, Depends(reviewer)]
Csrf = Annotated[str, Form()]


@router.get("/")
def board(request: Request, who: Signed) -> Response:
    """The queues that this person may see; a monitor is taken to the batches."""
    if not who.access.reviews:
        return RedirectResponse("/batches", status_code=303)
    desk = desk_of(request)
    with desk.store.read() as connection:
        summaries = queues.summaries(connection, now=desk.now(), queues=who.access.queues)
        paused = work.paused(connection)
    lines = [(queue, summaries.get(queue.id), queue.id in paused) for queue in _visible(desk, who)]
    lines.sort(key=lambda line: -(line[1].overdue if line[1] else 0))
    return render(request, "board.html", {"lines": lines, "levels": _levels(desk), "now": desk.now()}, who=who)


@router.get("/queues/{queue}")
def queue_page(
    request: Request, who: Reviewer, queue: str, urgency: str = "", q: str = "", overdue: bool = False, after: str = ""
) -> Response:
    """The items of a queue that are not closed, most urgent first."""
    desk = desk_of(request)
    shown = _queue(desk, who, queue)
    with desk.store.read() as connection:
        rows = queues.page(
            connection, queue, urgency=urgency or None, words=q.strip()[:200] or None,
            overdue_at=desk.now() if overdue else None, after=_cursor(after), limit=PAGE + 1,
        )  # fmt: skip
    following = f"{rows[PAGE - 1].rank}.{rows[PAGE - 1].seq}" if len(rows) > PAGE else None
    values = {
        "queue": shown, "rows": rows[:PAGE], "following": following, "levels": _levels(desk), "now": desk.now(),
        "asked": {"urgency": urgency, "q": q, "overdue": "true" if overdue else ""},
    }  # fmt: skip
    return render(request, "queue.html", values, who=who)


@router.post("/queues/{queue}/next")
def next_item(request: Request, who: Reviewer, queue: str, csrf: Csrf) -> Response:
    """Claim the most urgent item that nobody holds and go there."""
    check_form(who, csrf)
    desk = desk_of(request)
    _queue(desk, who, queue)
    with desk.store.write() as connection:
        item = work.claim_next(connection, [queue], person=who.access.person, now=desk.now())
        report = queues.report_of(connection, item) if item else None
    return RedirectResponse(f"/queues/{queue}/{report}" if report else f"/queues/{queue}", status_code=303)


@router.get("/queues/{queue}/{report}")
def item_page(request: Request, who: Reviewer, queue: str, report: str, focus: str = "") -> Response:
    """One report in one queue: the text with what was found in it, and what to do."""
    desk = desk_of(request)
    shown = _queue(desk, who, queue)
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
        said = _readable(who, corrections.of_report(connection, item.report), result)
        repeats = reports.duplicates_of(connection, item.report)
        linked = queues.visible_reports(connection, result["corroborates"], who.access.queues)
    violations = [v for v in result["violations"] if v["id"] not in who.access.hidden_types]
    result = {**result, "violations": violations}  # the marks too know nothing of hidden types
    last = said[-1].body if said else None
    decided = set(last["violations"]) if last else {v["id"] for v in violations if v["decided"]}
    urgency = last["urgency"] if last else (result["urgency"] or {}).get("id")
    if focus not in {"urgency", *(v["id"] for v in violations)}:
        focus = next((v["id"] for v in violations if v["decided"]), "urgency")
    values: dict[str, Any] = {
        "hidden": who.access.hidden_types, "queue": shown, "item": item, "report": found, "result": result, "focus": focus, "decided": decided,
        "urgency": urgency, "history": history, "said": said, "repeats": repeats, "linked": linked,
        "pieces": pieces(found.text, marks_of(result, focus=focus)), "now": desk.now(),
        "violations": sorted(violations, key=lambda v: -v["probability"]), "levels": _levels(desk),
        "names": {v.id: v.name for v in desk.taxonomy.violations}, "outcomes": work.OUTCOMES,
        "abstained": [a for a in result["abstained"] if a not in who.access.hidden_types],
        "elsewhere": [i for i in result["queues"] if i["queue"] in who.access.queues and i["queue"] != queue],
        "rtl": found.language in ("ar", "fa", "he", "ur", "ps"),
    }  # fmt: skip
    return render(request, "item.html", values, who=who)


@router.post("/queues/{queue}/{report}/claim")
def claim(
    request: Request, who: Reviewer, queue: str, report: str, csrf: Csrf, version: Annotated[int, Form()]
) -> Response:
    check_form(who, csrf)
    desk = desk_of(request)
    _queue(desk, who, queue)
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
    _queue(desk, who, queue)
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
    _queue(desk, who, queue)
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
    _queue(desk, who, queue)
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


@router.post("/queues/{queue}/{report}/decide")
def decide(
    request: Request, who: Reviewer, queue: str, report: str, csrf: Csrf, version: Annotated[int, Form()],
    urgency: Annotated[str, Form()], action: Annotated[str, Form()],
    violations: Annotated[list[str] | None, Form()] = None, note: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Record what the reviewer says of the report, and close the item where an outcome is named."""
    check_form(who, csrf)
    desk = desk_of(request)
    _queue(desk, who, queue)
    hidden = who.access.hidden_types
    chosen = [v for v in desk.taxonomy.violation_ids if v in (violations or []) and v not in hidden]
    if set(violations or []) - set(chosen) or urgency not in desk.taxonomy.urgency_ids:
        raise MonitorError("the form names a type or level that there is none of: load it again")
    if action not in ("save", *work.OUTCOMES):
        raise MonitorError("the form names an outcome that there is none of: load it again")
    with desk.store.write() as connection:
        item = work.get(connection, report, queue)
        if action == "save":
            work.claim(connection, item.seq, person=who.access.person, version=version, now=desk.now())
        else:
            work.close(
                connection, item.seq, person=who.access.person, outcome=action,  # type: ignore[arg-type]
                version=version, now=desk.now(), note=note.strip() or None,
            )  # fmt: skip
        # What this person may not see stands as it stood: their form could not name it.
        unseen = [v for v in _standing(connection, item.report) if v in hidden]
        corrections.add(
            connection, item.report, reviewer=who.access.person, violations=[*chosen, *unseen], urgency=urgency,
            note=note.strip() or None, assessment=item.assessment, now=desk.now(), queue=queue, unseen=unseen,
        )  # fmt: skip
    return _back(queue, report) if action == "save" else RedirectResponse(f"/queues/{queue}", status_code=303)


@router.get("/submit")
def submit_page(request: Request, who: Signed) -> Response:
    return render(request, "submit.html", {}, who=who)


@router.post("/submit")
def submit_batch(
    request: Request, who: Signed, csrf: Csrf, files: Annotated[list[UploadFile], File()],
    source: Annotated[str, Form()] = "", text_column: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Take in what was uploaded as one batch; the receipt."""
    check_form(who, csrf)
    desk = desk_of(request)
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        paths = [_kept(upload, Path(folder), number, desk) for number, upload in enumerate(files) if upload.filename]
        if not paths:
            raise MonitorError("choose a file first")
        receipt = submit(
            desk.store, paths, now=desk.now, limits=desk.limits, source=source.strip() or None,
            mapping={"text": text_column.strip()} if text_column.strip() else None, actor=who.access.person,
        )  # fmt: skip
    return RedirectResponse(f"/batches/{receipt.batch}", status_code=303)


@router.get("/batches")
def batch_list(request: Request, who: Signed) -> Response:
    """Batches, newest first: those that one sent oneself; an administrator sees all."""
    desk = desk_of(request)
    with desk.store.read() as connection:
        by = None if who.access.administers else who.access.person
        found = [batches.receipt(connection, ident) for ident in batches.recent(connection, limit=50, by=by)]
    return render(request, "batches.html", {"receipts": found}, who=who)


@router.get("/batches/{batch}")
def batch_page(request: Request, who: Signed, batch: str) -> Response:
    desk = desk_of(request)
    with desk.store.read() as connection:
        receipt = batches.receipt(connection, batch)
        _check_batch(who, receipt.submitted_by)
        problems = list(batches.quarantined(connection, batch))
    return render(request, "batch.html", {"receipt": receipt, "problems": problems[:500]}, who=who)


@router.get("/batches/{batch}/quarantine.jsonl")
def quarantine_file(request: Request, who: Signed, batch: str) -> Response:
    """The rows that were set aside, to be mended and submitted again; whoever takes them is on record."""
    desk = desk_of(request)
    with desk.store.write() as connection:
        _check_batch(who, batches.receipt(connection, batch).submitted_by)
        lines = list(quarantine_lines(connection, batch))
        body = "".join(lines)
        exports.record(
            connection, [], what="quarantine", file=hashlib.sha256(body.encode()).hexdigest(), by=who.access.person,
            now=desk.now(), rows=len(lines), batch=batch,
        )  # fmt: skip
    headers = {"Content-Disposition": f'attachment; filename="{batch}-quarantine.jsonl"'}
    return PlainTextResponse(body, media_type="application/x-ndjson", headers=headers)


@router.get("/people")
def people_page(request: Request, who: Signed) -> Response:
    if not who.access.administers:
        raise NotFound("no such page")
    desk = desk_of(request)
    with desk.store.read() as connection:
        found = people.everybody(connection)
    restricted = [q for q in desk.policy.queues if q.restricted]
    return render(request, "people.html", {"people": found, "restricted": restricted, "link": None}, who=who)


@router.post("/people")
def add_person(
    request: Request, who: Signed, csrf: Csrf, login: Annotated[str, Form()], name: Annotated[str, Form()],
    role: Annotated[str, Form()], granted: Annotated[list[str] | None, Form()] = None,
) -> Response:  # fmt: skip
    """Add a person and show their invitation link, once."""
    if not who.access.administers:
        raise NotFound("no such page")
    check_form(who, csrf)
    desk = desk_of(request)
    restricted = [q for q in desk.policy.queues if q.restricted]
    with desk.store.write() as connection:
        token = people.add(
            connection, login.strip().lower(), name=name.strip(), role=role,
            granted=[q.id for q in restricted if q.id in (granted or [])], by=who.access.person, now=desk.now(),
        )  # fmt: skip
        found = people.everybody(connection)
    link = str(request.base_url) + f"invitation/{token}"
    return render(request, "people.html", {"people": found, "restricted": restricted, "link": link}, who=who)


def _visible(desk: Desk, who: Visitor) -> list[Any]:
    return [queue for queue in desk.policy.queues if queue.id in who.access.queues]


def _queue(desk: Desk, who: Visitor, ident: str) -> Any:
    """The queue, if there is one that this person may see."""
    for queue in _visible(desk, who):
        if queue.id == ident:
            return queue
    raise NotFound("no such queue")


def _readable(who: Visitor, said: list[Any], result: dict[str, Any]) -> list[Any]:
    """The corrections that this person may read: their own, and those made in a queue that they may see.

    Where the queue is not on record, only those of a report that is in no queue hidden from them.
    """
    open_book = {item["queue"] for item in result["queues"]} <= who.access.queues
    return [
        c
        for c in said
        if c.reviewer == who.access.person
        or (c.body["queue"] in who.access.queues if c.body.get("queue") else open_book)
    ]


def _standing(connection: Connection, seq: int) -> list[str]:
    """The violations in force on a report: what a person said last, else what the model decided."""
    word = corrections.in_force(connection, [seq]).get(seq)
    if word is not None:
        return list(word["violations"])
    newest = reports.newest_assessments(connection, [seq]).get(seq)
    return [v["id"] for v in newest.body["violations"] if v["decided"]] if newest else []


def _levels(desk: Desk) -> list[str]:
    return list(desk.taxonomy.urgency_ids)


def _cursor(after: str) -> tuple[int, int] | None:
    rank, _, seq = after.partition(".")
    return (int(rank), int(seq)) if rank.isdecimal() and seq.isdecimal() else None


def _check_batch(who: Visitor, submitted_by: str | None) -> None:
    """People see the batches that they sent, administrators all.

    A receipt tells how many reports came in, and a quarantined row was routed by nobody: either could tell a reviewer
    of reports in a queue that they may not see.
    """
    if not who.access.administers and submitted_by != who.access.person:
        raise NotFound("no such batch")


def _back(queue: str, report: str) -> Response:
    return RedirectResponse(f"/queues/{queue}/{report}", status_code=303)


def _kept(upload: UploadFile, folder: Path, number: int, desk: Desk) -> Path:
    """The upload as a file under a name of ours with its own ending; refused where it is larger than allowed."""
    suffix = Path(upload.filename or "").suffix.lower()[:12]
    path = folder / f"upload-{number}{suffix}"
    written = 0
    with path.open("wb") as stream:
        while chunk := upload.file.read(CHUNK):
            written += len(chunk)
            if written > desk.limits.file_bytes:
                raise MonitorError(f"the file is larger than {desk.limits.file_bytes // 2**20:,} MiB: split it")
            stream.write(chunk)
    return path
