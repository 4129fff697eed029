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
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in itertools.pairwise(spans))


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
        ("ÐœÐ°Ñ€Ð¸ÑƒÐ¿Ð¾Ð»ÑŒ", "Мариуполь", "mojibake"),
        ("Cело", "Село", "mixed_scripts"),
        ("\u200fقتل خمسة", "قتل خمسة", "bidi"),
    ],
)
def test_disguises_are_taken_off_and_flagged(text: str, expected: str, flag: str) -> None:
    working = normalise(text)
    assert working.text == expected
    assert flag in working.flags


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the oﬃcer opened ﬁre", "the officer opened fire"),
        ("Me\u0301naka", "Ménaka"),
        ("ｋｉｌｌｅｄ", "killed"),
        ("𝐤𝐢𝐥𝐥𝐞𝐝", "killed"),
        ("two\u00a0men", "two men"),
        ("ﻗﺘﻞ", "قتل"),
    ],
)
def test_letters_in_another_form_become_plain_ones(text: str, expected: str) -> None:
    working = normalise(text)
    assert working.text == expected
    assert working.to_original(0, len(expected)) == (0, len(text))


@pytest.mark.parametrize(
    "text",
    [
        "Жители села Вершина сообщили об обстреле",
        "Deux morts à Ménaka, « tué »…",
        "il a été tué»… puis brûlé",
        "یکی از کشته\u200cشدگان",
        "seven dead¹, 12² hurt, ½ of the camp, 3rd Bn.",
        "Øystein Ådland så på",
        "the 👨\u200d👩\u200d👧 family",
    ],
)
def test_good_writing_stays(text: str) -> None:
    assert normalise(text).text == text
    assert normalise(text).flags == ()


def test_a_span_after_removed_characters_points_to_the_right_word() -> None:
    text = "a\u200b\u200bb Ména\u200bka"
    working = normalise(text)
    start = working.text.index("Ménaka")
    assert text[slice(*working.to_original(start, start + 6))] == "Ména\u200bka"
