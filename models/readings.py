"""From the network's outputs to readings: pooling of windows, evidence per sentence, tagged spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.labels import ACTOR_ROLES, ACTOR_TYPES, TAGS, URGENCIES, VIOLATIONS
from models.windows import Window
from pipeline.classify.calibration import Platt
from pipeline.classify.sentences import sentence_spans
from pipeline.report import Reading, SentenceScore, Tag

Array = NDArray[np.float32]
LABELS = len(VIOLATIONS) + len(URGENCIES) - 1
# Taken off the logit of "outside" before a tag is chosen: a missed mention costs more than a doubtful
# one. Chosen on the validation split of our own corpus.
OUTSIDE_BIAS = np.array([0.5, 0, 0, 0, 0, 0, 0], dtype=np.float32)
_TYPES_FROM, _ROLES_FROM = len(TAGS), len(TAGS) + len(ACTOR_TYPES)


@dataclass(frozen=True)
class WindowOutput:
    """Logits *(19,)*, contributions *(tokens, 19)* and token logits *(tokens, 23)* of one window."""

    window: Window
    logits: Array
    contributions: Array
    tokens: Array


def reading(text: str, outputs: Sequence[WindowOutput], calibration: Platt) -> Reading:
    """The reading of one text from the outputs of its windows; a label is as likely as in its best window."""
    logits = np.max([o.logits for o in outputs], axis=0)
    probabilities = calibration(logits[None].astype(np.float64))[0]
    return Reading(
        violations=dict(zip(VIOLATIONS, map(float, probabilities[: len(VIOLATIONS)]), strict=True)),
        urgency=urgency_probabilities(probabilities[len(VIOLATIONS) :]),
        sentences=_sentences(text, outputs),
        tags=tuple(tag for output in outputs for tag in _tags(text, output)),
    )


def urgency_probabilities(at_least: NDArray[np.float64]) -> dict[str, float]:
    """Probabilities of the four levels, highest first, from those of "at least medium, high, critical"."""
    bounds = [1.0, *np.minimum.accumulate(at_least), 0.0]
    levels = {level: float(bounds[i] - bounds[i + 1]) for i, level in enumerate(URGENCIES)}
    return {level: levels[level] for level in reversed(URGENCIES)}


def _sentences(text: str, outputs: Sequence[WindowOutput]) -> tuple[SentenceScore, ...]:
    """What each sentence adds to each label, in the window where it adds most."""
    spans = sentence_spans(text)
    if not spans:
        return ()
    ends = np.array([end for _, end in spans])
    scores = np.zeros((len(spans), LABELS), dtype=np.float64)
    for output in outputs:
        starts = np.array([start for start, _ in output.window.offsets])
        widths = np.array([end - start for start, end in output.window.offsets])
        owner = np.minimum(np.searchsorted(ends, starts, side="right"), len(spans) - 1)
        here = np.zeros_like(scores)
        np.add.at(here, owner[widths > 0], output.contributions[widths > 0])
        scores = np.where(np.abs(here) > np.abs(scores), here, scores)
    return tuple(
        SentenceScore(
            start, end, dict(zip(VIOLATIONS, row[: len(VIOLATIONS)], strict=True)), float(sum(row[len(VIOLATIONS) :]))
        )
        for (start, end), row in zip(spans, scores.tolist(), strict=True)
    )


def _tags(text: str, output: WindowOutput) -> list[Tag]:
    """Spans of the tokens that this window answers for, widened to whole words."""
    window = output.window
    best = (output.tokens[:, : len(TAGS)] - OUTSIDE_BIAS).argmax(axis=1)
    spans: list[tuple[str, list[int]]] = []
    previous = None
    for position in range(window.first, window.last):
        tag = TAGS[best[position]]
        start, _ = window.offsets[position]
        inside_word = position > 1 and window.offsets[position - 1][1] == start and text[start : start + 1].isalnum()
        if tag == "O":
            if previous and inside_word and text[start - 1].isalnum():
                spans[-1][1].append(position)  # the end of a word whose start is tagged
            else:
                previous = None
            continue
        kind = tag[2]
        if previous == kind and (tag[0] == "I" or (inside_word and text[start - 1].isalnum())):
            spans[-1][1].append(position)
        else:
            spans.append((kind, [position]))
        previous = kind
    tags = (_tag(text, kind, positions, output) for kind, positions in _joined(text, spans, output))
    return [tag for tag in tags if tag is not None]


_EDGE_WORDS = frozenset(
    ["of", "the", "a", "an", "and", "in", "at", "by", "from", "for", "to", "on", "de", "du", "des", "la", "le", "les"]
)


def _joined(text: str, spans: Sequence[tuple[str, list[int]]], output: WindowOutput) -> list[tuple[str, list[int]]]:
    """Spans of one kind with only a space, a hyphen or an apostrophe between them are one mention."""
    offsets = output.window.offsets
    joined: list[tuple[str, list[int]]] = []
    for kind, positions in spans:
        if joined and joined[-1][0] == kind:
            gap = text[offsets[joined[-1][1][-1]][1] : offsets[positions[0]][0]]
            if gap in _WITHIN_A_MENTION:
                joined[-1][1].extend(positions)
                continue
        joined.append((kind, list(positions)))
    return joined


_WITHIN_A_MENTION = ("", " ", "-", "'", "’")


def _tag(text: str, kind: str, positions: list[int], output: WindowOutput) -> Tag | None:
    """A span as a tag, without prepositions and articles at its edges; None where nothing else is left."""
    offsets = output.window.offsets
    while positions and text[slice(*offsets[positions[0]])].lower() in _EDGE_WORDS:
        positions = positions[1:]
    while positions and text[slice(*offsets[positions[-1]])].lower() in _EDGE_WORDS:
        positions = positions[:-1]
    if not positions:
        return None
    start, end = offsets[positions[0]][0], offsets[positions[-1]][1]
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    if not any(c.isalnum() for c in text[start:end]):
        return None
    logits = output.tokens[positions]
    score = float(_softmax(logits[:, : len(TAGS)]).max(axis=1).mean())
    if kind != "A":
        return Tag(start, end, kind, score)  # type: ignore[arg-type]
    types = _softmax(logits[:, _TYPES_FROM:_ROLES_FROM]).mean(axis=0)
    roles = _softmax(logits[:, _ROLES_FROM:]).mean(axis=0)
    return Tag(
        start, end, "A", score, ACTOR_TYPES[int(types.argmax())], float(types.max()), ACTOR_ROLES[int(roles.argmax())],
        float(roles.max()),
    )  # fmt: skip


def _softmax(logits: Array) -> Array:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))
