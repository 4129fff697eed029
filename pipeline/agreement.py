"""How far reviewers of the same reports agree, per label, beyond what chance would give.

Cohen's kappa (Cohen 1960) over every pair of reviews of one report by two people, and Krippendorff's alpha
(Krippendorff 2011; nominal, with interval distances for urgency) over any number of people. 1 is agreement
throughout, 0 what chance gives.

>>> round(cohen_kappa([1, 1, 0, 0], [1, 0, 0, 0]), 2)
0.5
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pipeline.store.corrections import Verdict


@dataclass(frozen=True)
class Agreement:
    """Agreement on one label: reports that several people saw, pairs of reviews, and both figures.

    A figure is None where everybody said the same of everything: there is no chance to compare with.
    """

    label: str
    reports: int
    pairs: int
    observed: float
    kappa: float | None
    alpha: float | None


def agreement(
    seen: Sequence[Sequence[Verdict]], *, violations: Sequence[str], urgencies: Sequence[str],
    unsayable: Sequence[Collection[str]] = (),
) -> list[Agreement]:  # fmt: skip
    """A line per violation and one for `urgency` (weighted by squared distance).

    `seen` has what several people said of each report, one verdict each; `unsayable`, where given, the violations of each
    report that not all of them could name: it does not count there.
    """
    sayable = list(zip(seen, unsayable or [()] * len(seen), strict=True))
    found = [
        _of(label, [[int(label in v.violations) for v in said] for said, apart in sayable if label not in apart], 2)
        for label in violations
    ]
    levels = [[urgencies.index(v.urgency) for v in said if v.urgency in urgencies] for said in seen]
    return [*found, _of("urgency", [row for row in levels if len(row) > 1], len(urgencies))]


def by_report(verdicts: Sequence[Verdict]) -> list[list[Verdict]]:
    """Each person's latest review of each report that several people reviewed; adjudications are left out."""
    latest: dict[str, dict[str, Verdict]] = defaultdict(dict)
    for verdict in verdicts:
        if not verdict.adjudicated:
            latest[verdict.report][verdict.by] = verdict
    return [[said[who] for who in sorted(said)] for said in latest.values() if len(said) > 1]


def cohen_kappa(a: Sequence[int], b: Sequence[int], *, levels: int = 2) -> float | None:
    """Cohen's kappa between two ratings 0 to levels - 1; squared weights (Cohen 1968), the same as plain for two levels."""
    table = np.zeros((levels, levels))
    np.add.at(table, (list(a), list(b)), 1)
    weights = _distances(levels)
    expected = np.outer(table.sum(1), table.sum(0)) / max(1, len(a))
    chance = float((weights * expected).sum())
    return None if chance == 0 else float(1 - (weights * table).sum() / chance)


def krippendorff_alpha(units: Sequence[Sequence[int]], *, levels: int = 2) -> float | None:
    """Krippendorff's alpha of units, each rated 0 to levels - 1 by two people or more, with squared distances."""
    coincidences = np.zeros((levels, levels))
    for ratings in units:
        for i, j in combinations(range(len(ratings)), 2):
            for a, b in ((ratings[i], ratings[j]), (ratings[j], ratings[i])):
                coincidences[a, b] += 1 / (len(ratings) - 1)
    totals = coincidences.sum(axis=1)
    weights, n = _distances(levels), totals.sum()
    chance = float((weights * (np.outer(totals, totals) - np.diag(totals))).sum())
    return None if chance == 0 else float(1 - (n - 1) * (weights * coincidences).sum() / chance)


def _of(label: str, units: list[list[int]], levels: int) -> Agreement:
    pairs = [(a, b) for ratings in units for a, b in combinations(ratings, 2)]
    same = sum(a == b for a, b in pairs) / len(pairs) if pairs else 0.0
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    return Agreement(
        label, len(units), len(pairs), same,
        cohen_kappa(first, second, levels=levels) if pairs else None,
        krippendorff_alpha(units, levels=levels) if pairs else None,
    )  # fmt: skip


def _distances(levels: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    steps = np.arange(levels, dtype=np.float64)
    return np.subtract.outer(steps, steps) ** 2
