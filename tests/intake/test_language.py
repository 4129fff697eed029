"""Many texts at once are taken for what each alone is taken for, and py3langid takes it for."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from pipeline.intake import identify, identify_all
from pipeline.intake.language import CHARACTERS_READ

TEXTS = [
    "Armed men abducted seven farmers near Bankass on 13 February.", "Des hommes armés ont attaqué le village hier soir.",
    "هاجم مسلحون قرية قرب غاو وأحرقوا منازل.", "Вооружённые люди напали на деревню.", "SOLDIERS BURNT TEN HOUSES IN RANN",
    "Hombres armados secuestraron a dos maestros.", "bandits just carry 11 of our people for Kankara road", "abc",
]  # fmt: skip
reference = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def test_texts_are_taken_for_what_the_library_takes_them_for() -> None:
    rng = random.Random(3)
    words = [word for text in TEXTS for word in text.split()]
    mixed = [" ".join(rng.choices(words, k=rng.randint(1, 90))) for _ in range(60)]
    for text, (language, confidence) in zip(TEXTS + mixed, identify_all(TEXTS + mixed), strict=True):
        if language == "und":  # hardly any letters: the library is not asked
            continue
        expected, likelihood = reference.classify(text[:CHARACTERS_READ])
        assert abs(confidence - likelihood) < 1e-4
        assert language == expected or likelihood < 0.5  # two as likely as each other


@given(st.lists(st.sampled_from(TEXTS) | st.text(max_size=40), max_size=8))
def test_neighbours_do_not_matter(texts: list[str]) -> None:
    assert identify_all(texts) == [identify(text) for text in texts]
