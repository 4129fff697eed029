"""Which stretches of a text are taken already."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable


class Taken:
    """Stretches that do not overlap, as *(start, end)*; whether another is free of them takes the logarithm of their number.

    A text can be made of nothing but dates: comparing each with all others would take hours.
    """

    def __init__(self, stretches: Iterable[tuple[int, int]] = ()) -> None:
        ordered = sorted(stretches)
        self._starts, self._ends = [start for start, _ in ordered], [end for _, end in ordered]

    def is_free(self, start: int, end: int) -> bool:
        at = bisect_left(self._starts, end)
        return at == 0 or self._ends[at - 1] <= start

    def add(self, start: int, end: int) -> None:
        at = bisect_left(self._starts, start)
        self._starts.insert(at, start)
        self._ends.insert(at, end)
