"""How often each class id occurs, and in how many rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.kernels.compiling import kernel


@kernel
def count_classes(values: NDArray[Any], low: int, table: NDArray[np.int64]) -> bool:
    """Whether all finite elements are whole numbers; then they are counted.

    Args:
        values: `(rows, n)`, int64, float32 or float64.
        low: the least finite one.
        table: `(3, ids)`, to be zero: elements, rows, and the last row that had it, from 1; the first id is `low`.
    """
    for row in range(values.shape[0]):
        for n in range(values.shape[1]):
            value = values[row, n]
            if abs(value) < np.inf:
                whole = np.int64(value)
                if whole != value:
                    return False
                place = whole - low
                table[0, place] += 1
                if table[2, place] != row + 1:
                    table[2, place] = row + 1
                    table[1, place] += 1
    return True
