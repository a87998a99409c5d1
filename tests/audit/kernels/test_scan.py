"""The kernels against the reference, on all dtypes and on the numbers that break sums."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import scan_reference
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nandoctor.audit.kernels.scan import scan

DTYPES = ["f2", "f4", "f8", "u1", "i1", "?", "i2", "u2", "i4", "u4", "i8", "u8", ">f4", ">i4"]
SHAPES = [(1, 1), (7, 1), (5, 3), (300, 7), (3, 37, 35, 3), (2, 25, 35, 4), (9, 28, 28), (2, 9, 200), (9, 256)]


def mixture(dtype: str, shape: tuple[int, ...], seed: int = 0) -> NDArray[Any]:
    """Numbers of all sizes, with everything in them that a float can be."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return rng.integers(0, 2, shape).astype(kind)
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        some = rng.integers(limits.min, limits.max, shape, dtype=kind.newbyteorder("="), endpoint=True)
        return np.where(rng.random(shape) < 0.2, 0, some).astype(kind)
    limits = np.finfo(kind)
    power = rng.uniform(np.log2(float(limits.smallest_subnormal)), np.log2(float(limits.max)), shape)
    some = np.where(rng.random(shape) < 0.5, -1.0, 1.0) * np.exp2(power)
    special = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, float(limits.tiny), float(limits.max)], shape)
    with np.errstate(over="ignore"):
        return np.where(rng.random(shape) < 0.1, special, some).astype(kind)


def close(found: float | None, exact: float | None, tolerance: float) -> bool:
    if found is None or exact is None:
        return found is exact
    return found == exact or math.isclose(found, exact, rel_tol=tolerance)


def check(values: NDArray[Any], channels: int, tolerance: float = 1e-12) -> None:
    found = scan(values, channels)
    scan_reference.equal_facts(found.rows, scan_reference.row_facts(values))
    scan_reference.equal_facts(found.channels, scan_reference.channel_facts(values, channels))
    for ours, exact in zip(found.channels.moments, scan_reference.moments(values, channels), strict=True):
        assert ours.count == exact.count
        spread = exact.std or 0.0
        largest = max(spread, abs(exact.mean or 0.0))
        assert ours.mean == exact.mean or abs(ours.mean - exact.mean) <= tolerance * largest
        assert close(ours.std, exact.std, tolerance), (ours.std, exact.std)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_scan_finds_what_the_reference_finds(dtype: str, shape: tuple[int, ...]) -> None:
    values = mixture(dtype, shape)
    check(values, shape[-1])
    check(values, 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_total_of_a_row_is_that_of_its_finite_elements(dtype: str) -> None:
    values = mixture(dtype, (20, 333))
    found = scan(values, 1).rows.total
    for total, row in zip(found, values, strict=True):
        finite = [Fraction(v.item()) for v in row if np.isfinite(v)]
        if abs(sum(finite)) > np.finfo(float).max or sum(map(abs, finite)) > np.finfo(float).max:
            continue
        bound = float(sum(map(abs, finite))) * 1e-14
        assert abs(total - float(sum(finite))) <= bound


floats = st.sampled_from(["f2", "f4", "f8"]).flatmap(
    lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40))
)
whole = st.sampled_from(["u1", "i1", "i4", "i8", "u8"]).flatmap(
    lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40))
)


@given(st.one_of(floats, whole))
@settings(max_examples=150, deadline=None)
def test_scan_of_any_array(values: NDArray[Any]) -> None:
    check(values, values.shape[1], 1e-11)
    check(values, 1, 1e-11)


def test_squares_beyond_float64_are_not_infinite() -> None:
    values = np.array([[1e300, -1e300, 3e307], [1e-300, 2e-300, 3e-300]])
    huge, small = (scan(row[:, None], 1).channels.moments[0] for row in values)
    assert huge.std == pytest.approx(scan_reference.moments(values[0], 1)[0].std, rel=1e-13)
    assert small.std == pytest.approx(scan_reference.moments(values[1], 1)[0].std, rel=1e-13)


