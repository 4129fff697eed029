"""Labelled reports as gold files, and as input: what a scorer compares the results of `sitrep run` with.

>>> row = gold_row(load("authored")[0])
>>> sorted(row)
['actors', 'dates', 'id', 'places', 'report_date', 'text', 'urgency', 'violations']

Only texts with every violation and the urgency decided can be gold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TextIO

from corpora.loaders import load
from corpora.schema import Example, Kind
from pipeline.taxonomy import load_taxonomy

__all__ = ["gold_row", "input_row", "load", "write"]


def gold_row(example: Example) -> dict[str, Any]:
    """An example as gold; ValueError where a violation or the urgency is undecided."""
    if example.urgency is None or set(example.violations) != set(load_taxonomy().violation_ids):
        raise ValueError(f"{example.id}: not every label is decided")
    day = example.report_date.isoformat() if example.report_date else None
    return {
        "id": example.id,
        "text": example.text,
        "report_date": day,
        "violations": sorted(example.positive),
        "urgency": example.urgency,
        "places": _spans(example, "P", "iso2"),
        "actors": _spans(example, "A", "type", "role"),
        "dates": _spans(example, "D", "iso"),
    }


def input_row(example: Example) -> dict[str, Any]:
    """An example as a report to be triaged, without its labels."""
    return {key: value for key, value in gold_row(example).items() if key in ("id", "text", "report_date") and value}


def write(rows: Iterable[dict[str, Any]], stream: TextIO) -> int:
    """Rows as JSON Lines; their number."""
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    stream.writelines(lines)
    return len(lines)


def _spans(example: Example, kind: Kind, *keys: str) -> list[dict[str, Any]]:
    return [
        {"start": s.start, "end": s.end, "text": example.text[s.start : s.end]} | {key: getattr(s, key) for key in keys}
        for s in example.spans
        if s.kind == kind
    ]
