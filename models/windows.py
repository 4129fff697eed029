"""Long texts in overlapping windows, so that nothing is cut; and which window answers for which token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WINDOW, OVERLAP = 256, 64


@dataclass(frozen=True)
class Window:
    """Token ids with the start and end markers, and the character span of each (markers: empty).

    Tokens from `first` up to `last` are answered for by this window, the others by its neighbours.
    """

    text: int
    ids: list[int]
    offsets: list[tuple[int, int]]
    first: int
    last: int


def windows(
    text: int, ids: Sequence[int], offsets: Sequence[tuple[int, int]], *, start_id: int, end_id: int
) -> list[Window]:
    """The windows of a text's tokens (given without markers). Every token is answered for exactly once."""
    room = WINDOW - 2
    starts = [0]
    while starts[-1] + room < len(ids):
        starts.append(starts[-1] + room - OVERLAP)
    made = []
    for number, start in enumerate(starts):
        end = min(len(ids), start + room)
        first = 0 if number == 0 else OVERLAP // 2
        last = end - start if end == len(ids) else end - start - OVERLAP // 2
        made.append(
            Window(
                text,
                [start_id, *ids[start:end], end_id],
                [(0, 0), *offsets[start:end], (0, 0)],
                first + 1,
                last + 1,
            )
        )
    return made
