"""When a loss scaler's skipped steps are a fault, and when they are its way of working."""

import numpy as np
import pytest

from nandoctor.frameworks.protocol import Batch
from nandoctor.frameworks.reading import Reading
from nandoctor.watch.scaling import FAR_BELOW, MOST_SKIPS, LossScaling

BATCH = Batch(None, lambda data: {"input[0]": np.zeros((2, 1))})


def step(scale, *, skipped):
    gradients = float("nan") if skipped else 1.0
    return Reading(0, 0.5, gradients, 1.0, 0.1, 0.01, None, scale, skipped)


class Step:
    """A step whose gradients are finite below some scale; notes the scales that it was tried at."""

    def __init__(self, finite_below):
        self.finite_below = finite_below
        self.tried = []

    def __call__(self, batch, scale):
        self.tried.append(scale)
        return scale < self.finite_below


def follow(scaling, scales, skipped=True):
    return [scaling.is_endless(step(scale, skipped=skipped), BATCH) for scale in scales]


def halvings(start, count):
    return [start * 0.5**i for i in range(count)]


def test_the_search_for_a_scale_is_no_fault_and_costs_no_replay():
    gradient = Step(finite_below=8.0)
    scaling = LossScaling(gradient)
    assert not any(follow(scaling, halvings(2.0**15, 12)))
    assert not any(follow(scaling, [8.0] * 30, skipped=False))
    assert scaling.stuck_at_the_end() is None
    assert gradient.tried == []


def test_a_gradient_that_no_scale_helps_is_a_fault_once_the_scale_is_down_to_1():
    scaling = LossScaling(Step(finite_below=0.0))
    assert follow(scaling, halvings(2.0**15, 16)) == [False] * 15 + [True]


def test_a_gradient_that_a_scale_below_1_helps_is_none():
    gradient = Step(finite_below=0.01)
    assert not any(follow(LossScaling(gradient), halvings(4.0, 12)))
    assert gradient.tried
    assert set(gradient.tried) == {FAR_BELOW}


def test_a_step_that_cannot_be_tried_is_not_accused():
    assert not any(follow(LossScaling(lambda batch, scale: None), halvings(4.0, 12)))


@pytest.mark.parametrize(("steps", "stuck"), [(3, False), (6, True)])
def test_a_short_training_that_ends_amid_hopeless_steps_is_stuck(steps, stuck):
    scaling = LossScaling(Step(finite_below=0.0))
    follow(scaling, halvings(2.0**15, steps))
    assert (scaling.stuck_at_the_end() is BATCH) == stuck


@pytest.mark.parametrize(("steps", "stuck"), [(MOST_SKIPS - 1, False), (MOST_SKIPS, True)])
def test_a_training_spent_on_halving_is_stuck_though_a_scale_would_help(steps, stuck):
    scaling = LossScaling(Step(finite_below=1.0))
    follow(scaling, halvings(2.0**90, steps))
    assert (scaling.stuck_at_the_end() is BATCH) == stuck


def test_one_good_step_ends_the_count():
    scaling = LossScaling(Step(finite_below=0.0))
    follow(scaling, halvings(2.0**90, 40))
    follow(scaling, [4.0], skipped=False)
    assert scaling.stuck_at_the_end() is None
