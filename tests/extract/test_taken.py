"""Stretches that are taken: told as by comparing each with all others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.taken import Taken

STRETCHES = st.tuples(st.integers(0, 30), st.integers(1, 5)).map(lambda s: (s[0], s[0] + s[1]))


@given(st.lists(STRETCHES, max_size=20))
def test_a_stretch_is_free_where_it_overlaps_none_that_was_added(asked: list[tuple[int, int]]) -> None:
    taken, added = Taken(), list[tuple[int, int]]()
    for start, end in asked:
        free = all(end <= first or start >= last for first, last in added)
        assert taken.is_free(start, end) == Taken(added).is_free(start, end) == free
        if free:
            taken.add(start, end)
            added.append((start, end))
