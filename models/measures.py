"""F1 of decisions (van Rijsbergen 1979), as every fit and every evaluation here counts it.

>>> f1(np.array([True, True, False, True]), np.array([1, 0, 1, np.nan]))
0.5
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def f1(said: NDArray[np.bool_], true: NDArray[Any]) -> float:
    """Over the cells of two arrays of one shape, those left out whose truth is NaN, unknown.

    0 where nothing is said and nothing is true.
    """
    known = ~np.isnan(true)
    hits, said_of_known, positives = said & (true == 1), said & known, true == 1
    return float(2 * hits.sum() / max(1, said_of_known.sum() + positives.sum()))
