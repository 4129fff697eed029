"""Batches that come in by browser or API: who may look at one, files as they are uploaded, rows to mend."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from fastapi import UploadFile

from pipeline.access import Access
from pipeline.custody import exports
from pipeline.errors import MonitorError, NotFound
from pipeline.mend import write_set_aside
from pipeline.review.desk import Desk
from pipeline.store import batches

CHUNK = 1 << 20
_UNPLAIN = re.compile(r"[^\w .()\-]")
Form = Literal["xlsx", "csv", "jsonl"]
MEND: dict[Form, str] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
}
"""The forms of a file of rows to mend, each with its media type."""


def check_sender(who: Access, submitted_by: str | None) -> None:
    """People see the batches that they sent, administrators all; NotFound for others.

    A receipt tells how many reports came in, and a quarantined row was routed by nobody: either could tell a reviewer
    of reports in a queue that they may not see.
    """
    if not who.administers and submitted_by != who.person:
        raise NotFound("no such batch")


def kept(upload: UploadFile, folder: Path, number: int, desk: Desk) -> Path:
    """The upload as a file in a folder of its own, by its name, which a receipt tells; MonitorError where it is larger than allowed."""
    path = folder / str(number) / plain_name(upload.filename or "", otherwise=f"upload-{number}")
    path.parent.mkdir()
    written = 0
    with path.open("wb") as stream:
        while chunk := upload.file.read(CHUNK):
            written += len(chunk)
            if written > desk.limits.file_bytes:
                raise MonitorError(f"the file is larger than {desk.limits.file_bytes // 2**20:,} MiB: split it")
            stream.write(chunk)
    return path


def plain_name(name: str, *, otherwise: str) -> str:
    """A file's name as a name and nothing else: letters, digits and plain marks, its ending kept.

    >>> plain_name("../../Week 7 (تقرير).XLSX", otherwise="upload-0")
    'Week 7 (تقرير).xlsx'
    """
    stem, dot, ending = name.replace("\\", "/").rpartition("/")[2].rpartition(".")
    stem, ending = _UNPLAIN.sub("", stem or ending).strip(" ."), _UNPLAIN.sub("", ending).lower()[:12] if stem else ""
    return f"{stem[:60] or otherwise}{dot if ending else ''}{ending}"


def rows_to_mend(desk: Desk, who: Access, batch: str, form: str) -> Iterator[bytes]:
    """The rows of a batch that were set aside as a file of a form of `MEND`, in chunks; whoever takes them is on record first."""
    with tempfile.TemporaryDirectory(prefix="sitrep-") as folder:
        path = Path(folder) / f"rows.{form}"
        with (
            exports.outgoing(
                desk.store, path, what="quarantine", by=who.person, now=desk.now, batch=batch
            ) as going,
            desk.store.read() as connection,
        ):  # fmt: skip
            check_sender(who, batches.receipt(connection, batch).submitted_by)
            going.rows = write_set_aside(connection, [batch], going.path)
        file = path.open("rb")  # read to its end though its name is gone, and nothing of it is left behind then
    return _chunks(file)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
