"""The rows held against the chain: whoever may write to the database can change rows and leave the chain as it is.

The events of a submission and of a triage stand for many rows by the root of a tree (RFC 9162), those of a review and of
an item for one. Here every row is read and must be the one that its event speaks of; and a report must be somewhere:
waiting, decided and in a queue, or erased. Found are ids and what is wrong with them, never words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, exists, func, select

from pipeline.custody.check import canonical
from pipeline.custody.erasure import FLAG
from pipeline.store import merkle, reports
from pipeline.store.schema import (
    adjudication,
    assessment,
    audit_event,
    correction,
    duplicate,
    pending,
    quarantine,
    queue_item,
    report,
)

ROWS_AT_A_TIME = 500


@dataclass(frozen=True)
class Difference:
    """What the chain does not vouch for: `subject` is the id of a batch or report, or the number of an event."""

    subject: str
    problem: str


def compare(connection: Connection) -> Iterator[Difference]:
    """Every row that is not what the chain says, in constant memory but for the lines of one event."""
    yield from _batches(connection)
    yield from _texts(connection)
    yield from _decisions(connection)
    for table, action in ((correction, "reviewed"), (adjudication, "adjudicated")):
        yield from _reviews(connection, table, action)
    yield from _places(connection)


def _batches(connection: Connection) -> Iterator[Difference]:
    """Rows that were received: none gone, none more, each under its id and hash."""
    for event in _events(connection, "submit"):
        root = merkle.root(reports.received_lines(connection, event.subject)).hex()
        if root != event.body.get("reports", root):  # not in events of before there were proofs
            yield Difference(event.subject, "its reports are not those that were taken in")
        for table, name in ((duplicate, "duplicates"), (quarantine, "quarantined")):
            query = select(func.count()).select_from(table).where(table.c.batch == event.subject)
            if connection.scalar(query) != event.body[name]:
                yield Difference(event.subject, f"its {name} are not as many as were taken in")


def _texts(connection: Connection) -> Iterator[Difference]:
    query = select(report.c.id, report.c.text, report.c.sha256, report.c.flags).order_by(report.c.seq)
    for row in connection.execute(query.execution_options(yield_per=ROWS_AT_A_TIME)):
        kept = hashlib.sha256(row.text.encode("utf-8", "surrogatepass")).hexdigest() == row.sha256
        if not kept and FLAG not in row.flags:
            yield Difference(row.id, "its text is not the one that came in")


def _decisions(connection: Connection) -> Iterator[Difference]:
    for event in _events(connection, "triage"):
        leaves = []
        for row in _decided(connection, event):
            leaves.append(canonical([row.sha256, row.model, row.policy, row.body_sha256]))
            if reports.body_hash(row.body) != row.body_sha256 and FLAG not in row.flags:
                yield Difference(row.id, "its decision is not the one that was made")
        if (merkle.root(leaves).hex(), len(leaves)) != (event.body["decisions"], event.body["reports"]):
            yield Difference(f"event {event.seq}", "its decisions are not those that were made")


def _decided(connection: Connection, event: Row[Any]) -> list[Row[Any]]:
    query = (
        select(
            report.c.id, report.c.sha256, report.c.flags, assessment.c.model, assessment.c.policy, assessment.c.body,
            assessment.c.sha256.label("body_sha256"),
        )
        .join(assessment, assessment.c.report == report.c.seq)
        .where(assessment.c.created_at == event.at, assessment.c.model == event.body["model"])
        .order_by(report.c.seq)
    )  # fmt: skip
    return list(connection.execute(query))


def _reviews(connection: Connection, table: Table, action: str) -> Iterator[Difference]:
    """What people said of a report, against the hashes of it in their events: each once, none else."""
    said: dict[str, list[str]] = {}
    for event in _events(connection, action):
        said.setdefault(event.subject, []).append(event.body["sha256"])
    query = select(report.c.id, table.c.body).join(report, report.c.seq == table.c.report)
    for ident, body in connection.execute(query.execution_options(yield_per=ROWS_AT_A_TIME)):
        try:
            said.get(ident, []).remove(reports.body_hash(body))
        except ValueError:
            yield Difference(ident, f"a review in it was never {action}")
    for ident, hashes in said.items():
        if hashes:
            yield Difference(ident, f"what was {action} is gone or altered")


def _places(connection: Connection) -> Iterator[Difference]:
    """Reports that are nowhere, and items that were closed without a word in the chain."""
    waits = exists().where(pending.c.report == report.c.seq)
    item = exists().where(queue_item.c.report == report.c.seq)
    for row in connection.execute(select(report.c.id, report.c.flags).where(~waits, ~item).order_by(report.c.seq)):
        if FLAG not in row.flags:
            yield Difference(row.id, "it neither waits for triage nor is in a queue")
    last = {
        (event.subject, event.body["queue"]): event.action
        for event in _events(connection, "item closed", "item reopened")
    }
    closed = (
        select(report.c.id, queue_item.c.queue)
        .join(report, report.c.seq == queue_item.c.report)
        .where(queue_item.c.state == "closed", queue_item.c.outcome != FLAG)
        .order_by(queue_item.c.seq)
    )
    for row in connection.execute(closed):
        if last.get((row.id, row.queue)) != "item closed":
            yield Difference(row.id, f"nobody closed its item in {row.queue}")


def _events(connection: Connection, *actions: str) -> Iterator[Row[Any]]:
    query = select(audit_event).where(audit_event.c.action.in_(actions)).order_by(audit_event.c.seq)
    yield from connection.execute(query.execution_options(yield_per=ROWS_AT_A_TIME))
