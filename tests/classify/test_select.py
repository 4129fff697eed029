"""What a person is asked to look at next."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.classify.select import choose


def test_doubt_comes_before_certainty() -> None:
    assert choose(np.array([[0.01, 0.01], [0.5, 0.01], [0.02, 0.0]]), positives=np.zeros(2), count=1) == [1]


def test_a_label_with_few_examples_comes_before_one_with_many() -> None:
    assert choose(np.array([[0.6, 0.0], [0.0, 0.5]]), positives=np.array([200.0, 1.0]), count=1) == [1]


def test_the_second_one_is_not_the_first_ones_twin() -> None:
    p = np.array([[0.5, 0.5, 0.0], [0.5, 0.49, 0.0], [0.0, 0.1, 0.5]])
    assert choose(p, positives=np.zeros(3), count=2) == [0, 2]


@given(
    p=arrays(np.float64, st.tuples(st.integers(0, 20), st.just(4)), elements=st.floats(0, 1)), count=st.integers(0, 30)
)
def test_as_many_different_reports_as_there_are(p: np.ndarray, count: int) -> None:
    found = choose(p, positives=np.zeros(4), count=count)
    assert len(found) == len(set(found)) == min(count, len(p))
