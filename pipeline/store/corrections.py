"""What reviewers say of a report, beside what the model said: added, never changed, never overwritten by a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from pipeline.store import audit
from pipeline.store.documents import moment
from pipeline.store.reports import body_hash
from pipeline.store.schema import correction, report


def add(
    connection: Connection, seq: int, *, reviewer: str, violations: Sequence[str], urgency: str, note: str | None,
    assessment: int, now: datetime,
) -> None:  # fmt: skip
    """Record what a reviewer decided of report `seq`, having seen that assessment."""
    body: dict[str, Any] = {"violations": list(violations), "urgency": urgency, "assessment": assessment}
    connection.execute(insert(correction).values(report=seq, reviewer=reviewer, at=now, body=body, note=note or None))
    subject = connection.execute(select(report.c.id).where(report.c.seq == seq)).scalar_one()
    audit.append(
        connection, at=now, actor=reviewer, action="reviewed", subject=subject, body={"sha256": body_hash(body)}
    )


def of_report(connection: Connection, seq: int) -> list[Row[Any]]:
    """All that reviewers said of a report, oldest first; the last one is in force."""
    return list(connection.execute(select(correction).where(correction.c.report == seq).order_by(correction.c.seq)))


def in_force(connection: Connection, seqs: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """The latest word of a reviewer on each report that has one, as results carry it."""
    newest = select(func.max(correction.c.seq)).where(correction.c.report.in_(seqs)).group_by(correction.c.report)
    return {
        row.report: {
            "by": row.reviewer,
            "at": moment(row.at),
            "violations": row.body["violations"],
            "urgency": row.body["urgency"],
        }
        for row in connection.execute(select(correction).where(correction.c.seq.in_(newest)))
    }
