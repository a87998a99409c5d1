"""Moments against fractions."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nandoctor.audit.profile.exact import ExactMoments, merged

numbers = st.floats(allow_nan=False, allow_infinity=False)


def of(*values: float) -> ExactMoments:
    return merged(ExactMoments.around(1, value, 0.0, 0.0) for value in values)


@given(st.lists(numbers, min_size=1, max_size=8))
def test_mean_and_std_are_those_of_arbitrary_precision(values: list[float]) -> None:
    found = of(*values)
    with mpmath.workprec(5000):
        mean = mpmath.fsum(values) / len(values)
        std = mpmath.sqrt(mpmath.fsum((v - mean) ** 2 for v in values) / len(values))
        assert found.mean == float(mean)
        assert found.std == pytest.approx(float(std), rel=1e-15, abs=5e-324)


@given(st.lists(numbers, min_size=3, max_size=3))
def test_merging_is_associative(values: list[float]) -> None:
    a, b, c = map(of, values)
    assert (a + b) + c == a + (b + c) == (c + a) + b


@given(st.integers(-500, 500), st.floats(1e-100, 1e100))
def test_scaled_is_of_the_numbers_times_a_power_of_two(power: int, value: float) -> None:
    assert of(value, -3 * value).scaled(power) == of(math.ldexp(value, power), -3 * math.ldexp(value, power))


def test_the_variance_of_the_largest_is_infinite_and_their_std_is_not() -> None:
    largest = float(np.finfo(float).max)
    found = of(largest, -largest)
    assert found.variance == math.inf
    assert found.std == largest
    assert of(largest, largest).std == 0.0
    assert of().std is None
