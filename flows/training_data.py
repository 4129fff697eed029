"""From labelled corpora to training examples: which corpora, which splits, which weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

import corpora
from corpora import Example
from corpora.overlap import shared
from corpora.schema import Span
from corpora.toponyms import as_example, load_toponyms
from models.data import TrainingExample, TrainingSpan
from models.entity_scores import without_article
from models.labels import URGENCIES, VIOLATIONS

# The partial labels of these corpora weigh less: they come from other registers and say little of each text.
WEIGHTS = {"awsd": 0.3, "hrdsattack": 0.5}
PIECES = {"humset_geolocation": 3, "lgl": 1}  # of a document
AWSD_SAMPLE = 5  # every fifth incident: the corpus is large and repeats itself


def training_example(example: Example) -> TrainingExample:
    """An example of any corpus as the network learns from it."""
    violations = np.array([example.violations.get(v, np.nan) for v in VIOLATIONS], dtype=np.float32)
    return TrainingExample(
        text=example.text,
        violations=violations,
        urgency=URGENCIES.index(example.urgency) if example.urgency else -1,
        spans=tuple(_span(s, example.text) for s in example.spans),
        undecided=tuple(_span(s, example.text) for s in example.undecided),
        kinds=example.annotated_kinds,
        weight=1.0 if len(example.violations) == len(VIOLATIONS) else WEIGHTS.get(example.source, 1.0),
    )


def _span(span: Span, text: str) -> TrainingSpan:
    """The mention without a leading article: some corpora mark it, our guide does not."""
    start, end = without_article(text, span.start, span.end)
    return TrainingSpan(start, end, span.kind, span.type, span.role)


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
    return found


def marked(split: corpora.splits.Split, *, root: Path) -> list[Example]:
    """Pieces of outside documents in which mentions of some kinds are marked, and nothing else is known.

    None shares seven words in a row with a passage that we labelled and hold out.
    """
    held_out = [e.text for e in corpora.load("annotated", root=root) if corpora.split(e) not in ("train", split)]
    found: list[Example] = []
    for name in ("humset_geolocation", "re3d"):
        found += _of_split(corpora.load(name, root=root), split)
    for name in ("lgl", "tr_news"):
        found += _of_split((as_example(d, source=name) for d in load_toponyms(name, root=root)), split)
    cut = {piece.id: piece for e in found for piece in pieces(e, limit=PIECES.get(e.source, 2))}
    leak = shared({ident: e.text for ident, e in cut.items()}, held_out)
    return [piece for ident, piece in cut.items() if ident not in leak]


def pieces(example: Example, *, characters: int = 900, limit: int = 2) -> list[Example]:
    """The first `limit` pieces of a long document that hold mentions, cut between paragraphs."""
    made: list[Example] = []
    start = 0
    while start < len(example.text) and len(made) < limit:
        end = example.text.rfind("\n", start + 200, start + characters)
        end = end if end > 0 else min(len(example.text), start + characters)
        spans, undecided = (_within(found, start, end) for found in (example.spans, example.undecided))
        if spans:
            made.append(
                replace(
                    example, id=f"{example.id}:{start}", text=example.text[start:end], spans=spans, undecided=undecided
                )
            )
        start = end
    return made


def _within(spans: Iterable[Span], start: int, end: int) -> tuple[Span, ...]:
    return tuple(
        replace(s, start=s.start - start, end=s.end - start) for s in spans if start <= s.start and s.end <= end
    )


def _of_split(found: Iterable[Example], split: corpora.splits.Split) -> list[Example]:
    return [e for e in found if corpora.split(e) == split]
