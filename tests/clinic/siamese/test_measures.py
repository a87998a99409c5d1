"""One-shot accuracy and recall@1 against scikit-learn's nearest neighbours, and against chance."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from nandoctor.clinic.siamese.measures import one_shot, recall_at_1

LABELS = np.repeat(np.arange(26), 20).astype(np.int32)


def embeddings(spread, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((26, 16))[LABELS] + spread * rng.standard_normal((520, 16))).astype(np.float32)


def test_noise_is_right_once_in_twenty():
    shot = one_shot(np.random.default_rng(3).standard_normal((520, 16)).astype(np.float32), LABELS)
    assert shot.ways == 20
    assert shot.accuracy == pytest.approx(1 / 20, abs=4 * shot.standard_error)
    # a query is right with p = 1/20, so an episode's mean of 20 has about sqrt(p (1 - p) / 20)
    assert shot.standard_error == pytest.approx(np.sqrt(0.05 * 0.95 / 20 / 400), rel=0.2)


def test_one_shot_is_a_one_neighbour_classifier():
    points = embeddings(0.8)
    rng = np.random.default_rng(11)
    expected = []
    for _ in range(400):
        chosen = rng.choice(26, 20, replace=False)
        pairs = np.array([rng.choice(np.flatnonzero(c == LABELS), 2, replace=False) for c in chosen])
        nearest = KNeighborsClassifier(1).fit(points[pairs[:, 0]], chosen)
        expected.append(nearest.score(points[pairs[:, 1]], chosen))
    shot = one_shot(points, LABELS, seed=5)
    assert shot.accuracy == pytest.approx(np.mean(expected), abs=4 * np.sqrt(2) * shot.standard_error)
    assert 0.2 < shot.accuracy < 0.98


def test_the_seed_decides_and_few_classes_make_fewer_ways():
    points = embeddings(1.0)
    assert one_shot(points, LABELS, seed=1) == one_shot(points, LABELS, seed=1)
    assert one_shot(points, LABELS, seed=1) != one_shot(points, LABELS, seed=2)
    assert one_shot(points[:60], LABELS[:60]).ways == 3


def test_recall_is_the_share_of_right_neighbours():
    points = embeddings(1.0)
    neighbour = NearestNeighbors(n_neighbors=2).fit(points).kneighbors(points, return_distance=False)[:, 1]
    assert recall_at_1(points, LABELS) == pytest.approx(np.mean(LABELS[neighbour] == LABELS))
