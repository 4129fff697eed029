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

    `kinds` names the kinds of mention that are completely marked in `spans`. Where models have `taught` the text, nobody
    has labelled it: `violations` are their probabilities.
    """

    text: str
    violations: NDArray[np.float32]
    urgency: int = -1
    spans: tuple[TrainingSpan, ...] = ()
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


def _token_labels(
    example: TrainingExample, offsets: Sequence[tuple[int, int]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    if example.taught:
        return example.taught.tags, example.taught.types, example.taught.roles
    tags = np.full(len(offsets), 0 if len(example.kinds) == 3 else IGNORE, dtype=np.int64)
    types = np.full(len(offsets), IGNORE, dtype=np.int64)
    roles = np.full(len(offsets), IGNORE, dtype=np.int64)
    for position, (start, end) in enumerate(offsets):
        if start == end:
            tags[position] = IGNORE
            continue
        for span in example.spans:
            if start < span.end and end > span.start:
                begins = start <= span.start or (position > 0 and offsets[position - 1][1] <= span.start)
                tags[position] = TAGS.index(("B-" if begins else "I-") + span.kind)
                if span.type:
                    types[position] = ACTOR_TYPES.index(span.type)
                if span.role:
                    roles[position] = ACTOR_ROLES.index(span.role)
                break
        else:
            # A place that is not marked where places are marked completely is at least no place; what
            # else it may be is unknown, so only texts with all three kinds teach "outside".
            if example.kinds == {"P"}:
                tags[position] = NOT_A_PLACE
    return tags, types, roles


NOT_A_PLACE = -1  # the loss asks for neither B-P nor I-P
