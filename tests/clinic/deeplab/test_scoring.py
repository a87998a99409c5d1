"""Mean intersection over union, against sets of pixels counted one by one."""

import numpy as np
import pytest

from nandoctor.clinic.deeplab.scoring import confusion, intersection_over_union, mean_intersection_over_union

VOID = 4


def counted_as_sets(labels: np.ndarray, predictions: np.ndarray, classes: int) -> list[float]:
    places = [place for place in np.ndindex(labels.shape) if labels[place] != VOID]
    found = []
    for name in range(classes):
        true = {place for place in places if labels[place] == name}
        called = {place for place in places if predictions[place] == name}
        found.append(len(true & called) / len(true | called) if true | called else np.nan)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_measure_of_sets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 1, 3, VOID], (2, 6, 7))  # class 2 is not there
    predictions = rng.choice([0, 1, 3], (2, 6, 7))
    counts = confusion(labels, predictions, 4)
    wanted = counted_as_sets(labels, predictions, 4)
    np.testing.assert_allclose(intersection_over_union(counts), wanted, rtol=1e-12)
    assert mean_intersection_over_union(counts) == pytest.approx(np.nanmean(wanted), rel=1e-12)


def test_void_counts_for_nobody() -> None:
    labels = np.array([[0, 0, VOID, 255]])
    assert confusion(labels, np.array([[0, 1, 1, 1]]), 2).tolist() == [[1, 1], [0, 0]]


def test_counts_of_parts_add_up() -> None:
    rng = np.random.default_rng(5)
    labels, predictions = rng.integers(0, 5, (4, 9, 9)), rng.integers(0, 4, (4, 9, 9))
    parts = [confusion(labels[n : n + 1], predictions[n : n + 1], 4) for n in range(4)]
    assert np.array_equal(np.sum(parts, axis=0), confusion(labels, predictions, 4))
