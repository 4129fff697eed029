"""A report's way through the house as one file that an outsider can check: `pipeline/custody/check.py` says how.

The file holds hashes, ids, times and the logins of those who acted, never text; what was decided and said only where asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from pipeline.custody.check import EVENT, FORMAT, TREES, Head, canonical
from pipeline.errors import NotFound
from pipeline.store import audit, merkle, reports
from pipeline.store.schema import (
    adjudication,
    assessment,
    audit_event,
    correction,
    exported,
    outbox,
    queue_item,
    report,
)


def prove(
    connection: Connection, ident: str, *, note: str, head: Head, contents: bool = False
) -> tuple[dict[str, Any], list[int]]:
    """The proof for a report as far as the head in the signed `note` reaches, and the events that are not in it.

    Those are later ones, and events whose line for the report cannot be put together any more. `contents` adds what was
    decided and what reviewers said, without the text. NotFound where not even the submission can be proved.
    """
    seq, found = reports.find(connection, ident)
    stretch = lru_cache(maxsize=None)(lambda start, end: merkle.root(audit.leaves(connection, start, end)))
    links: list[dict[str, Any]] = []
    unproved = []
    for event in _events(connection, seq, found.id, found.batch):
        lines = _lines(connection, event, seq) if event.action in TREES else None
        if event.seq > head.size or lines == []:
            unproved.append(event.seq)
            continue
        path = merkle.path(event.seq - 1, head.size, stretch)
        link = {"event": _as_hashed(event), "path": [part.hex() for part in path]}
        links.append(link if lines is None else {**link, "lines": lines})
    if not links or links[0]["event"]["action"] != "submit":
        raise NotFound(
            f"report {found.id} came in after the newest signed head, or before Sitrep kept what a proof needs"
        )
    proof: dict[str, Any] = {"format": FORMAT, "report": found.id, "sha256": found.sha256, "head": note, "links": links}
    if contents:
        proved = {link["event"]["body"].get("sha256") for link in links}
        proved |= {line["leaf"][3] for link in links if link["event"]["action"] == "triage" for line in link["lines"]}
        proof["contents"] = _contents(connection, seq, proved)
    return proof, unproved


def _events(connection: Connection, seq: int, ident: str, batch: str) -> Sequence[Row[Any]]:
    """All events that speak of a report, oldest first."""
    decided = select(assessment.c.created_at).where(assessment.c.report == seq)
    sent = (
        select(outbox.c.delivered_at)
        .join(queue_item, queue_item.c.seq == outbox.c.item)
        .where(queue_item.c.report == seq)
    )
    return connection.execute(
        select(audit_event)
        .where(
            or_(
                audit_event.c.subject == ident,
                and_(audit_event.c.subject == batch, audit_event.c.action == "submit"),
                and_(audit_event.c.at.in_(decided), audit_event.c.action == "triage"),
                and_(audit_event.c.at.in_(sent), audit_event.c.action == "deliver"),
                audit_event.c.seq.in_(select(exported.c.event).where(exported.c.report == seq)),
            )
        )
        .order_by(audit_event.c.seq)
    ).all()


def _lines(connection: Connection, event: Row[Any], seq: int) -> list[dict[str, Any]]:
    """The report's lines among those that an event stands for, with their paths; none where they are not the event's."""
    found = LINES[event.action](connection, event)
    leaves = [canonical(leaf) for _, leaf in found]
    root, count = TREES[event.action]
    if (merkle.root(leaves).hex(), len(leaves)) != (event.body.get(root), event.body.get(count)):
        return []

    def path(index: int) -> list[str]:
        parts = merkle.path(index, len(leaves), lambda start, end: merkle.root(leaves[start:end]))
        return [part.hex() for part in parts]

    own = [(index, leaf) for index, (owner, leaf) in enumerate(found) if owner == seq]
    return [{"leaf": leaf, "index": index, "path": path(index)} for index, leaf in own]


Lines = list[tuple[int, list[Any]]]


def _received(connection: Connection, event: Row[Any]) -> Lines:
    rows = connection.execute(
        select(report.c.seq, report.c.line, report.c.id, report.c.sha256)
        .where(report.c.batch == event.subject)
        .order_by(report.c.line)
    )
    return [(row.seq, [row.line, row.id, row.sha256]) for row in rows]


def _decided(connection: Connection, event: Row[Any]) -> Lines:
    rows = connection.execute(
        select(
            report.c.seq, report.c.sha256, assessment.c.model, assessment.c.policy, assessment.c.sha256.label("body")
        )
        .join(assessment, assessment.c.report == report.c.seq)
        .where(assessment.c.created_at == event.at, assessment.c.model == event.body["model"])
        .order_by(report.c.seq)
    )
    return [(row.seq, [row.sha256, row.model, row.policy, row.body]) for row in rows]


def _sent(connection: Connection, event: Row[Any]) -> Lines:
    rows = connection.execute(
        select(queue_item.c.report, outbox.c.idempotency_key, report.c.sha256)
        .join(queue_item, queue_item.c.seq == outbox.c.item)
        .join(report, report.c.seq == queue_item.c.report)
        .where(outbox.c.delivered_at == event.at)
        .order_by(outbox.c.seq)
    )
    return [(row.report, [row.idempotency_key, row.sha256]) for row in rows]


def _exported(connection: Connection, event: Row[Any]) -> Lines:
    rows = connection.execute(
        select(exported, report.c.id, report.c.sha256)
        .join(report, report.c.seq == exported.c.report)
        .where(exported.c.event == event.seq)
        .order_by(exported.c.report)
    )
    return [(row.report, [row.id, row.sha256, row.decision, row.review]) for row in rows]


LINES: dict[str, Callable[[Connection, Row[Any]], Lines]] = {
    "submit": _received, "triage": _decided, "deliver": _sent, "exported": _exported,
}  # fmt: skip


def _as_hashed(event: Row[Any]) -> dict[str, Any]:
    """An event as its hash covers it."""
    at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    return {key: at if key == "at" else getattr(event, key) for key in EVENT}


def _contents(connection: Connection, seq: int, proved: set[str]) -> dict[str, list[Any]]:
    """What was decided and said of a report: the bodies whose hashes were proved."""
    tables = {"decision": (assessment,), "review": (correction, adjudication)}
    return {
        kind: [
            body
            for table in chosen
            for body in connection.scalars(select(table.c.body).where(table.c.report == seq).order_by(table.c.seq))
            if reports.body_hash(body) in proved
        ]
        for kind, chosen in tables.items()
    }
