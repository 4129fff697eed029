"""Scores of readings and decisions against labelled reports, with 95% bootstrap intervals over reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from models.data import TrainingExample
from models.fit_rules import gold
from models.labels import URGENCIES, VIOLATIONS
from models.train import quadratic_kappa
from pipeline.classify import Decision
from pipeline.classify.calibration import Array, expected_calibration_error

RESAMPLES = 1000


def evaluate(examples: Sequence[TrainingExample], decisions: Sequence[Decision], *, seed: int = 0) -> dict[str, Any]:
    """Figures of decisions on held-out `examples`: value with interval, and per label with counts."""
    y = gold(examples)[:, : len(VIOLATIONS)]
    said = np.array([[float(v.decided) for v in d.violations] for d in decisions])
    p = np.array([[v.probability for v in d.violations] for d in decisions])
    true_level = np.array([e.urgency for e in examples])
    said_level = np.array([URGENCIES.index(d.urgency.id) for d in decisions])
    doubtful = np.array(["urgency" in d.abstained for d in decisions])
    rng = np.random.default_rng(seed)
    samples = [rng.integers(0, len(examples), len(examples)) for _ in range(RESAMPLES)]

    def with_interval(metric: Callable[[Any], float]) -> dict[str, float | None]:
        values = sorted(v for v in (metric(rows) for rows in samples) if v == v)
        low, high = (values[int(0.025 * len(values))], values[int(0.975 * len(values)) - 1]) if values else (None, None)
        value = metric(np.arange(len(examples)))
        return {"value": _rounded(value), "low": _rounded(low), "high": _rounded(high)}

    critical = URGENCIES.index("critical")
    figures = {
        "micro_f1": with_interval(lambda r: _f1(said[r], y[r])),
        "macro_f1": with_interval(lambda r: _macro(said[r], y[r])),
        "exact_sets": with_interval(lambda r: float((said[r] == y[r]).all(axis=1).mean())),
        "calibration_error": with_interval(lambda r: expected_calibration_error(p[r], y[r])),
        "urgency_accuracy": with_interval(lambda r: float((said_level[r] == true_level[r]).mean())),
        "urgency_kappa": with_interval(
            lambda r: quadratic_kappa(list(said_level[r]), list(true_level[r]), levels=len(URGENCIES))
        ),
        "critical_as_critical_or_high": with_interval(
            lambda r: _share((said_level[r] >= critical - 1), true_level[r] == critical)
        ),
        "critical_seen_or_left_to_a_person": with_interval(
            lambda r: _share((said_level[r] >= critical - 1) | doubtful[r], true_level[r] == critical)
        ),
        "abstained_share": with_interval(lambda r: float(np.array([bool(decisions[i].abstained) for i in r]).mean())),
    }
    per_label = {
        violation: {
            "reports": int(y[:, i].sum()),
            "precision": _rounded(_share(y[:, i] == 1, said[:, i] == 1)),
            "recall": _rounded(_share(said[:, i] == 1, y[:, i] == 1)),
            "f1": _rounded(_f1(said[:, i], y[:, i])) if y[:, i].sum() else None,
        }
        for i, violation in enumerate(VIOLATIONS)
    }
    return {
        "reports": len(examples),
        "figures": figures,
        "per_label": per_label,
        "risk_coverage": risk_coverage(p, said, y),
        "urgency_confusion": [
            [int(((true_level == a) & (said_level == b)).sum()) for b in range(len(URGENCIES))]
            for a in range(len(URGENCIES))
        ],
    }


def risk_coverage(p: Array, said: Array, true: Array) -> dict[str, float | None]:
    """The share of wrong decisions among the reports that the model is surest of, by share of reports kept.

    Sureness of a report is the sum of p(1 - p) over its labels, lowest first (El-Yaniv and Wiener 2010).
    """
    order = np.argsort((p * (1 - p)).sum(axis=1), kind="stable")
    wrong = (said != true) & ~np.isnan(true)
    shares = (1.0, 0.9, 0.8, 0.6, 0.4)
    return {f"{share:.0%}": _rounded(float(wrong[order[: max(1, int(share * len(order)))]].mean())) for share in shares}


def markdown(name: str, result: dict[str, Any]) -> str:
    """The figures of one set as Markdown tables."""
    lines = [f"### {name} ({result['reports']} reports)", "", "| figure | value | 95% interval |", "|---|---|---|"]
    for key, f in result["figures"].items():
        lines.append(f"| {key.replace('_', ' ')} | {_text(f['value'])} | {_text(f['low'])} to {_text(f['high'])} |")
    lines += ["", "| type | reports | precision | recall | F1 |", "|---|---|---|---|---|"]
    for key, v in result["per_label"].items():
        note = "" if v["reports"] >= 5 else " (too few to tell)"
        lines.append(
            f"| {key}{note} | {v['reports']} | {_text(v['precision'])} | {_text(v['recall'])} | {_text(v['f1'])} |"
        )
    kept = result["risk_coverage"]
    lines += ["", "| reports kept, surest first | " + " | ".join(kept) + " |", "|---|" + "---|" * len(kept)]
    lines.append("| wrong decisions among them | " + " | ".join(f"{v:.2%}" for v in kept.values()) + " |")
    lines += ["", "| urgency: labelled \\ decided | " + " | ".join(URGENCIES) + " |", "|---|" + "---|" * len(URGENCIES)]
    for level, row in zip(URGENCIES, result["urgency_confusion"], strict=True):
        lines.append(f"| {level} | " + " | ".join(str(count) for count in row) + " |")
    erased = result.get("erasure", {})
    if erased.get("cases"):
        lines += [
            "",
            f"Erasure of evidence ({erased['cases']} decisions): without its strongest sentence the probability falls by "
            f"{erased['median_drop_evidence']:.3f} (median), without a random other one by {erased['median_drop_random']:.3f}.",
        ]
    return "\n".join(lines) + "\n"


def erasure(
    texts: Sequence[str],
    decisions: Sequence[Decision],
    read: Callable[[Sequence[str]], Sequence[Any]],
    *,
    seed: int = 0,
) -> dict[str, float]:
    """How much a decided violation's probability falls without its strongest sentence, against a random other.

    The erasure test of DeYoung et al. (2020), on reports of three sentences or more.
    """
    from pipeline.classify.sentences import sentence_spans

    rng = np.random.default_rng(seed)
    erased: list[str] = []
    cases: list[tuple[str, float]] = []
    for text, decision in zip(texts, decisions, strict=True):
        spans = sentence_spans(text)
        for violation in decision.violations:
            if not violation.evidence or len(spans) < 3:
                continue
            evidence = (violation.evidence[0].start, violation.evidence[0].end)
            others = [span for span in spans if span != evidence]
            other = others[int(rng.integers(len(others)))]
            erased += [text[:s] + text[e:] for s, e in (evidence, other)]
            cases.append((violation.id, violation.probability))
    readings = read(erased)
    drops = [
        (p - readings[2 * i].violations[ident], p - readings[2 * i + 1].violations[ident])
        for i, (ident, p) in enumerate(cases)
    ]
    if not drops:
        return {"cases": 0}
    evidence_drop, random_drop = (np.array(column) for column in zip(*drops, strict=True))
    return {
        "cases": len(drops),
        "median_drop_evidence": _rounded(float(np.median(evidence_drop))) or 0.0,
        "median_drop_random": _rounded(float(np.median(random_drop))) or 0.0,
        "mean_drop_evidence": _rounded(float(evidence_drop.mean())) or 0.0,
        "mean_drop_random": _rounded(float(random_drop.mean())) or 0.0,
    }


def _f1(said: Array, true: Array) -> float:
    known = ~np.isnan(true)
    a, b = (said == 1) & known, (true == 1) & known
    return float(2 * (a & b).sum() / max(1, a.sum() + b.sum()))


def _macro(said: Array, true: Array) -> float:
    """Over labels with at least five reports."""
    values = [_f1(said[:, i], true[:, i]) for i in range(true.shape[1]) if np.nansum(true[:, i]) >= 5]
    return float(np.mean(values)) if values else float("nan")


def _share(of: Any, among: Any) -> float:
    return float(of[among].mean()) if among.any() else float("nan")


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else round(value, 4)


def _text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
