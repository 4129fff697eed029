"""A shadow run: what a version of the model would say of reports that were triaged already. Nothing is stored."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from flows.workspace import Workspace
from models.cpu import OpenVinoModel
from pipeline.route import route
from pipeline.store import batches, queues, reports
from pipeline.store.schema import report as report_table
from pipeline.triage import assess

MOST_REPORTS = 1000


def shadow(opened: Workspace, candidate: Path) -> dict[str, Any]:
    """What the candidate would change in the last batch, in counts: types, urgency, queues. No text, no report ids."""
    from sqlalchemy import select

    with opened.store.read() as connection:
        last = batches.recent(connection, limit=1)
        newest = (
            list(connection.scalars(
                select(report_table.c.seq).where(report_table.c.batch == last[0]).order_by(report_table.c.seq).limit(MOST_REPORTS)
            )) if last else []
        )  # fmt: skip
        loaded, said = reports.load(connection, newest), reports.newest_assessments(connection, newest)
        present = {seq: {i.queue for i in items} for seq, items in queues.of_reports(connection, newest).items()}
    known = [seq for seq in newest if seq in said]
    rooms = replace(opened.rooms, model=OpenVinoModel.load(candidate))
    added, dropped, moved, into, out_of = Counter[str](), Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    touched = 0
    for seq, new in zip(known, assess([loaded[seq] for seq in known], rooms), strict=True):
        body = said[seq].body
        before = {v["id"] for v in body["violations"] if v["decided"]}
        added.update(new.decided - before)
        dropped.update(before - new.decided)
        levels = ((body["urgency"] or {}).get("id"), new.urgency.id if new.urgency else None)
        if levels[0] != levels[1]:
            moved[f"{levels[0]} to {levels[1]}"] += 1
        where = {item.queue for item in route(loaded[seq], new, rooms.policy, taxonomy=rooms.taxonomy)}
        into.update(where - present.get(seq, set()))
        out_of.update(present.get(seq, set()) - where)
        touched += before != new.decided or levels[0] != levels[1]
    return {
        "batch": last[0] if last else None,
        "reports": len(known),
        "touched_reports": touched,
        "changed_types": sum(added.values()) + sum(dropped.values()),
        "changed_urgency": sum(moved.values()),
        "types_added": dict(added),
        "types_dropped": dict(dropped),
        "urgency": dict(moved),
        "queues_gained": dict(into),
        "queues_lost": dict(out_of),
    }
