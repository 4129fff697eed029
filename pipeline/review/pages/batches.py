"""Submissions and batches: what a monitor sends, sees of it, and mends."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import PlainTextResponse, RedirectResponse

from pipeline.custody import exports
from pipeline.errors import MonitorError, NotFound
from pipeline.results import quarantine_lines
from pipeline.review.desk import Csrf, Desk, Signed, Visitor, check_form, desk_of, render
from pipeline.store import batches
from pipeline.submit import submit

router = APIRouter()
CHUNK = 1 << 20


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


def _check_batch(who: Visitor, submitted_by: str | None) -> None:
    """People see the batches that they sent, administrators all.

    A receipt tells how many reports came in, and a quarantined row was routed by nobody: either could tell a reviewer
    of reports in a queue that they may not see.
    """
    if not who.access.administers and submitted_by != who.access.person:
        raise NotFound("no such batch")


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
