"""Results for people and programs: one line for every row received, in the order of the rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select

from pipeline.intake.mended import OURS
from pipeline.store import batches, corrections, queues, reports
from pipeline.store.documents import moment, result
from pipeline.store.schema import report

ROWS_AT_A_TIME = 500


def json_line(value: Any) -> str:
    """A value as a line of JSON Lines."""
    return json.dumps(value, ensure_ascii=False) + "\n"


def set_aside(connection: Connection, batch: str) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """The quarantined rows of a batch, each as it was received, and where it stood, the reason and the message."""
    for row in batches.quarantined(connection, batch):
        if row.reason == "erased":
            continue
        content = row.content if isinstance(row.content, dict) else {"content": row.content}
        why = {"where": row.locator, "reason": row.reason, "message": row.message}
        yield {name: value for name, value in content.items() if name not in OURS}, why


def quarantine_lines(connection: Connection, batch: str) -> Iterator[str]:
    """The quarantined rows of a batch with their original content as JSON Lines.

    A row of a table is written as its cells, so that it can be mended in place and submitted again;
    the reason stands beside it under `_quarantined`.
    """
    for content, why in set_aside(connection, batch):
        yield json_line({**content, "_quarantined": why})


def batch_results(connection: Connection, batch: str) -> Iterator[dict[str, Any]]:
    """A line for every row of a batch; accepted rows that wait for triage, or whose words were erased, say so."""
    rows = batches.lines(connection, batch)
    while chunk := list(islice(rows, ROWS_AT_A_TIME)):
        seqs = [row.report for row in chunk if row.report is not None]
        accepted = report_results(connection, [row.report for row in chunk if row.outcome == "accepted"])
        known = select(report.c.seq, report.c.id, (report.c.text == "").label("erased")).where(report.c.seq.in_(seqs))
        named = connection.execute(known).all()
        names, erased = {r.seq: r.id for r in named}, {r.seq for r in named if r.erased}
        for row in chunk:
            if row.outcome == "accepted":
                line = {"id": row.external_id or names[row.report], "report": names[row.report]}
                if row.report in erased:
                    yield {**line, "erased": True}
                else:
                    yield accepted.get(row.report, {**line, "pending": True})
            elif row.outcome == "duplicate":
                yield {
                    "id": row.external_id or f"{batch}:{row.line}",
                    "report": names[row.report],
                    "duplicate_of": names[row.report],
                }
            else:
                problem = {"reason": row.reason, "message": row.message}
                yield {"id": row.external_id or f"{batch}:{row.line}", "line": row.line, "quarantined": problem}


def report_results(connection: Connection, seqs: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The result of each triaged report, by sequence number; reports that wait are left out."""
    found = reports.load(connection, seqs)
    links = reports.corroborating(connection, seqs)
    items = queues.of_reports(connection, seqs)
    reviewed = corrections.in_force(connection, seqs)
    results = {}
    for seq, newest in reports.newest_assessments(connection, seqs).items():
        results[seq] = result(
            found[seq],
            newest.body,
            model=newest.model,
            policy=newest.policy,
            taxonomy=newest.taxonomy,
            queues=[
                {"queue": item.queue, "due": moment(item.due), "reason": item.reason} for item in items.get(seq, ())
            ],
            corroborates=links.get(seq, []),
        )
        if seq in reviewed:
            results[seq]["reviewed"] = reviewed[seq]
    return results
