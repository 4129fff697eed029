"""Reports, the near-duplicate index and assessments."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    Row,
    Table,
    Text,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    type_coerce,
    update,
)

from pipeline.errors import NotFound
from pipeline.report import Report
from pipeline.store import sealing
from pipeline.store.audit import canonical
from pipeline.store.engine import IN_MEMORY
from pipeline.store.schema import assessment, batch, corroboration, duplicate, pending, quarantine, report

_VARIABLES = 10_000  # SQLite takes 32,766 bound variables in a statement


def report_id(batch_id: str, line: int, sha256: str) -> str:
    """Our name of a report: the same after a crash, and telling nothing of how many others there are.

    Where the store is encrypted `sha256` is the keyed hash, so that the name does not confirm a guess of the text.
    """
    digest = hashlib.blake2b(f"{batch_id}:{line}:{sha256}".encode(), digest_size=10).digest()
    return "r" + base64.b32encode(digest).decode().lower()


@dataclass(frozen=True)
class Known:
    """A stored report as far as the search for duplicates needs it."""

    seq: int
    source: str | None
    report_date: date | None
    sha256: str
    normalised_sha256: str
    signature: bytes | None
    erased: bool = False


@dataclass
class Intake:
    """Rows of one transaction of a submit, in the columns of their tables; bands as *(hash, report)*."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    bands: list[tuple[int, int]] = field(default_factory=list)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    quarantined: list[dict[str, Any]] = field(default_factory=list)
    corroborations: list[dict[str, Any]] = field(default_factory=list)


def next_seq(connection: Connection) -> int:
    """The sequence number that the next report gets; the caller holds the write transaction.

    On PostgreSQL concurrent submitters are kept apart by a lock on the audit chain's head, which
    every submit takes first.
    """
    return int(connection.execute(select(func.coalesce(func.max(report.c.seq), 0))).scalar_one()) + 1


def known_by_text(connection: Connection, hashes: Iterable[str]) -> list[Known]:
    """Stored reports with one of these normalised texts."""
    asked = sealing.in_force(connection).lookups("normalised", hashes)
    found = _known(connection, report.c.normalised_sha256, sorted(asked))
    return [replace(known, normalised_sha256=asked[known.normalised_sha256]) for known in found]


def known_by_seq(connection: Connection, seqs: Iterable[int]) -> dict[int, Known]:
    """Stored reports by number; their normalised hash is as the store has it, which may be keyed."""
    return {known.seq: known for known in _known(connection, report.c.seq, sorted(set(seqs)))}


def _known(connection: Connection, column: Any, values: Sequence[Any]) -> list[Known]:
    found = []
    for start in range(0, len(values), _VARIABLES):
        rows = connection.execute(
            select(
                report.c.seq, report.c.source, report.c.report_date, report.c.sha256, report.c.normalised_sha256,
                report.c.signature, report.c.text == "",
            ).where(column.in_(values[start : start + _VARIABLES]))
        )  # fmt: skip
        found += [Known(*row) for row in rows]
    return found


def band_matches(connection: Connection, hashes: Iterable[int]) -> list[tuple[int, int]]:
    """*(hash, report seq)* of the bands that stored reports share with these."""
    asked = sealing.in_force(connection).number_lookups("band", hashes)
    # Thousands of numbers as one value: each as a variable takes longer to bind than to look up.
    is_sqlite = connection.dialect.name == "sqlite"
    among = "IN (SELECT value FROM json_each(?))" if is_sqlite else "= ANY(%s)"
    numbers: Any = json.dumps(list(asked)) if is_sqlite else list(asked)
    rows = connection.exec_driver_sql(f"SELECT hash, report FROM band WHERE hash {among}", (numbers,))
    return [(asked[number], seq) for number, seq in rows]


def add(connection: Connection, intake: Intake) -> None:
    """Store what a submit decided about its rows, in the caller's transaction."""
    sealed = sealing.in_force(connection)
    _add_reports(connection, sealed.seal(report, intake.reports))
    for table, rows in (
        (pending, [{"report": row["seq"]} for row in intake.reports]),
        (duplicate, sealed.seal(duplicate, intake.duplicates)),
        (quarantine, sealed.seal(quarantine, intake.quarantined)),
        (corroboration, intake.corroborations),
    ):
        if rows:
            connection.execute(insert(table), rows)
    if intake.bands:  # ten numbers a report: past the toolkit, which takes longer over them than the database
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        keyed = [(sealed.keyed_number("band", number), seq) for number, seq in intake.bands]
        connection.exec_driver_sql(f"INSERT INTO band (hash, report) VALUES ({mark}, {mark})", keyed)


