"""Which setting is chosen, from the losses that each of them gave."""

import math

import pytest

from nandoctor.frameworks.protocol import Change
from nandoctor.watch.settings import best_setting, neighbours_are_healthy


class Replays:
    """Gives losses by the change that is tried, and `nan` for any other."""

    def __init__(self, losses):
        self.losses = losses
        self.tried = []

    def losses_with(self, start, batches, steps, change):
        self.tried.append(change)
        return self.losses.get((change.learning_rate, change.clip_norm), [math.nan])[:steps]


BATCHES = ["a", "b"]
FALLING = [1.0 - 0.01 * n for n in range(20)]
FALLING_FAST = [1.0 - 0.04 * n for n in range(20)]
GROWING = [1.0 + 0.1 * n for n in range(20)]


def test_of_those_that_hold_the_one_that_learns_fastest_is_chosen():
    held = best_setting({}, BATCHES, Replays({(0.3, None): FALLING, (0.1, None): FALLING_FAST, (1.0, 1.0): FALLING}))
    assert held.change == Change(learning_rate=0.1)
    assert held.loss == pytest.approx((FALLING_FAST[-1] + FALLING_FAST[-2]) / 2)


@pytest.mark.parametrize("losses", [GROWING, [*FALLING[:19], math.inf], FALLING[:12], []])
def test_what_grows_or_breaks_or_ends_early_does_not_hold(losses):
    assert best_setting({}, BATCHES, Replays({(0.3, None): losses})) is None


def test_batches_that_differ_are_compared_with_themselves():
    alternating = [1.0, 5.0] * 9 + [0.9, 4.9]
    assert best_setting({}, BATCHES, Replays({(0.3, None): alternating})) is not None


def test_neighbours_are_tried_as_they_are():
    replays = Replays({(1.0, None): FALLING})
    assert neighbours_are_healthy({}, BATCHES, replays)
    assert replays.tried == [Change()]
    assert not neighbours_are_healthy({}, BATCHES, Replays({(1.0, None): GROWING}))
    assert not neighbours_are_healthy({}, [], replays)
