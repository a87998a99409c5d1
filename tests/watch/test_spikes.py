"""A spike is told from the steps before it, which no NaN and no spike can poison."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nandoctor.watch.spikes import FEWEST, WINDOW, Level, Spikes


def level_of(values):
    level = Level()
    for value in values:
        level.add(value)
    return level


def test_too_few_steps_judge_nothing():
    assert level_of([1.0] * (FEWEST - 1)).limit(6.0) == math.inf
    assert level_of([1.0] * FEWEST).limit(6.0) < math.inf


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_leaves_no_trace(bad):
    rng = np.random.default_rng(0)
    values = [float(v) for v in rng.normal(5, 1, 40)]
    assert level_of([*values[:10], bad, *values[10:], bad]).limit(6.0) == level_of(values).limit(6.0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=FEWEST, max_size=3 * WINDOW), st.floats(1, 20))
def test_the_limit_is_that_of_the_median_and_its_deviation_over_the_window(values, sigmas):
    last = np.array(values[-WINDOW:])
    middle = np.median(last)
    deviation = 1.4826 * np.median(np.abs(last - middle))
    expected = middle + sigmas * max(deviation, 0.01 * abs(middle))
    assert level_of(values).limit(sigmas) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_rounding_is_no_spike_where_all_steps_are_alike():
    assert level_of([1.0] * 50).limit(6.0) > 1.0 + 1e-3


def test_loss_and_gradient_have_levels_of_their_own():
    spikes = Spikes(6.0)
    for n in range(40):
        spikes.add(1.0 + 0.01 * (n % 3), math.nan)
    loss, gradient = spikes.limits
    assert loss < 2.0
    assert gradient == math.inf
