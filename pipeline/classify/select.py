"""Which reports a person should look at next, so that what they say teaches the model most.

Pool-based active learning (Lewis and Gale 1994) over what the model said of each report: every report is worth, per
label, its likelihood of being an example of it plus how unsure the model is of that, and a label counts for less the
more examples of it there are (label balance). Reports that resemble one chosen already are worth less (diversity,
as in maximal marginal relevance, Carbonell and Goldstein 1998).

>>> choose(np.array([[0.99, 0.0], [0.5, 0.0], [0.5, 0.4]]), positives=np.zeros(2), count=1)
[2]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def choose(probabilities: Array, *, positives: Array, count: int, features: Array | None = None) -> list[int]:
    """Row numbers of the `count` reports to look at next, most telling first.

    `probabilities` *(reports, labels)*, 0 to 1; `positives` *(labels,)* counts the labelled examples of each label.
    `features` *(reports, n)* say how reports resemble each other; without them, the probabilities do.
    """
    left = np.ones(len(probabilities), dtype=bool)
    have = np.asarray(positives, dtype=np.float64).copy()
    worth = probabilities + 4 * probabilities * (1 - probabilities)
    unit = _unit(np.sqrt(probabilities) if features is None else features)
    nearest = np.zeros(len(probabilities))
    chosen: list[int] = []
    while left.any() and len(chosen) < count:
        gain = (worth / np.sqrt(1 + have)).sum(axis=1) * (1 - 0.5 * nearest)
        best = int(np.where(left, gain, -np.inf).argmax())
        chosen.append(best)
        left[best] = False
        have += probabilities[best]
        nearest = np.maximum(nearest, np.clip(unit @ unit[best], 0, 1))
    return chosen


def _unit(rows: Array) -> Array:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1)
