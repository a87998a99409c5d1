"""What follows a refused step, decided on counts and on the history alone."""

import numpy as np
import pytest

from nandoctor.findings import StepRecord
from nandoctor.watch.policy import Policy, healthy_snapshot
from nandoctor.watch.snapshots import Snapshot


def test_skips_that_are_rare_go_on_without_end():
    policy = Policy("skip", max_skips=10)
    assert {policy.decide(step) for step in range(10, 10_000, 10)} == {"skip"}  # 10 of any 100 steps


def test_one_skip_more_than_allowed_in_the_last_100_steps_ends_the_training():
    policy = Policy("skip", max_skips=10)
    assert [policy.decide(step) for step in range(1, 11)] == ["skip"] * 10
    assert policy.decide(11) == "stop"


def test_a_skip_100_steps_ago_is_forgotten_and_one_99_steps_ago_is_not():
    late, early = Policy("skip", max_skips=1), Policy("skip", max_skips=1)
    assert [late.decide(1), late.decide(101)] == ["skip", "skip"]
    assert [early.decide(1), early.decide(100)] == ["skip", "stop"]


@pytest.mark.parametrize("on_fault", ["rollback", "treat"])
def test_going_back_is_bounded(on_fault):
    policy = Policy(on_fault, max_rollbacks=2)
    decisions = []
    for step in (100, 1000, 10_000):
        decisions.append(policy.decide(step))
        policy.rolled_back()
    assert decisions == [on_fault, on_fault, "stop"]


def test_a_spike_is_no_fault_of_the_settings():
    assert Policy("treat").decide(50, spike=True) == "skip"
    assert Policy("rollback").decide(50, spike=True) == "rollback"
    assert Policy("stop").decide(50, spike=True) == "stop"


def history(losses, first=1):
    return [StepRecord(step=n, epoch=0, batch=n - 1, loss=loss) for n, loss in enumerate(losses, first)]


def snapshots(*steps):
    return [Snapshot(step, {"weight w": np.zeros(1)}) for step in steps]


def test_the_latest_state_is_taken_where_nothing_grew():
    noisy = [1.0, 3.0, 0.4, 2.0] * 10
    assert healthy_snapshot(snapshots(1, 9, 33, 41), history(noisy)).step == 41


def test_a_state_amid_the_growth_is_passed_over():
    running_away = [1.0] * 20 + [10.0**n for n in range(1, 20)]
    assert healthy_snapshot(snapshots(1, 9, 17, 25, 33), history(running_away)).step == 17


def test_a_single_outlier_does_not_cost_the_latest_state():
    assert healthy_snapshot(snapshots(1, 33, 41), history([1.0] * 38 + [1e6] + [1.0] * 2)).step == 41


def test_where_all_has_grown_the_first_state_is_left():
    assert healthy_snapshot(snapshots(1, 9), history([4.0**n for n in range(12)])).step == 1


def test_a_fault_soon_after_going_back_goes_back_further_and_one_much_later_does_not():
    calm = history([1.0] * 200)
    assert healthy_snapshot(snapshots(1, 100, 180), calm, last_rollback=20).step == 100
    assert healthy_snapshot(snapshots(1, 100, 180), calm, last_rollback=120).step == 180


def test_nothing_is_kept_nothing_is_found():
    assert healthy_snapshot([], history([1.0])) is None


def test_steps_that_were_left_out_say_nothing():
    assert healthy_snapshot(snapshots(1, 17), history(["nan"] * 3 + [1.0] * 10 + ["nan"] * 6)).step == 17
