"""The sift never holds back a pattern that matches: on the grammar's own words, on odd characters, on our reports."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corpora
from pipeline.extract.coordinates import _FORMS
from pipeline.extract.counts import _BARE, _COUNT
from pipeline.extract.dates.grammar import RULES
from pipeline.extract.sift import Sift, wider

PATTERNS = [*(rule.pattern for rule in RULES), *(pattern for _, pattern in _FORMS), _COUNT, _BARE]
SIFT = Sift(PATTERNS)
# Letters that `re` takes for others, figures and spaces outside ASCII, a half of a pair that no UTF-8 has.
ODD = "İıſK٣۴\u0663\u00a0\u2009\u1680\x1c\x0b\u2028éÉäß\ud800’–/_"
WORDS = ["12", "3", "2024", "March", "sunday", "yesterday", "ago", "days", "Killed", "five", "people", "N", "E", "at"]
SPACED = st.lists(st.sampled_from([*WORDS, *ODD]), max_size=12)


def matching(text: str) -> set[int]:
    return {number for number, pattern in enumerate(PATTERNS) if pattern.search(text)}


@cache
def words_of(number: int) -> st.SearchStrategy[str]:
    return st.from_regex(PATTERNS[number])


@settings(max_examples=60)
@given(st.integers(0, len(PATTERNS) - 1), SPACED, st.data())
def test_what_a_pattern_matches_passes_the_sift(number: int, around: list[str], data: st.DataObject) -> None:
    words = data.draw(words_of(number))
    for text in (words, f"{' '.join(around)} {words}", words.upper()):
        assert not PATTERNS[number].search(text) or number in SIFT.possible(text)


@given(SPACED.flatmap(lambda words: st.sampled_from(["", " ", "-"]).map(lambda space: space.join(words))) | st.text())
def test_no_text_hides_a_match(text: str) -> None:
    assert matching(text) <= set(SIFT.possible(text))


def test_our_reports_lose_nothing_and_most_patterns_are_spared() -> None:
    texts = [example.text for example in corpora.load("authored")][::16]
    passed = [(set(SIFT.possible(text)), matching(text)) for text in texts]
    assert all(found <= possible for possible, found in passed)
    assert sum(len(possible) for possible, _ in passed) < 0.1 * len(PATTERNS) * len(texts)


@pytest.mark.parametrize("pattern", ["[^a]b", r"\Wb", "a.b", "^a", "a$", r"\Bb"])
def test_what_the_sift_cannot_widen_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="cannot be sifted"):
        wider(pattern)


def test_where_re2_gives_no_answer_all_may_match(monkeypatch: pytest.MonkeyPatch) -> None:
    starved = Sift([re.compile("days ago"), re.compile("weeks ago")])
    monkeypatch.setattr("re2.Set.Match", lambda self, text: None)  # what it returns where its memory is used up
    assert starved.possible("three days ago") == [0, 1]