# Where rows are gathered, in memory, before they become reports of a SQLite store.
_incoming = Table("report", MetaData(schema=IN_MEMORY), *(Column(c.name, c.type) for c in report.c))
_COLUMNS = ", ".join(c.name for c in report.c)


def _add_reports(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        connection.execute(insert(report), rows)
        return
    # FTS5 writes what it has gathered of the words at the end of each statement: with a statement for each report that
    # takes three times as long as with one for all.
    _incoming.create(connection)
    connection.execute(insert(_incoming), rows)
    connection.exec_driver_sql(f"INSERT INTO report ({_COLUMNS}) SELECT {_COLUMNS} FROM {_incoming}")
    _incoming.drop(connection)


def received_lines(connection: Connection, batch_id: str) -> Iterator[bytes]:
    """Line, id and SHA-256 of each accepted report of a batch, in order: what the event of its intake stands for."""
    query = (
        select(report.c.line, report.c.id, report.c.sha256).where(report.c.batch == batch_id).order_by(report.c.line)
    )
    return (canonical(list(row)) for row in connection.execute(query.execution_options(yield_per=1000)))


def pending_chunks(connection: Connection, *, size: int, batch_id: str | None = None) -> list[tuple[int, int]]:
    """*(first, last)* sequence numbers of runs of at most `size` reports that wait, oldest first.

    The database cuts them: millions of numbers never come here.
    """
    place = func.row_number().over(order_by=pending.c.report) - 1
    numbered = select(pending.c.report, (place - place % size).label("chunk"))
    if batch_id is not None:
        numbered = numbered.join(report, report.c.seq == pending.c.report).where(report.c.batch == batch_id)
    cut = numbered.subquery()
    query = select(func.min(cut.c.report), func.max(cut.c.report)).group_by(cut.c.chunk).order_by(cut.c.chunk)
    return [(first, last) for first, last in connection.execute(query)]


def pending_count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(pending)).scalar_one())


def oldest_pending(connection: Connection) -> datetime | None:
    """When the report that waits longest was received; none waits: None."""
    first = select(func.min(pending.c.report)).scalar_subquery()
    return connection.execute(select(report.c.received_at).where(report.c.seq == first)).scalar_one_or_none()


def load(connection: Connection, seqs: Sequence[int]) -> dict[int, Report]:
    """Reports by sequence number."""
    rows = connection.execute(select(report).where(report.c.seq.in_(seqs)))
    return {row.seq: _report(row) for row in rows}


def still_pending(connection: Connection, first: int, last: int, *, lock: bool = False) -> list[int]:
    """Those from `first` to `last` that nobody has triaged meanwhile.

    `lock`: nobody else will triage them until this transaction ends (on SQLite its write lock sees to that).
    """
    query = select(pending.c.report).where(pending.c.report.between(first, last)).order_by(pending.c.report)
    return list(connection.scalars(query.with_for_update() if lock else query))


def begun(connection: Connection, first: int, last: int) -> dict[int, int]:
    """Those from `first` to `last` that wait, and how often each was begun without an end."""
    query = select(pending.c.report, pending.c.begun).where(pending.c.report.between(first, last))
    return {row.report: row.begun for row in connection.execute(query.order_by(pending.c.report))}


def begin(connection: Connection, first: int, last: int, *, times: int = 1) -> list[int]:
    """Note that the triage of those from `first` to `last` that wait begins, and name them.

    `times=-1` takes it back, where it was not the reports that stopped it.
    """
    seqs = still_pending(connection, first, last, lock=True)
    for start in range(0, len(seqs), _VARIABLES):
        chosen = pending.c.report.in_(seqs[start : start + _VARIABLES])
        connection.execute(update(pending).where(chosen).values(begun=pending.c.begun + times))
    return seqs


def by_id(connection: Connection, idents: Sequence[str]) -> dict[str, tuple[int, Report]]:
    """Reports with their sequence numbers, by our ids; at most some thousands at a time."""
    rows = connection.execute(select(report).where(report.c.id.in_(idents)))
    return {row.id: (row.seq, _report(row)) for row in rows}


