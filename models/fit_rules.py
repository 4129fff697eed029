"""Calibration, thresholds and abstention for trained weights, each fitted on data kept for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.data import TrainingExample
from models.labels import URGENCIES, VIOLATIONS
from models.measures import f1
from pipeline.classify.calibration import Array, Platt, conformal_threshold, fit_platt
from pipeline.classify.rules import DecisionRules

# A label's own threshold counts as much as the shared one when it has this many positives.
SHRINKAGE = 12
CRITICAL = URGENCIES.index("critical")
# The share of violations reported, over all types, that may lie below the band of doubt.
MISSED_REPORTED = 0.10
# The share of critical reports that may be neither decided high or critical nor left to a person.
MISSED_CRITICAL = 0.05


def gold(examples: Sequence[TrainingExample]) -> Array:
    """Labels *(reports, 19)*: 16 violations, then "at least medium, high, critical"; NaN where unknown."""
    rows = []
    for example in examples:
        level = example.urgency
        ordinal = [float(level > i) if level >= 0 else np.nan for i in range(len(URGENCIES) - 1)]
        violations = [np.nan if np.isnan(v) else float(v > 0.5) for v in example.violations]
        rows.append([*violations, *ordinal])
    return np.array(rows)


def fit(
    calibration_logits: Array,
    calibration: Sequence[TrainingExample],
    validation_logits: Array,
    validation: Sequence[TrainingExample],
) -> tuple[Platt, DecisionRules]:
    """Curves from the calibration set, thresholds from both; the band of doubt from calibration, for urgency from both."""
    platt = fit_platt(calibration_logits, gold(calibration))
    p_both = platt(np.concatenate([calibration_logits, validation_logits]))
    y_both = np.concatenate([gold(calibration), gold(validation)])
    count = len(VIOLATIONS)
    thresholds = _thresholds(p_both[:, :count], y_both[:, :count])
    p_cal, y_cal = platt(calibration_logits), gold(calibration)
    positives = p_cal[:, :count][y_cal[:, :count] == 1]
    floor = max(conformal_threshold(positives, missed=MISSED_REPORTED), 0.02)
    # Critical reports are few: those of both sets, or the hard ones among them are not there to say what is missed.
    critical = np.array([e.urgency == CRITICAL for e in (*calibration, *validation)])
    urgent_doubt = conformal_threshold(p_both[critical, count + 1], missed=MISSED_CRITICAL)
    rules = DecisionRules(
        thresholds={v: round(float(t), 4) for v, t in zip(VIOLATIONS, thresholds, strict=True)},
        doubtful={v: round(float(min(t, max(floor, 0.6 * t))), 4) for v, t in zip(VIOLATIONS, thresholds, strict=True)},
        urgency_thresholds=_urgency_thresholds(p_both[:, count:], [e.urgency for e in (*calibration, *validation)]),
        urgent_doubt=round(urgent_doubt, 4) if urgent_doubt > 0 else 0.3,
        notes={
            "calibration_reports": len(calibration),
            "critical_reports": int(critical.sum()),
            "urgent_doubt": "split conformal" if urgent_doubt > 0 else "too few critical reports: fixed by hand",
        },
    )
    return platt, rules


def _thresholds(p: Array, y: Array) -> NDArray[np.float64]:
    """The threshold of best F1 over all labels, and each label's own drawn towards it."""
    grid = np.arange(0.2, 0.71, 0.02)
    shared = float(grid[np.argmax([f1(p > t, y) for t in grid])])
    thresholds = []
    for label in range(p.shape[1]):
        positives = int((y[:, label] == 1).sum())
        scores = [f1(p[:, label] > t, y[:, label]) for t in grid]
        best = [t for t, s in zip(grid, scores, strict=True) if s >= max(scores) - 1e-9]
        own = float(best[len(best) // 2])
        weight = positives / (positives + SHRINKAGE)
        thresholds.append(weight * own + (1 - weight) * shared)
    return np.array(thresholds)


def _urgency_thresholds(p: Array, levels: Sequence[int]) -> tuple[float, float, float]:
    """For each step the threshold of best balanced accuracy between 0.1 and 0.5: misses cost more than alarms."""
    known = np.array(levels) >= 0
    p, levels_known = p[known], np.array(levels)[known]
    chosen = []
    for step in range(p.shape[1]):
        true = levels_known > step
        grid = np.arange(0.1, 0.51, 0.02)
        scores = [((p[true, step] >= t).mean() + (p[~true, step] < t).mean()) / 2 for t in grid]
        chosen.append(round(float(grid[int(np.argmax(scores))]), 4))
    return chosen[0], chosen[1], chosen[2]
