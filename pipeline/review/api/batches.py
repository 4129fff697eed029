"""Batches: reports as JSON or as files, receipts, and the rows that were set aside."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import Field

from pipeline.access import Access
from pipeline.errors import MonitorError
from pipeline.review.api.callers import Key, Name, Reader, Sender, Strict, once
from pipeline.review.desk import Desk, desk_of
from pipeline.review.uploads import MEND, check_sender, kept, rows_to_mend
from pipeline.review.uploads import Form as FileForm
from pipeline.store import batches, tokens
from pipeline.store.batches import Receipt
from pipeline.submit import content_hash, submit

router = APIRouter()


class ReportIn(Strict):
    """A report to be taken in."""

    id: Name | None = None
    text: Annotated[str, Field(min_length=1, max_length=200_000, pattern=r"^[^\x00]*$")]
    report_date: date | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None


class BatchIn(Strict):
    source: Name | None = None
    reports: Annotated[list[ReportIn], Field(min_length=1, max_length=1000)]


@router.post("/batches", status_code=201)
def hand_in(request: Request, who: Sender, batch: BatchIn, key: Key = None) -> dict[str, Any]:
    """Take in reports. The same request under the same key is taken in once and gets the same answer."""
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        path = Path(folder) / "reports.jsonl"
        rows = [r.model_dump(mode="json", exclude_none=True) for r in batch.reports]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return _taken_in(desk_of(request), who, key, [path], source=batch.source)


@router.post("/batches/files", status_code=201)
def hand_in_files(
    request: Request, who: Sender, files: Annotated[list[UploadFile], File()], source: Annotated[Name, Form()] = "",
    text_column: Annotated[Name, Form()] = "", key: Key = None,
) -> dict[str, Any]:  # fmt: skip
    """Take in files of any format that `sitrep submit` reads, as one batch."""
    desk = desk_of(request)
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        paths = [kept(upload, Path(folder), number, desk) for number, upload in enumerate(files)]
        mapping = {"text": text_column.strip()} if text_column.strip() else None
        return _taken_in(desk, who, key, paths, source=source.strip() or None, mapping=mapping)


@router.get("/batches")
def list_batches(
    request: Request, who: Reader, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> list[dict[str, Any]]:
    """The receipts of the newest batches: those that one sent oneself; an administrator sees all."""
    with desk_of(request).store.read() as connection:
        found = batches.recent(connection, limit=limit, by=None if who.administers else who.person)
        return [_receipt(batches.receipt(connection, ident)) for ident in found]


@router.get("/batches/{batch}")
def one_batch(request: Request, who: Reader, batch: str) -> dict[str, Any]:
    """The receipt of a batch that the caller sent; administrators see all."""
    with desk_of(request).store.read() as connection:
        found = batches.receipt(connection, batch)
    check_sender(who, found.submitted_by)
    return _receipt(found)


@router.get("/batches/{batch}/quarantine", response_class=PlainTextResponse)
def quarantine(request: Request, who: Reader, batch: str, form: FileForm = "jsonl") -> StreamingResponse:
    """The rows that were set aside, as JSON Lines, CSV or a workbook, to be mended and handed in again."""
    return StreamingResponse(rows_to_mend(desk_of(request), who, batch, form), media_type=MEND[form])


def _taken_in(
    desk: Desk, who: Access, key: str | None, paths: Sequence[Path], *, source: str | None,
    mapping: dict[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    asked = f"batch {content_hash(paths, mapping=mapping, source=source)}"
    if key:
        with desk.store.read() as connection:
            if (before := tokens.answered(connection, who.person, key, asked)) is not None:
                return before
    if not paths:
        raise MonitorError("there is no file in the request")
    taken = submit(
        desk.store, paths, now=desk.now, limits=desk.limits, source=source, mapping=mapping, actor=who.person
    )
    with desk.store.write() as connection:  # of the same request at the same time the first answer stands for both
        return once(connection, who, key, asked, lambda: _receipt(taken), now=desk.now())


def _receipt(found: Receipt) -> dict[str, Any]:
    counts = {name: getattr(found, name) for name in ("received", "accepted", "duplicates", "quarantined", "pending")}
    return {"batch": found.batch, **counts, "complete": found.complete}
