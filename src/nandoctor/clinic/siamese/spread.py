"""How the largest distance of a batch grows with its size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nandoctor.clinic.siamese.measures import squared_distances

_SIZES = (4, 8, 16, 32, 64, 128, 256)
_DRAWS = 200


def spread_table(embeddings: NDArray[np.float32], labels: NDArray[np.int32], seed: int) -> str:
    """For each batch size the mean and the largest squared distance of a batch, free and on the unit sphere.

    The largest of more pairs is larger: a triplet loss that picks extremes meets them in large batches, and its
    gradient is proportional to them. On the unit sphere none exceeds 4.

    Args:
        embeddings: `(n, d)`, before they are scaled to unit length.
        labels: `(n,)`; distances are between different classes, where a triplet loss looks for its negatives.
        seed: of the batches, which are drawn at random.
    """
    rng = np.random.default_rng(seed)
    free = embeddings.astype(np.float64)
    unit = free / np.maximum(np.linalg.norm(free, axis=1, keepdims=True), 1e-12)
    lines = [
        f"{'':>6}{'free':^30}{'unit length':^30}",
        f"{'batch':>6}" + 2 * f"{'mean':>10}{'largest':>10}{'ratio':>10}",
    ]
    for size in (size for size in _SIZES if size <= len(labels)):
        batches = [rng.choice(len(labels), size, replace=False) for _ in range(_DRAWS)]
        cells = [*_mean_and_largest(free, labels, batches), *_mean_and_largest(unit, labels, batches)]
        lines.append(f"{size:>6}" + "".join(f"{cell:>10.3g}" for cell in cells))
    return "\n".join(lines)


def _mean_and_largest(
    embeddings: NDArray[np.float64], labels: NDArray[np.int32], batches: list[NDArray[np.intp]]
) -> tuple[float, float, float]:
    """Averages over the batches: the mean distance of a batch, its largest, and how many times the mean that is."""
    found = [_negatives(embeddings[rows], labels[rows]) for rows in batches]
    means = np.array([distances.mean() for distances in found if distances.size])
    largest = np.array([distances.max() for distances in found if distances.size])
    return float(means.mean()), float(largest.mean()), float((largest / means).mean())


def _negatives(embeddings: NDArray[np.float64], labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """The squared distances of all pairs of different classes."""
    distances = squared_distances(embeddings, embeddings)
    return np.asarray(distances[labels[:, None] != labels[None, :]])
