"""From labelled corpora to training examples: which corpora, which splits, which weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

import corpora
from corpora import Example
from models.data import TrainingExample, TrainingSpan
from models.labels import URGENCIES, VIOLATIONS

# Texts of these corpora weigh less: they come from other registers, and their own labels say little of each. That holds
# for their passages that we labelled in full too; so the shipped weights were trained.
WEIGHTS = {"awsd": 0.3, "hrdsattack": 0.5}
AWSD_SAMPLE = 5  # every fifth incident: the corpus is large and repeats itself


def training_example(example: Example) -> TrainingExample:
    """An example of any corpus as the network learns from it."""
    violations = np.array([example.violations.get(v, np.nan) for v in VIOLATIONS], dtype=np.float32)
    return TrainingExample(
        text=example.text,
        violations=violations,
        urgency=URGENCIES.index(example.urgency) if example.urgency else -1,
        spans=tuple(TrainingSpan(s.start, s.end, s.kind, s.type, s.role) for s in example.spans),
        kinds=example.annotated_kinds,
        weight=WEIGHTS.get(example.source, 1.0),
    )


def examples(split: corpora.splits.Split, *, root: Path | None, full_labels: bool = False) -> list[Example]:
    """The examples of a split from our own corpus and, where `root` is given, the outside ones.

    `full_labels` leaves out corpora that label only part of what we ask.
    """
    found = [e for e in corpora.load("authored") if corpora.split(e) == split]
    if root is None:
        return found
    found += _of_split(corpora.load("annotated", root=root), split)
    if split == "train":
        found += _of_split(corpora.load("incidents", root=root), split)
    if not full_labels:
        found += _of_split(corpora.load("hrdsattack", root=root), split)
        found += _of_split(corpora.load("awsd", root=root)[::AWSD_SAMPLE], split)
        found += [piece for e in _of_split(corpora.load("humset_geolocation", root=root), split) for piece in pieces(e)]
    return found


def pieces(example: Example, *, characters: int = 900, limit: int = 2) -> list[Example]:
    """The first `limit` pieces of a long document that hold mentions, cut between paragraphs."""
    made: list[Example] = []
    start = 0
    while start < len(example.text) and len(made) < limit:
        end = example.text.rfind("\n", start + 200, start + characters)
        end = end if end > 0 else min(len(example.text), start + characters)
        spans = tuple(
            replace(s, start=s.start - start, end=s.end - start)
            for s in example.spans
            if start <= s.start and s.end <= end
        )
        if spans:
            made.append(replace(example, id=f"{example.id}:{start}", text=example.text[start:end], spans=spans))
        start = end
    return made


def _of_split(found: Iterable[Example], split: corpora.splits.Split) -> list[Example]:
    return [e for e in found if corpora.split(e) == split]
