"""F1 of decisions (van Rijsbergen 1979), as every fit and every evaluation here counts it.

>>> round(f1(np.array([True, True, False]), np.array([True, False, True])), 2)
0.5
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def f1(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Over all cells of two arrays of one shape; 0 where nothing is said and nothing is true."""
    return float(2 * (said & true).sum() / max(1, said.sum() + true.sum()))
