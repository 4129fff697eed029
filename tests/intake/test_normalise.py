"""The working text and its map to the original."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.intake import normalise

TRICKY = st.text(alphabet=st.sampled_from("abc АВс éÃ©â\u200b\u200d\u202e\u2066\ufeffＡﬁ \n١"), max_size=60) | st.text(
    max_size=60
)


@given(TRICKY)
def test_every_span_maps_to_a_span_of_the_original(text: str) -> None:
    working = normalise(text)
    for start in range(len(working.text)):
        for end in (start + 1, len(working.text)):
            first, last = working.to_original(start, end)
            assert 0 <= first < last <= len(text)


@given(TRICKY)
def test_positions_keep_their_order(text: str) -> None:
    working = normalise(text)
    spans = [working.to_original(i, i + 1) for i in range(len(working.text))]
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_plain_text_is_left_alone(text: str) -> None:
    assert normalise(text).text == text
    assert normalise(text).flags == ()


@given(TRICKY)
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once or "Ã" in once or "â" in once


@pytest.mark.parametrize(
    ("text", "expected", "flag"),
    [
        ("kill\u200bed", "killed", "zero_width"),
        ("\u202eattack\u202c", "attack", "bidi"),
        ("Вamako", "Bamako", "mixed_scripts"),
        ("MÃ©naka", "Ménaka", "mojibake"),
        ("the armyâ€™s", "the army’s", "mojibake"),
    ],
)
def test_disguises_are_taken_off_and_flagged(text: str, expected: str, flag: str) -> None:
    working = normalise(text)
    assert working.text == expected
    assert flag in working.flags


def test_words_of_another_script_stay() -> None:
    text = "Жители села Вершина сообщили об обстреле"
    assert normalise(text).text == text


def test_a_span_after_removed_characters_points_to_the_right_word() -> None:
    text = "a\u200b\u200bb Ména\u200bka"
    working = normalise(text)
    start = working.text.index("Ménaka")
    assert text[slice(*working.to_original(start, start + 6))] == "Ména\u200bka"
