"""Fingerprints."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.intake import duplicates, fingerprint, fingerprints, similarity, tells_nothing_new

TEXT = (
    "Armed men on motorcycles entered the village at dusk, shot seven farmers at the well and burnt the granaries "
    "before they left towards the north; survivors walked to the town and slept in the school yard"
)


def test_dress_does_not_matter() -> None:
    assert fingerprint(TEXT).normalised_sha256 == fingerprint(TEXT.upper().replace(",", " ;")).normalised_sha256


def test_disguise_does_not_matter() -> None:
    disguised = TEXT.replace("men", "m\u200ben").replace("Armed", "Аrmed").replace("village", "ｖillage")
    assert disguised != TEXT
    assert fingerprint(disguised) == fingerprint(TEXT)


def test_letter_and_accent_are_one_letter() -> None:
    assert fingerprint("Me\u0301naka") == fingerprint("Ménaka")


def test_near_duplicates_share_a_band_and_score_high() -> None:
    other = TEXT + " overnight"
    a, b = fingerprint(TEXT), fingerprint(other)
    assert set(a.bands) & set(b.bands)
    assert similarity(a.signature, b.signature) > 0.8


def test_other_reports_score_low() -> None:
    other = "The commission opened its polling stations late and voters waited in the rain without any incident at all"
    assert similarity(fingerprint(TEXT).signature, fingerprint(other).signature) < 0.1


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("Armed men abducted seven farmers near Bankass on 13 February, and one_more.", "ddb7c00e635b54b1"),
        ("Trois hommes armés ont enlevé l’enseignant de Sévaré.", "736d27de92a265e9"),
    ],
)
def test_fingerprints_are_those_that_stores_hold(text: str, digest: str) -> None:
    found = fingerprint(text)
    held = repr((found.normalised_sha256, found.bands, found.signature.hex()))
    assert hashlib.sha256(held.encode()).hexdigest()[:16] == digest


FORM = (
    "Patrol report. The team spoke with the village chief and with health workers. Armed men on motorbikes came at night "
    "and took one man from his house; his family has not heard of him since. The place is Tessit, the man is a teacher."
)


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("Tessit", "Labbezanga"),
        ("one man", "two men"),
        ("has not heard", "has heard"),
        ("since", "since he was released"),
        ("teacher.", "teacher. He later died."),
        ("one man", "1 man"),
    ],
)
def test_another_name_figure_or_outcome_is_news(word: str, other: str) -> None:
    assert not tells_nothing_new(FORM, FORM.replace(word, other))
    assert not tells_nothing_new(FORM.replace(word, other), FORM)


@pytest.mark.parametrize(
    ("word", "other"), [("at night", "by night"), ("Tessit", "TESSIT"), (".", " ."), ("came", "came overnight")]
)
def test_a_word_that_weighs_nothing_is_none(word: str, other: str) -> None:
    assert tells_nothing_new(FORM, FORM.replace(word, other))


def test_where_no_letter_is_a_capital_any_word_may_be_a_name() -> None:
    assert not tells_nothing_new("خطف مسلحون معلما قرب بانكاس", "خطف مسلحون معلما قرب غاو")


@given(
    st.lists(
        st.sampled_from([TEXT, TEXT[:90], "Сожгли школу – снова.", "", "so\u200b few"]) | st.text(max_size=60),
        max_size=8,
    )
)
def test_neighbours_do_not_matter(texts: list[str]) -> None:
    assert fingerprints(texts) == [fingerprint(text) for text in texts]


def test_many_texts_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{TEXT} {n}" for n in range(9)]
    whole = fingerprints(texts)
    monkeypatch.setattr(duplicates, "TOGETHER", 70)
    assert fingerprints(texts) == whole
