"""Figures of an evaluation, each on a case small enough to count by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from models.data import TrainingExample
from models.evaluate import by_slice, evaluate, paired_difference, reliability, risk_coverage, unasserted
from models.fit_rules import fit
from models.labels import URGENCIES, VIOLATIONS
from models.scorecard import comparison, markdown, plots
from pipeline.classify import Decision
from pipeline.report import UrgencyDecision, ViolationDecision


def example(*violations: str, urgency: str = "medium") -> TrainingExample:
    labels = np.array([float(v in violations) for v in VIOLATIONS], dtype=np.float32)
    return TrainingExample("", labels, URGENCIES.index(urgency), (), frozenset())


def decision(*violations: str, urgency: str = "medium") -> Decision:
    return Decision(
        tuple(ViolationDecision(v, 0.9 if v in violations else 0.1, v in violations, (), None) for v in VIOLATIONS),
        UrgencyDecision(urgency, dict.fromkeys(URGENCIES, 0.25), ()),
        (),
    )


KILLING, TORTURE, *_ = VIOLATIONS


def test_figures_are_those_counted_by_hand() -> None:
    found = evaluate(
        [example(KILLING), example(KILLING), example(TORTURE), example()],
        [decision(KILLING), decision(TORTURE), decision(TORTURE), decision()],
    )
    assert found["figures"]["micro_f1"]["value"] == pytest.approx(2 * 2 / (3 + 3), abs=1e-4)
    assert found["figures"]["exact_sets"]["value"] == 0.75
    assert found["per_label"][KILLING] == {"reports": 2, "precision": 1.0, "recall": 0.5, "f1": pytest.approx(0.6667)}


def test_what_is_unknown_counts_neither_way() -> None:
    half = example(KILLING)
    half.violations[1:] = np.nan
    half = replace(half, urgency=-1)
    known = [example(KILLING), example(TORTURE), example()]
    answers = [decision(KILLING), decision(TORTURE), decision(TORTURE)]
    alone = evaluate(known, answers)
    beside = evaluate([*known, half], [*answers, decision(KILLING, TORTURE, urgency="low")])
    assert beside["per_label"][TORTURE] == alone["per_label"][TORTURE]
    assert beside["per_label"][KILLING]["reports"] == 2
    assert beside["figures"]["exact_sets"]["value"] == 0.75  # what is known of the half is right
    for figure in ("urgency_accuracy", "urgency_kappa"):
        assert beside["figures"][figure]["value"] == alone["figures"][figure]["value"]


def test_thresholds_are_fitted_on_what_is_known_alone() -> None:
    def labelled(count: int, violation: str | None, urgency: str) -> list[TrainingExample]:
        return [example(*([violation] if violation else []), urgency=urgency) for _ in range(count)]

    rng = np.random.default_rng(0)
    known = [*labelled(40, KILLING, "critical"), *labelled(40, None, "low")]
    logits = np.concatenate([rng.normal(1, 1, (40, 19)), rng.normal(-1, 1, (40, 19))])
    unknown = [TrainingExample("", np.full(len(VIOLATIONS), np.nan, np.float32)) for _ in range(200)]
    high = np.full((200, 19), 6.0)
    alone = fit(logits, known, logits, known)[1]
    beside = fit(np.concatenate([logits, high]), [*known, *unknown], logits, known)[1]
    assert beside.thresholds == alone.thresholds
    assert beside.urgency_thresholds == alone.urgency_thresholds


def test_reliability_pools_all_labels() -> None:
    rows = reliability(np.array([[0.05, 0.95], [0.05, 0.95]]), np.array([[0.0, 1.0], [1.0, np.nan]]))
    assert rows == [{"cases": 2, "said": 0.05, "so": 0.5}, {"cases": 1, "said": 0.95, "so": 1.0}]


def test_the_surest_reports_are_kept_first() -> None:
    p, said, true = np.array([[0.99], [0.5]]), np.array([[1.0], [1.0]]), np.array([[1.0], [0.0]])
    kept = risk_coverage(p, said, true)
    assert (kept["100%"], kept["40%"]) == (0.5, 0.0)


def test_mentions_that_report_nothing_are_counted_by_status() -> None:
    claims = [{KILLING: "denied", TORTURE: "alleged"}, {KILLING: "denied"}, {TORTURE: "past"}]
    found = unasserted(claims, [decision(KILLING, TORTURE), decision(), decision()])
    assert found == {"denied": {"mentions": 2, "decided": 1}, "past": {"mentions": 1, "decided": 0}}


def test_small_slices_are_left_out() -> None:
    found = by_slice([example(KILLING)] * 12, [decision(KILLING)] * 12, ["a"] * 10 + ["b"] * 2)
    assert found == {"a": {"reports": 10, "micro_f1": 1.0, "urgency_accuracy": 1.0}}


def test_a_version_against_itself_differs_by_nothing() -> None:
    examples, decisions = [example(KILLING), example()] * 5, [decision(KILLING), decision(TORTURE)] * 5
    assert paired_difference(examples, decisions, decisions) == {"value": 0.0, "low": 0.0, "high": 0.0}
    better = [decision(KILLING), decision()] * 5
    assert paired_difference(examples, better, decisions)["value"] > 0


def test_the_scorecard_is_markdown_and_valid_svg() -> None:
    result = evaluate([example(KILLING), example()] * 6, [decision(KILLING), decision()] * 6)
    assert "| micro f1 | 1.000 |" in markdown("a set", result)
    assert "+0.000" in comparison("a set", result, result, {"value": 0.0, "low": 0.0, "high": 0.0})
    for svg in plots(result).values():
        assert ET.fromstring(svg).tag.endswith("svg")
