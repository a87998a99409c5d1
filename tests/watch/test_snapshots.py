"""Snapshots reach far back, cost little, and stay inside their budget."""

import math

import numpy as np
import pytest

from nandoctor.watch import snapshots
from nandoctor.watch.snapshots import Snapshots

KB = 1024


class Training:
    """A state that grows by one each step, so that a snapshot tells its step."""

    def __init__(self, size=KB):
        self.step = 0
        self.size = size
        self.copies = 0

    def state(self):
        self.copies += 1
        return {"weight": np.full(self.size // 8, self.step, np.float64)}

    def run(self, kept, steps):
        for _ in range(steps):
            self.step += 1
            kept.before_step(self.step)


@pytest.fixture
def free_copies(monkeypatch):
    """Copying never counts as slow, so that the interval stays what it was."""
    monkeypatch.setattr(snapshots, "SHARE", math.inf)


def steps_of(kept):
    return [snapshot.step for snapshot in kept.kept]


@pytest.mark.usefixtures("free_copies")
@pytest.mark.parametrize("room", [0, 1, 2, 3, 5, 50])
def test_the_budget_is_respected(room):
    training = Training()
    kept = Snapshots(training.state, budget=room * KB)
    for _ in range(300):
        training.run(kept, 1)
        assert sum(a.nbytes for s in kept.kept for a in s.state.values()) <= room * KB


@pytest.mark.usefixtures("free_copies")
def test_the_budget_is_respected_by_a_state_that_grows():
    training = Training()
    kept = Snapshots(training.state, budget=5 * KB)
    training.run(kept, 10)
    training.size = 3 * KB
    training.run(kept, 100)
    assert sum(a.nbytes for s in kept.kept for a in s.state.values()) <= 5 * KB


@pytest.mark.usefixtures("free_copies")
@pytest.mark.parametrize("room", [0, 1])
def test_states_that_cannot_be_kept_are_not_copied_on_and_on(room):
    training = Training()
    training.run(Snapshots(training.state, budget=room * KB), 100)
    assert training.copies <= 2


@pytest.mark.usefixtures("free_copies")
@pytest.mark.parametrize("room", [1, 2, 5])
def test_the_first_state_is_kept_for_good(room):
    training = Training()
    kept = Snapshots(training.state, budget=room * KB)
    training.run(kept, 1000)
    assert (kept.kept[0].step, kept.kept[0].state["weight"][0]) == (1, 1)


@pytest.mark.usefixtures("free_copies")
def test_a_snapshot_is_the_state_before_its_step():
    training = Training()
    kept = Snapshots(training.state)
    training.run(kept, 200)
    assert [s.state["weight"][0] for s in kept.kept] == steps_of(kept)


@pytest.mark.usefixtures("free_copies")
@pytest.mark.parametrize("steps", [200, 1000, 4001, 10_000])
def test_distances_grow_with_age(steps):
    training = Training()
    kept = Snapshots(training.state)
    training.run(kept, steps)
    ages = [steps - step for step in reversed(steps_of(kept))]
    gaps = np.diff(ages)
    assert len(ages) == 5
    assert ages[0] < 8
    assert (np.diff(gaps) > 0).all()


@pytest.mark.usefixtures("free_copies")
def test_a_recent_state_is_always_near():
    training = Training()
    kept = Snapshots(training.state)
    for _ in range(500):
        training.run(kept, 1)
        assert training.step - steps_of(kept)[-1] < 8


def test_slow_copies_become_rare(monkeypatch):
    clock = iter(range(1_000_000))
    monkeypatch.setattr(snapshots.time, "perf_counter", lambda: next(clock))  # a copy takes as long as eight steps
    training = Training()
    training.run(Snapshots(training.state), 1000)
    assert training.copies <= 12
