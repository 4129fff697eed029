"""Exports on record: which reports left the house, in which file, by whom, and what was said of them then."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from pipeline.store import audit, corrections, reports
from pipeline.store.schema import exported, report

ROWS_AT_A_TIME = 5000


def file_hash(path: Path) -> str:
    """SHA-256 of a file, or of the files in a folder with their names."""
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    digest = hashlib.sha256()
    for inner in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(f"{inner.relative_to(path).as_posix()}\n{file_hash(inner)}\n".encode())
    return digest.hexdigest()


def record(
    connection: Connection, report_ids: Sequence[str], *, what: str, file: str, by: str, now: datetime, **said: Any
) -> None:
    """Put an export on record; `file` is its SHA-256, `said` is told by the event as well."""
    ids = sorted(set(report_ids))
    rows = []
    for start in range(0, len(ids), ROWS_AT_A_TIME):
        rows += _rows(connection, ids[start : start + ROWS_AT_A_TIME])
    rows.sort(key=lambda row: row["report"])
    leaves = [audit.canonical([row["id"], row["sha256"], row["decision"], row["review"]]) for row in rows]
    body = {**said, "file": file, "count": len(rows), "reports": audit.merkle_root(leaves)}
    audit.append(connection, at=now, actor=by, action="exported", subject=what, body=body)
    event = audit.size(connection)
    lines = [{"event": event, **{key: row[key] for key in ("report", "decision", "review")}} for row in rows]
    for start in range(0, len(lines), ROWS_AT_A_TIME):
        connection.execute(insert(exported), lines[start : start + ROWS_AT_A_TIME])


def _rows(connection: Connection, ids: Sequence[str]) -> list[dict[str, Any]]:
    found = connection.execute(select(report.c.seq, report.c.id, report.c.sha256).where(report.c.id.in_(ids))).all()
    seqs = [row.seq for row in found]
    decided, reviewed = reports.newest_assessments(connection, seqs), corrections.hashes_in_force(connection, seqs)
    return [
        {
            "report": row.seq, "id": row.id, "sha256": row.sha256, "decision": decided[row.seq].sha256,
            "review": reviewed.get(row.seq),
        }
        for row in found
        if row.seq in decided
    ]  # fmt: skip
