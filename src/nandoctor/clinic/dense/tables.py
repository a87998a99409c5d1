"""The tables that the examples learn: they come with scikit-learn, as they were measured, unscaled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits

_VALID_SHARE = 0.2


@dataclass(frozen=True)
class Table:
    """Rows of inputs `(n, d)` float64 and their targets `(n,)`, parted into training and validation."""

    x: np.ndarray
    y: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray


def tumours(seed: int) -> Table:
    """Thirty measures of cell nuclei, from 1e-3 to 4,254; is the tumour benign (1) or not (0)?"""
    found = load_breast_cancer()
    return _parted(found.data, found.target, seed)


def worst_areas(seed: int) -> Table:
    """The largest area of the nuclei in square micrometres, 185 to 4,254, from ten mean measures."""
    found = load_breast_cancer()
    target = list(found.feature_names).index("worst area")
    return _parted(found.data[:, :10], found.data[:, target], seed)


def digits(seed: int) -> Table:
    """Handwritten digits, 8x8 pixels, brightened to 0 to 240 as in a file of 8 bits."""
    found = load_digits()
    return _parted(found.data * 15.0, found.target, seed)


def _parted(x: np.ndarray, y: np.ndarray, seed: int) -> Table:
    order = np.random.default_rng(seed).permutation(len(x))
    kept = round(_VALID_SHARE * len(x))
    valid, train = order[:kept], order[kept:]
    return Table(x[train], y[train], x[valid], y[valid])
