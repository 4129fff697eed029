"""Decisions, sentences, claims and calibration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.classify import DecisionRules, decide
from pipeline.classify.calibration import conformal_threshold, expected_calibration_error, fit_platt, sigmoid
from pipeline.classify.claims import claim_status
from pipeline.classify.sentences import sentence_spans
from pipeline.report import Reading, SentenceScore

RULES = DecisionRules(
    thresholds={"a": 0.5, "b": 0.5}, doubtful={"a": 0.3, "b": 0.3}, urgency_thresholds=(0.5, 0.5, 0.5), urgent_doubt=0.2
)
TEXT = "They came. They took two men."


def reading(a: float, *, critical: float = 0.0, high: float = 0.0) -> Reading:
    sentences = (SentenceScore(0, 10, {"a": 0.1, "b": 0.0}, 0.0), SentenceScore(11, 29, {"a": 2.0, "b": 0.0}, 1.0))
    urgency = {"critical": critical, "high": high, "medium": 0.0, "low": 1 - critical - high}
    return Reading({"a": a, "b": 0.0}, urgency, sentences)


def test_a_decision_carries_the_sentence_that_carries_it() -> None:
    decision = decide(reading(0.9), text=TEXT, rules=RULES)
    (evidence,) = decision.violations[0].evidence
    assert TEXT[evidence.start : evidence.end] == "They took two men."


def test_what_is_in_doubt_is_left_to_a_person() -> None:
    decision = decide(reading(0.4), text=TEXT, rules=RULES)
    assert not decision.violations[0].decided
    assert decision.abstained == ("a",)


def test_urgency_below_high_is_doubted_where_high_is_likely() -> None:
    assert "urgency" in decide(reading(0.0, high=0.3), text=TEXT, rules=RULES).abstained
    assert decide(reading(0.0, high=0.1), text=TEXT, rules=RULES).abstained == ()
    assert decide(reading(0.0, critical=0.6), text=TEXT, rules=RULES).urgency.id == "critical"


@given(st.text(max_size=200))
def test_sentences_cover_every_word_once(text: str) -> None:
    spans = sentence_spans(text)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    outside = set(range(len(text))) - {i for start, end in spans for i in range(start, end)}
    assert all(text[i].isspace() for i in outside)


def test_abbreviations_do_not_end_a_sentence() -> None:
    text = "On 3 Feb. Lt. Col. X entered approx. ten houses. Nobody was hurt."
    assert [text[slice(*span)] for span in sentence_spans(text)][-1] == "Nobody was hurt."
    assert len(sentence_spans(text)) == 2


@pytest.mark.parametrize(
    ("sentence", "status"),
    [
        ("There were no reports of disappearances during the year.", "negated"),
        ("The army denied the allegations of torture.", "denied"),
        ("The law prohibits forced labour.", "hypothetical"),
        ("Officers attended a training on the prevention of torture.", "hypothetical"),
        ("Families may be evicted next month.", "hypothetical"),
        ("In 1994 the town was burnt.", "past"),
        ("Police reportedly beat two students.", "alleged"),
        ("According to residents, ten houses were burnt.", "alleged"),
        ("Soldiers shot two men at the bridge.", "asserted"),
    ],
)
def test_claims(sentence: str, status: str) -> None:
    assert claim_status(sentence) == status


def test_calibration_mends_overconfidence() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (4000, 2))
    labels = (rng.random((4000, 2)) < sigmoid(logits / 3)).astype(float)
    fitted = fit_platt(logits[:2000], labels[:2000])
    before = expected_calibration_error(sigmoid(logits[2000:]), labels[2000:])
    after = expected_calibration_error(fitted(logits[2000:]), labels[2000:])
    assert after < before / 3


def test_unknown_labels_do_not_count() -> None:
    logits = np.array([[2.0, 0.0], [-2.0, 0.0]])
    assert np.isfinite(fit_platt(logits, np.array([[1.0, np.nan], [0.0, np.nan]])).slope).all()


def test_the_conformal_promise_holds_on_fresh_data() -> None:
    rng = np.random.default_rng(1)
    missed = []
    for _ in range(300):
        threshold = conformal_threshold(rng.beta(4, 2, 100), missed=0.05)
        missed.append((rng.beta(4, 2, 500) < threshold).mean())
    assert np.mean(missed) <= 0.055


def test_too_few_cases_promise_nothing() -> None:
    assert conformal_threshold(np.array([0.4, 0.9]), missed=0.05) == 0.0