def test_integers_beyond_2_to_the_53_keep_their_spread() -> None:
    values = np.int64(2**60) + np.arange(1000, dtype=np.int64)[:, None]
    moments = scan(values, 1).channels.moments[0]
    assert moments.std == pytest.approx(np.arange(1000).std(), rel=1e-13)
    assert moments.total == sum(range(2**60, 2**60 + 1000)) << 2148


def test_integers_over_the_whole_range() -> None:
    values = np.array([[-(2**63)], [2**63 - 1], [0], [5]])
    check(values, 1)
    check(np.array([[0], [2**64 - 1], [5]], np.uint64), 1)


def test_a_large_mean_leaves_the_spread_exact() -> None:
    values = (1e6 + np.random.default_rng(0).normal(0, 1, (20_000, 1))).astype(np.float32)
    check(values, 1)


def test_an_outlier_first_does_not_spoil_the_mean() -> None:
    values = np.ones((20_000, 1), np.float32)
    values[0] = 1e30
    check(values, 1)


def test_bins_of_bytes() -> None:
    values = mixture("u1", (9, 11, 13))
    found = scan(values, 13, binned_rows=True)
    np.testing.assert_array_equal(found.bins, np.bincount(values.reshape(-1), minlength=256))
    expected = [np.bincount(row.reshape(-1), minlength=256) for row in values]
    np.testing.assert_array_equal(found.rows.bins, expected)
    np.testing.assert_array_equal(scan(values, 13).bins, found.bins)
    assert scan(values, 13).rows.bins is None
    assert scan(values.astype(np.int16), 13, binned_rows=True).rows.bins is None
    assert scan(values[:, :4, :4], 1, binned_rows=True).rows.bins is None  # 16 elements: less than their bins


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8", "i8"])
@pytest.mark.parametrize("size", [1, 3, 8, 1023, 4096])
def test_hash_is_of_the_bytes_of_the_row_alone(dtype: str, size: int) -> None:
    values = mixture(dtype, (50, size))
    hashes = scan(values, 1).rows.hash
    rows = {row.tobytes() for row in values}
    assert len(set(hashes.tolist())) == len(rows)
    np.testing.assert_array_equal(scan(values[17:18], 1).rows.hash, hashes[17:18])


def test_hash_tells_rows_apart_that_differ_in_little() -> None:
    """In one sign, two signs, two elements that changed places: the near misses of a sum."""
    row = np.ones(64, np.float32)
    rows = [row]
    for a in range(64):
        for b in range(a + 1):
            flipped = row.copy()
            flipped[[a, b]] *= -1 if a != b else -2
            rows.append(flipped)
    order = np.arange(64, dtype=np.float32)
    for a in range(63):
        moved = order.copy()
        moved[[a, a + 1]] = moved[[a + 1, a]]
        rows.append(moved)
    assert len(set(scan(np.stack(rows), 1).rows.hash.tolist())) == len(rows)


def test_hash_is_the_same_in_another_process() -> None:
    code = (
        "import numpy as np; from nandoctor.audit.kernels.scan import scan\n"
        "print(scan(np.arange(6.0).reshape(1, 6), 1).rows.hash[0])"
    )
    here = scan(np.arange(6.0).reshape(1, 6), 1).rows.hash[0]
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(there) == here


def test_facts_do_not_depend_on_where_the_memory_begins() -> None:
    data = np.zeros(4 * 300 + 1, np.uint8)
    values = data[1:].view(np.float32).reshape(10, 30)
    values[...] = mixture("f4", (10, 30))
    moved = scan(values, 30)
    plain = scan(values.copy(), 30)
    np.testing.assert_array_equal(moved.rows.hash, plain.rows.hash)
    assert moved.channels.moments == plain.channels.moments
