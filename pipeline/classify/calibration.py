"""Calibration (Platt 1999) per label, regularised towards leaving the logits as they are.

Rare labels have few examples to calibrate on; the prior keeps their curve near that of all labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Platt:
    """p = sigmoid(slope * logit + offset), per label; arrays of *(labels,)*."""

    slope: Array
    offset: Array

    def __call__(self, logits: Array) -> Array:
        """Probabilities of logits *(reports, labels)*."""
        return sigmoid(np.asarray(logits, dtype=np.float64) * self.slope + self.offset)


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -60, 60)))


def fit_platt(logits: Array, labels: Array, *, prior: float = 10.0) -> Platt:
    """Fit on logits and labels *(reports, labels)*; NaN labels are left out.

    First one curve for all labels, then each label's own with a Gaussian prior around it, worth
    `prior` reports.
    """
    known = ~np.isnan(labels)
    shared = _fit(logits[known], labels[known], centre=np.array([1.0, 0.0]), prior=1.0)
    curves = [
        _fit(logits[known[:, i], i], labels[known[:, i], i], centre=shared, prior=prior) for i in range(logits.shape[1])
    ]
    return Platt(np.array([c[0] for c in curves]), np.array([c[1] for c in curves]))


def _fit(x: Array, y: Array, *, centre: Array, prior: float) -> Array:
    """Maximum a posteriori of a logistic curve, by Newton's method with halved steps where it overshoots."""

    def loss(w: Array) -> float:
        z = w[0] * x + w[1]
        return float((np.logaddexp(0, z) - y * z).sum() + prior / 2 * ((w - centre) ** 2).sum())

    w = centre.copy()
    for _ in range(100):
        p = sigmoid(w[0] * x + w[1])
        design = np.stack([x, np.ones_like(x)])
        gradient = design @ (p - y) + prior * (w - centre)
        hessian = (design * (p * (1 - p))) @ design.T + prior * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-6 and loss(w - size * step) > loss(w):
            size /= 2
        w = w - size * step
        if np.abs(size * step).max() < 1e-8:
            break
    return np.array([max(w[0], 0.05), w[1]])


def expected_calibration_error(probabilities: Array, labels: Array, *, bins: int = 10) -> float:
    """The mean gap between probability and frequency over equal bins (Guo et al. 2017), all labels pooled."""
    p, y = probabilities.ravel(), labels.ravel()
    p, y = p[~np.isnan(y)], y[~np.isnan(y)]
    which = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [
        (which == b).mean() * abs(p[which == b].mean() - y[which == b].mean())
        for b in range(bins)
        if (which == b).any()
    ]
    return float(sum(gaps))


def conformal_threshold(scores_of_true: Array, *, missed: float) -> float:
    """The score that at most a share `missed` of fresh true cases falls below (split conformal, Vovk).

    With n calibration cases this is the floor(missed * (n + 1))-th smallest score; 0 where n is too
    small to promise anything. The guarantee is marginal and holds for exchangeable data.
    """
    ordered = np.sort(scores_of_true)
    rank = int(np.floor(missed * (len(ordered) + 1)))
    return float(ordered[rank - 1]) if rank >= 1 else 0.0
