"""How good embeddings are at characters that training never saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class OneShot:
    """One-shot accuracy: of `ways` classes, one example each, to which does a new image belong?"""

    accuracy: float
    standard_error: float
    ways: int
    episodes: int


def one_shot(
    embeddings: NDArray[np.float32], labels: NDArray[np.int32], *, ways: int = 20, episodes: int = 400, seed: int = 0
) -> OneShot:
    """Accuracy of the nearest example, over seeded episodes (Vinyals et al., "Matching networks", 2016).

    An episode draws `ways` classes (all, where there are fewer) and two images of each: one to compare with, one to
    recognise. The standard error is that of the mean over the episodes.

    Args:
        embeddings: `(n, d)`.
        labels: `(n,)`, each at least twice.
        ways: classes of an episode; guessing is right once in `ways`.
        episodes: how many are drawn.
        seed: of the draw.

    >>> one_shot(np.eye(4)[[0, 0, 1, 1]], np.array([0, 0, 1, 1]), ways=2, episodes=10).accuracy
    1.0
    """
    rng = np.random.default_rng(seed)
    classes = np.unique(labels)
    members = {c: np.flatnonzero(labels == c) for c in classes}
    ways = min(ways, len(classes))
    right = np.empty(episodes)
    for episode in range(episodes):
        pairs = [rng.choice(members[c], 2, replace=False) for c in rng.choice(classes, ways, replace=False)]
        examples, queries = embeddings[np.array(pairs)].astype(np.float64).transpose(1, 0, 2)
        right[episode] = np.mean(squared_distances(queries, examples).argmin(axis=1) == np.arange(ways))
    error = float(right.std(ddof=1) / np.sqrt(episodes)) if episodes > 1 else float("nan")
    return OneShot(float(right.mean()), error, ways, episodes)


def recall_at_1(embeddings: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """The share of images whose nearest other image is of the same class.

    >>> recall_at_1(np.array([[0.0], [0.1], [5.0], [0.3]]), np.array([0, 0, 1, 1]))
    0.75
    """
    distances = squared_distances(embeddings.astype(np.float64), embeddings.astype(np.float64))
    np.fill_diagonal(distances, np.inf)
    return float(np.mean(labels[distances.argmin(axis=1)] == labels))


def squared_distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row of `a` to each of `b`: `(n, d)` and `(m, d)` to `(n, m)`."""
    return np.asarray((a**2).sum(1)[:, None] - 2.0 * a @ b.T + (b**2).sum(1)[None, :])
