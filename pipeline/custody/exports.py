"""Exports on record: which reports left the house, in which file, by whom, and what was said of them then."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, select

from pipeline.errors import ConfigurationError
from pipeline.store import Store, audit, corrections, reports
from pipeline.store.schema import exported, report

ROWS_AT_A_TIME = 5000
Line = TypeVar("Line", bound=Mapping[str, Any])


@dataclass
class Outgoing:
    """A file that is being written at `path`, and the reports that are in it."""

    path: Path
    rows: int = 0
    left_out: int = 0
    reports: list[str] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def passing(self, results: Iterable[Line], *, mask: Callable[[Line], Line | None] | None = None) -> Iterator[Line]:
        """The same results, counted; those of triaged reports are noted. What `mask` makes nothing of is left out."""
        for result in results:
            shown = mask(result) if mask else result
            if shown is None:
                self.left_out += 1
                continue
            self.rows += 1
            if "violations" in result:
                self.reports.append(result["report"])
            yield shown

    def note(self, connection: Connection) -> None:
        """Note what is said of the reports in the file, as the connection that they were read by sees it."""
        ids = sorted(set(self.reports))
        for start in range(0, len(ids), ROWS_AT_A_TIME):
            self.lines += _lines(connection, ids[start : start + ROWS_AT_A_TIME])


@contextmanager
def outgoing(
    store: Store, out: Path, *, what: str, by: str, now: Callable[[], datetime], **said: Any
) -> Iterator[Outgoing]:
    """Write a file, or a folder, that leaves the house: under its own name only once the export is on record, with what is `said` of it.

    ConfigurationError where `out` is a folder that is there already, or is in none.
    """
    if out.is_dir():
        raise ConfigurationError(f"{out} is a folder that is there already: name a new one")
    if not out.absolute().parent.is_dir():
        raise ConfigurationError(f"{out}: there is no folder {out.parent}")
    with tempfile.TemporaryDirectory(prefix=".sitrep-", dir=out.absolute().parent) as folder:
        going = Outgoing(Path(folder) / out.name)
        yield going
        with store.write() as connection:
            record(
                connection, going.lines, what=what, file=file_hash(going.path), by=by, now=now(), rows=going.rows,
                **said,
            )  # fmt: skip
        going.path.replace(out)


def record(
    connection: Connection, lines: Sequence[dict[str, Any]], *, what: str, file: str, by: str, now: datetime, **said: Any
) -> None:  # fmt: skip
    """Put an export on record; `file` is its SHA-256, `said` is told by the event as well."""
    ordered = sorted(lines, key=lambda line: line["report"])
    leaves = [audit.canonical([line[key] for key in ("id", "sha256", "decision", "review")]) for line in ordered]
    body = {**said, "file": file, "count": len(leaves), "reports": audit.merkle_root(leaves)}
    audit.append(connection, at=now, actor=by, action="exported", subject=what, body=body)
    event = audit.size(connection)
    rows = [{"event": event, **{key: line[key] for key in ("report", "decision", "review")}} for line in ordered]
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        connection.execute(insert(exported), rows[start : start + ROWS_AT_A_TIME])


def file_hash(path: Path) -> str:
    """SHA-256 of a file, or of the files in a folder with their names."""
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    digest = hashlib.sha256()
    for inner in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(f"{inner.relative_to(path).as_posix()}\n{file_hash(inner)}\n".encode())
    return digest.hexdigest()


def _lines(connection: Connection, ids: Sequence[str]) -> list[dict[str, Any]]:
    """What an export says of reports by its event: text, decision and review by their hashes."""
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
