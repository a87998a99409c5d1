"""Mean intersection over union: how well two segmentations agree, each class counting alike."""

from __future__ import annotations

import numpy as np


def confusion(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """`(classes, classes)` int64: pixels by true and predicted class. Void, any id that no class has, is left out."""
    counted = (labels >= 0) & (labels < classes)
    pairs = labels[counted].astype(np.int64) * classes + predictions[counted].astype(np.int64)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def intersection_over_union(counts: np.ndarray) -> np.ndarray:
    """`(classes,)` float64: for each class, the pixels that are rightly its own, of all that are or were called so.

    A class that is neither there nor predicted has no measure: NaN.

    >>> intersection_over_union(np.array([[3, 1], [0, 4]]))
    array([0.75, 0.8 ])
    """
    right = np.diag(counts).astype(float)
    either = counts.sum(axis=0) + counts.sum(axis=1) - right
    with np.errstate(invalid="ignore"):
        return np.asarray(right / either)


def mean_intersection_over_union(counts: np.ndarray) -> float:
    """The mean over the classes that have a measure."""
    return float(np.nanmean(intersection_over_union(counts)))
