"""Texts that we wrote, and outside texts that we read: every violation and the urgency decided by the guide."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from corpora.markup import parse
from corpora.passages import passages
from corpora.registry import DOUBTFUL
from corpora.schema import Example, Span, text_hash
from corpora.splits import groups
from pipeline.taxonomy import load_taxonomy


def authored() -> Iterator[Example]:
    """Our own synthetic reports, with all labels and spans."""
    yield from _authored()


@cache
def _authored() -> tuple[Example, ...]:
    taxonomy = load_taxonomy()
    found: list[Example] = []
    for path in sorted(files("corpora").joinpath("authored").iterdir(), key=lambda p: p.name):
        if path.name.endswith(".txt"):
            found += parse(path.read_text(encoding="utf-8"), name=path.name, taxonomy=taxonomy)
    return tuple(found)


def our_labels(name: str) -> dict[str, dict[str, Any]]:
    """Our labels of outside texts, by the SHA-256 of the text."""
    source = files("corpora").joinpath("annotations", f"{name}.jsonl")
    return {row["sha256"]: row for row in map(json.loads, source.read_text(encoding="utf-8").splitlines())}


def annotated(root: Path) -> Iterator[Example]:
    """Passages of reports and bulletins that were read and labelled by the guide."""
    labels = {**our_labels("to_annotate"), **our_labels("passages")}
    for file in ("passages.jsonl", "to_annotate.jsonl"):
        with (root / "annotated" / file).open(encoding="utf-8") as stream:
            for row in map(json.loads, stream):
                if (label := labels.get(text_hash(row["text"]))) is not None:
                    yield _labelled(row["id"], row["text"], row["source"], _day(row.get("report_date")), label)


def incidents(root: Path) -> Iterator[Example]:
    """Incident notes and news that were read and labelled by the guide, found again by their hashes."""
    labels = our_labels("incidents")
    seen: set[str] = set()
    for source, text in passages(root):
        sha256 = text_hash(text)
        if (label := labels.get(sha256)) is not None and sha256 not in seen:
            seen.add(sha256)
            yield _labelled(f"incident-{sha256[:10]}", text, source, _day(label.get("report_date")), label)


@cache
def our_spans() -> dict[str, tuple[Span, ...]]:
    """Mentions that we marked in outside texts, all kinds completely, by the SHA-256 of the text: offsets, no words."""
    return {
        sha256: tuple(Span(start, end, kind, type=of[0] if of else None, role=of[1] if of else None)
                      for start, end, kind, *of in row["spans"])
        for sha256, row in our_labels("spans").items()
    }  # fmt: skip


def _labelled(ident: str, text: str, source: str, day: date | None, label: dict[str, Any]) -> Example:
    unsure, marked = set(label.get("unsure", ())), our_spans().get(label["sha256"])
    values = {}
    for violation in load_taxonomy().violation_ids:
        reported = violation in label["violations"]
        values[violation] = DOUBTFUL[reported] if violation in unsure else float(reported)
    return Example(
        id=ident,
        text=text,
        source=source,
        group=groups().get(text_hash(text), ident),
        report_date=day,
        violations=values,
        urgency=label["urgency"],
        claims=label.get("claim", {}),
        spans=marked or (),
        annotated_kinds=frozenset() if marked is None else frozenset({"P", "A", "D"}),
    )


def _day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None
