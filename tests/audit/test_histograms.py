"""The bars are where the numbers are; one number far away has a bar, and hides no other."""

import itertools

import audits
import numpy as np
import pytest

from nandoctor.audit.histograms import BARS, histogram_of


def histogram(values):
    return histogram_of(audits.audited({"x": values}).profile.components["x"])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int64])
def test_the_bars_hold_what_numpy_counts(dtype):
    values = np.random.default_rng(0).integers(3, 200, (64, 100)).astype(dtype)
    edges, heights = histogram(values)
    expected = np.histogram(values, edges)[0] / values.size
    np.testing.assert_allclose(heights, expected, atol=0 if dtype is np.uint8 else 0.02)
    assert sum(heights) == pytest.approx(1, abs=1e-3)
    assert edges[0] == 3
    assert edges[-1] >= 199
    assert all(a < b for a, b in itertools.pairwise(edges))


def test_bytes_have_bars_of_one_width():
    edges, _ = histogram(np.arange(256, dtype=np.uint8).reshape(4, 64))
    assert set(np.diff(edges)) == {8.0}


def test_a_number_far_away_has_its_bar_and_the_others_keep_theirs():
    values = np.random.default_rng(0).normal(size=(100, 100))
    values[3, 4] = 1e9
    edges, heights = histogram(values)
    assert edges[-1] == 1e9
    assert heights[-1] == pytest.approx(1e-4)
    assert sum(h > 0.02 for h in heights) >= 3, "the bulk is one bar"
    assert len(heights) == BARS


@pytest.mark.parametrize(
    "values",
    [np.zeros((5, 2)), np.full((5, 2), np.nan), np.full((5, 2), 7, np.uint8), np.array([["a"], ["b"]])],
    ids=["constant", "nothing finite", "one byte", "text"],
)
def test_what_has_no_spread_has_no_histogram(values):
    assert histogram(values) is None


def test_very_large_numbers_have_edges_that_rise():
    edges, heights = histogram(np.array([[-1e150], [0.0], [1e150]]))
    assert all(a < b for a, b in itertools.pairwise(edges))
    assert sum(heights) == pytest.approx(1, abs=1e-3)
