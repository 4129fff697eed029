"""Submissions and batches: what a monitor sends, sees of it, and mends."""

from __future__ import annotations

import re
import tempfile
from itertools import islice
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import RedirectResponse, StreamingResponse

from pipeline.errors import MonitorError, NotFound
from pipeline.review.desk import Csrf, Signed, check_form, desk_of, render
from pipeline.review.uploads import MEND, check_sender, kept, rows_to_mend
from pipeline.review.words import sentence
from pipeline.store import batches
from pipeline.submit import submit

router = APIRouter()
SHOWN = 500
"""Rows that were set aside, listed at most: the file has them all."""
_ROW = re.compile(r":\d+$")
"""How a row's locator ends; a file that was refused whole has none."""


@router.get("/submit")
def submit_page(request: Request, who: Signed, text_column: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The form; a receipt that tells which column holds the text leads here with its name."""
    return render(request, "submit.html", {"problem": None, "source": "", "text_column": text_column}, who=who)


@router.post("/submit")
def submit_batch(
    request: Request, who: Signed, csrf: Csrf, files: Annotated[list[UploadFile], File()],
    source: Annotated[str, Form()] = "", text_column: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Take in what was uploaded as one batch; the receipt."""
    check_form(who, csrf)
    desk = desk_of(request)
    try:
        with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
            paths = [kept(upload, Path(folder), number, desk) for number, upload in enumerate(files) if upload.filename]
            if not paths:
                raise MonitorError("choose a file first")
            receipt = submit(
                desk.store, paths, now=desk.now, limits=desk.limits, source=source.strip() or None,
                mapping={"text": text_column.strip()} if text_column.strip() else None, actor=who.access.person,
            )  # fmt: skip
    except MonitorError as error:
        values = {"problem": sentence(str(error)), "source": source, "text_column": text_column}
        return render(request, "submit.html", values, who=who, status=422)
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
        check_sender(who.access, receipt.submitted_by)
        problems = list(islice(batches.quarantined(connection, batch), SHOWN))
    rows = sum(bool(_ROW.search(problem.locator)) for problem in problems)
    values = {"receipt": receipt, "problems": problems, "rows": rows, "files": len(problems) - rows}
    return render(request, "batch.html", values, who=who)


@router.get("/batches/{batch}/quarantine.{form}")
def quarantine_file(request: Request, who: Signed, batch: str, form: str) -> Response:
    """The rows that were set aside, to be mended and submitted again; whoever takes them is on record."""
    media_type = {str(known): media for known, media in MEND.items()}.get(form)
    if media_type is None:
        raise NotFound("no such file")
    body = rows_to_mend(desk_of(request), who.access, batch, form)
    headers = {"Content-Disposition": f'attachment; filename="{batch}-quarantine.{form}"'}
    return StreamingResponse(body, media_type=media_type, headers=headers)