def find(connection: Connection, ident: str) -> tuple[int, Report]:
    """A report by our id, or by the submitter's where only one has it."""
    rows = connection.execute(select(report).where(report.c.id == ident)).all()
    if not rows:
        keys = sealing.in_force(connection).lookups("external_id", [ident], size=sealing.EXTERNAL_BYTES)
        theirs = or_(type_coerce(report.c.external_id, Text) == ident, report.c.external_key.in_(keys))
        rows = connection.execute(select(report).where(theirs).order_by(report.c.seq).limit(11)).all()
    if not rows:
        raise NotFound(f"no report {ident}")
    if len(rows) > 1:
        own = ", ".join(f"{row.id} (batch {row.batch})" for row in rows[:10]) + (" …" if len(rows) > 10 else "")
        raise NotFound(f"several reports have the submitter's id {ident}; Sitrep's own ids: {own}")
    return rows[0].seq, _report(rows[0])


def undated(connection: Connection, batch: str) -> tuple[int, Report | None]:
    """How many reports of a batch have no report date, and the first of them."""
    without = report.c.batch == batch, report.c.report_date.is_(None)
    count, first = connection.execute(select(func.count(), func.min(report.c.seq)).where(*without)).one()
    return int(count), load(connection, [first])[first] if count else None


def flagged(connection: Connection, batch: str, flag: str) -> int:
    """How many reports of a batch have a flag."""
    having = report.c.batch == batch, cast(report.c.flags, Text).contains(f'"{flag}"')
    return int(connection.execute(select(func.count()).select_from(report).where(*having)).scalar_one())


def _report(row: Row[Any]) -> Report:
    return Report(
        id=row.id,
        batch=row.batch,
        text=row.text,
        sha256=row.sha256,
        external_id=row.external_id,
        report_date=row.report_date,
        source=row.source,
        country=row.country,
        language=row.language,
        metadata=row.metadata,
        flags=tuple(row.flags),
        received_at=row.received_at,
        raw=row.raw,
    )


def add_assessments(
    connection: Connection, rows: Sequence[Mapping[str, Any]], *, policy: str, now: datetime
) -> dict[int, int]:
    """Store assessment bodies and take their reports off the pending list; report seq to assessment seq.

    A row has `report` (seq), `model`, `taxonomy`, `urgency` and `body`.
    """
    if not rows:
        return {}
    values = [{**row, "policy": policy, "created_at": now, "sha256": body_hash(row["body"])} for row in rows]
    connection.execute(insert(assessment), sealing.seal(connection, assessment, values))
    seqs = [row["report"] for row in rows]
    connection.execute(delete(pending).where(pending.c.report.in_(seqs)))
    newest = connection.execute(
        select(assessment.c.report, func.max(assessment.c.seq))
        .where(assessment.c.report.in_(seqs))
        .group_by(assessment.c.report)
    )
    return {row[0]: row[1] for row in newest}


def body_hash(body: Mapping[str, Any]) -> str:
    """SHA-256 of a decision's canonical JSON, the leaf that the audit chain covers."""
    return hashlib.sha256(canonical(body)).hexdigest()


def assessments(connection: Connection, seq: int) -> list[Row[Any]]:
    """Every assessment of a report, newest first."""
    return list(
        connection.execute(select(assessment).where(assessment.c.report == seq).order_by(assessment.c.seq.desc()))
    )


def corroborating(connection: Connection, seqs: Sequence[int]) -> dict[int, list[str]]:
    """Our ids of the reports linked with each of these, in either direction."""
    links: dict[int, list[str]] = {}
    for mine, theirs in (
        (corroboration.c.report, corroboration.c.other),
        (corroboration.c.other, corroboration.c.report),
    ):
        rows = connection.execute(
            select(mine.label("mine"), report.c.id).join(report, report.c.seq == theirs).where(mine.in_(seqs))
        )
        for row in rows:
            links.setdefault(row.mine, []).append(row.id)
    return {seq: sorted(ids) for seq, ids in links.items()}


def duplicates_of(connection: Connection, seq: int) -> list[Row[Any]]:
    """The submissions that repeated a report."""
    return list(
        connection.execute(
            select(duplicate, batch.c.source, batch.c.submitted_at)
            .join(batch, batch.c.id == duplicate.c.batch)
            .where(duplicate.c.report == seq)
        )
    )


def newest_assessments(connection: Connection, seqs: Sequence[int]) -> dict[int, Row[Any]]:
    """The assessment in force of each report that has one."""
    newest = (
        select(func.max(assessment.c.seq)).where(assessment.c.report.in_(seqs)).group_by(assessment.c.report)
    ).scalar_subquery()
    rows = connection.execute(select(assessment).where(assessment.c.seq.in_(newest)))
    return {row.report: row for row in rows}
