"""Training examples, and their tokens with labels aligned. Unknown labels are masked, never negative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.labels import ACTOR_ROLES, ACTOR_TYPES, TAGS

IGNORE = -100  # what torch's cross entropy leaves out


@dataclass(frozen=True)
class TrainingSpan:
    """A mention; `kind` is P, A or D."""

    start: int
    end: int
    kind: str
    type: str | None = None
    role: str | None = None


@dataclass(frozen=True)
class Taught:
    """What teachers say of a text: *(3,)* probabilities of "at least this urgent", and *(tokens,)* labels."""

    at_least: NDArray[np.float32]
    tags: NDArray[np.int64]
    types: NDArray[np.int64]
    roles: NDArray[np.int64]


@dataclass(frozen=True)
class TrainingExample:
    """A text with labels: `violations` has NaN where unknown, `urgency` is -1 where unknown.

    `kinds` names the kinds of mention that are completely marked in `spans`, apart from what is `undecided`. Where models
    have `taught` the text, nobody has labelled it: `violations` are their probabilities.
    """

    text: str
    violations: NDArray[np.float32]
    urgency: int = -1
    spans: tuple[TrainingSpan, ...] = ()
    undecided: tuple[TrainingSpan, ...] = ()
    kinds: frozenset[str] = field(default_factory=frozenset)
    weight: float = 1.0
    taught: Taught | None = None


@dataclass(frozen=True)
class Encoded:
    """Token ids with the label of each token: *(tokens,)* arrays."""

    ids: list[int]
    tags: NDArray[np.int64]
    types: NDArray[np.int64]
    roles: NDArray[np.int64]


def encode(examples: Sequence[TrainingExample], *, tokenizer: Any, max_tokens: int) -> list[Encoded]:
    """Token ids and token labels of each example, cut at `max_tokens`."""
    encodings = tokenizer.encode_batch([example.text for example in examples])
    encoded = []
    for example, encoding in zip(examples, encodings, strict=True):
        ids, offsets = encoding.ids, encoding.offsets
        if len(ids) > max_tokens:
            ids, offsets = [*ids[: max_tokens - 1], ids[-1]], [*offsets[: max_tokens - 1], (0, 0)]
        encoded.append(Encoded(ids, *_token_labels(example, offsets)))
    return encoded


def allowed_tags() -> NDArray[np.bool_]:
    """Which tags a token's label leaves open: *(labels, tags)*, the row of a label is `label + PARTIAL`."""
    rows = np.ones((PARTIAL + len(TAGS), len(TAGS)), dtype=bool)
    rows[PARTIAL:] = np.eye(len(TAGS), dtype=bool)
    for absent in range(1, PARTIAL + 1):
        for kind, bit in _BITS.items():
            if absent & bit:
                rows[PARTIAL - absent, [TAGS.index(f"B-{kind}"), TAGS.index(f"I-{kind}")]] = False
    return rows


_BITS = {"P": 1, "A": 2, "D": 4}
PARTIAL = (
    sum(_BITS.values()) - 1
)  # partial labels, -1 to -6: the sum, negated, of the bits of the kinds that a token is not


def _token_labels(
    example: TrainingExample, offsets: Sequence[tuple[int, int]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    if example.taught:
        return example.taught.tags, example.taught.types, example.taught.roles
    tags = np.full(len(offsets), IGNORE, dtype=np.int64)
    types = np.full(len(offsets), IGNORE, dtype=np.int64)
    roles = np.full(len(offsets), IGNORE, dtype=np.int64)
    for position, (start, end) in enumerate(offsets):
        if start == end:
            continue
        doubtful = {s.kind for s in example.undecided if start < s.end and end > s.start}
        for span in example.spans:
            if span.kind not in doubtful and start < span.end and end > span.start:
                begins = start <= span.start or (position > 0 and offsets[position - 1][1] <= span.start)
                tags[position] = TAGS.index(("B-" if begins else "I-") + span.kind)
                if span.type:
                    types[position] = ACTOR_TYPES.index(span.type)
                if span.role:
                    roles[position] = ACTOR_ROLES.index(span.role)
                break
        else:
            # What is not marked is no mention of the kinds that are completely marked; what else it may be is unknown.
            if known := example.kinds - doubtful:
                tags[position] = 0 if len(known) == len(_BITS) else -sum(_BITS[kind] for kind in known)
    return tags, types, roles
