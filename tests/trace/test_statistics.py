"""What `tensor_stats` says of an array, against float64 arithmetic."""

import math

import ml_dtypes
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nandoctor.findings import TensorStats
from nandoctor.trace.statistics import is_floating, tensor_stats

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
FLOATS = [np.float16, np.float32, np.float64]
REAL = st.sampled_from([*FLOATS, np.int8, np.uint8, np.int32, np.int64, np.uint64])


def _often_bad(dtype):
    elements = st.sampled_from([math.nan, math.inf, -math.inf, 0.0]) | hnp.from_dtype(np.dtype(dtype))
    return hnp.arrays(dtype, SHAPES, elements=elements, fill=st.nothing())


ANY_FLOATS = st.sampled_from(FLOATS).flatmap(_often_bad)


@given(ANY_FLOATS)
def test_counts_are_those_of_numpy(array):
    stats = tensor_stats(array)
    assert (stats.shape, stats.dtype, stats.count) == (array.shape, array.dtype.name, array.size)
    assert stats.nan == np.isnan(array).sum()
    assert (stats.posinf, stats.neginf) == (np.isposinf(array).sum(), np.isneginf(array).sum())
    assert stats.zero == (array == 0).sum()
    assert stats.finite == np.isfinite(array).all()


@given(hnp.arrays(REAL, SHAPES))
def test_moments_are_those_of_the_finite_part_in_float64(array):
    stats = tensor_stats(array)
    finite = [float(x) for x in array.ravel() if np.isfinite(x)]
    if not finite:
        assert (stats.min, stats.max, stats.mean, stats.std, stats.absmax) == (None,) * 5
        return
    largest = max(map(abs, finite))
    scale = largest or 1.0
    mean = math.fsum(x / scale for x in finite) / len(finite)
    std = math.sqrt(math.fsum((x / scale - mean) ** 2 for x in finite) / len(finite))
    assert (stats.min, stats.max, stats.absmax) == (min(finite), max(finite), largest)
    assert stats.mean == pytest.approx(mean * scale, rel=1e-9, abs=1e-9 * scale)
    assert stats.std == pytest.approx(std * scale, rel=1e-9, abs=1e-9 * scale)


def test_the_largest_floats_do_not_overflow():
    largest = float(np.finfo(np.float64).max)
    stats = tensor_stats(np.array([largest, largest]))
    assert (stats.mean, stats.std) == (largest, 0.0)


@given(ANY_FLOATS)
def test_first_bad_is_the_first_element_that_is_not_finite(array):
    bad = [index for index in np.ndindex(array.shape) if not np.isfinite(array[index])]
    assert tensor_stats(array).first_bad == (bad[0] if bad else None)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_subnormal_numbers_are_told_from_zero(dtype):
    info = np.finfo(dtype)
    stats = tensor_stats(np.array([0, info.smallest_subnormal, -info.smallest_subnormal, info.tiny, 1], dtype))
    assert (stats.zero, stats.subnormal) == (1, 2)


def test_bfloat16_is_read_like_a_float():
    array = np.array([1.0, np.nan, -np.inf, 3.0], ml_dtypes.bfloat16)
    assert is_floating(array.dtype)
    stats = tensor_stats(array)
    assert (stats.dtype, stats.nan, stats.neginf, stats.max) == ("bfloat16", 1, 1, 3.0)


def test_complex_numbers_are_read_by_their_magnitude():
    stats = tensor_stats(np.array([3 + 4j, complex("nan"), complex("inf")], np.complex64))
    assert (stats.nan, stats.posinf, stats.max, stats.first_bad) == (1, 1, 5.0, (1,))


def test_a_large_complex_number_is_not_taken_for_infinity():
    largest = np.finfo(np.float32).max
    assert tensor_stats(np.array([complex(largest, largest)], np.complex64)).finite


def test_a_mask_counts_its_false():
    stats = tensor_stats(np.array([True, False, False]))
    assert (stats.dtype, stats.zero, stats.mean) == ("bool", 2, pytest.approx(1 / 3))


def test_text_has_a_shape_and_no_numbers():
    assert tensor_stats(np.array(["a", "b"])) == TensorStats(shape=(2,), dtype="str32", count=2)


@given(ANY_FLOATS)
def test_every_number_survives_json(array):
    stats = tensor_stats(array)
    assert msgspec.json.decode(msgspec.json.encode(stats), type=TensorStats) == stats
