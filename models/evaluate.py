"""Scores of readings and decisions against labelled reports, with 95% bootstrap intervals over reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data import TrainingExample
from models.fit_rules import gold
from models.labels import URGENCIES, VIOLATIONS
from models.measures import f1
from pipeline.agreement import cohen_kappa
from pipeline.classify import Decision
from pipeline.classify.calibration import Array, expected_calibration_error

RESAMPLES = 1000
FEWEST_IN_A_SLICE = 10
UNASSERTED = ("negated", "denied", "hypothetical", "past")


def evaluate(examples: Sequence[TrainingExample], decisions: Sequence[Decision], *, seed: int = 0) -> dict[str, Any]:
    """Figures of decisions on held-out `examples`: value with interval, and per label with counts.

    Labels that are unknown count neither way.
    """
    y = gold(examples)[:, : len(VIOLATIONS)]
    said = np.array([[v.decided for v in d.violations] for d in decisions])
    p = np.array([[v.probability for v in d.violations] for d in decisions])
    known = ~np.isnan(y)
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
        "micro_f1": with_interval(lambda r: f1(said[r], y[r])),
        "macro_f1": with_interval(lambda r: _macro(said[r], y[r])),
        "exact_sets": with_interval(lambda r: float(((said[r] == y[r]) | ~known[r]).all(axis=1).mean())),
        "calibration_error": with_interval(lambda r: expected_calibration_error(p[r], y[r])),
        "urgency_accuracy": with_interval(lambda r: _share(said_level[r] == true_level[r], true_level[r] >= 0)),
        "urgency_kappa": with_interval(
            lambda r: _kappa(*(level[r][true_level[r] >= 0] for level in (said_level, true_level)))
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
            "reports": int((y[:, i] == 1).sum()),
            "precision": _rounded(_share(y[:, i] == 1, said[:, i] & known[:, i])),
            "recall": _rounded(_share(said[:, i], y[:, i] == 1)),
            "f1": _rounded(f1(said[:, i], y[:, i])) if (y[:, i] == 1).any() else None,
        }
        for i, violation in enumerate(VIOLATIONS)
    }
    return {
        "reports": len(examples),
        "figures": figures,
        "per_label": per_label,
        "risk_coverage": risk_coverage(p, said, y),
        "reliability": reliability(p, y),
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


def reliability(p: Array, true: Array, *, bins: int = 10) -> list[dict[str, float]]:
    """Per bin of probability, all labels pooled: how many cases, what was said, how often it was so."""
    said, so = p[~np.isnan(true)], true[~np.isnan(true)]
    which = np.minimum((said * bins).astype(int), bins - 1)
    return [
        {"cases": int(here.sum()), "said": round(float(said[here].mean()), 4), "so": round(float(so[here].mean()), 4)}
        for here in (which == b for b in range(bins))
        if here.any()
    ]


def by_slice(
    examples: Sequence[TrainingExample], decisions: Sequence[Decision], slices: Sequence[str]
) -> dict[str, dict[str, float | int | None]]:
    """Micro F1 and exact levels of urgency per slice of at least ten reports; `slices` names each report's."""
    y = gold(examples)[:, : len(VIOLATIONS)]
    said = np.array([[v.decided for v in d.violations] for d in decisions])
    found: dict[str, dict[str, float | int | None]] = {}
    for name in sorted(set(slices)):
        rows = [i for i, of in enumerate(slices) if of == name]
        if len(rows) >= FEWEST_IN_A_SLICE:
            levels = [URGENCIES.index(decisions[i].urgency.id) == examples[i].urgency for i in rows]
            found[name] = {
                "reports": len(rows),
                "micro_f1": _rounded(f1(said[rows], y[rows])),
                "urgency_accuracy": _rounded(float(np.mean(levels))),
            }
    return found


def unasserted(claims: Sequence[Mapping[str, str]], decisions: Sequence[Decision]) -> dict[str, dict[str, int]]:
    """Mentions that report nothing (negated, denied, hypothetical, past), by status: how many, how many decided all the same.

    `claims` gives, per report, the status of violations that it mentions without reporting them.
    """
    found: dict[str, dict[str, int]] = {}
    for mentioned, decision in zip(claims, decisions, strict=True):
        decided = {v.id for v in decision.violations if v.decided}
        for violation, status in mentioned.items():
            if status in UNASSERTED:
                row = found.setdefault(status, {"mentions": 0, "decided": 0})
                row["mentions"] += 1
                row["decided"] += violation in decided
    return found


def paired_difference(
    examples: Sequence[TrainingExample], new: Sequence[Decision], old: Sequence[Decision], *, seed: int = 0
) -> dict[str, float]:
    """Micro F1 of `new` less that of `old` on the same reports, with a 95% interval by paired bootstrap."""
    y = gold(examples)[:, : len(VIOLATIONS)]
    a, b = (np.array([[v.decided for v in d.violations] for d in said]) for said in (new, old))
    rng = np.random.default_rng(seed)
    samples = [rng.integers(0, len(examples), len(examples)) for _ in range(RESAMPLES)]
    values = sorted(f1(a[rows], y[rows]) - f1(b[rows], y[rows]) for rows in samples)
    low, high = values[int(0.025 * RESAMPLES)], values[int(0.975 * RESAMPLES) - 1]
    return {"value": round(f1(a, y) - f1(b, y), 4), "low": round(low, 4), "high": round(high, 4)}


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


def _kappa(said: Any, true: Any) -> float:
    """Of levels of urgency; 1 where all are of one level, said and true alike."""
    found = cohen_kappa(said, true, levels=len(URGENCIES))
    return 1.0 if found is None else found


def _macro(said: NDArray[np.bool_], true: Array) -> float:
    """Over labels with at least five reports."""
    values = [f1(said[:, i], true[:, i]) for i in range(true.shape[1]) if np.nansum(true[:, i]) >= 5]
    return float(np.mean(values)) if values else float("nan")


def _share(of: Any, among: Any) -> float:
    return float(of[among].mean()) if among.any() else float("nan")


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else round(value, 4)
