"""Rows to blame, by experiments whose truth is planted."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nandoctor.diagnose.rows import MOST_REPLAYS, rows_by_experiment, rows_by_value
from nandoctor.trace.graph import Value
from nandoctor.trace.origin import Origin


class Step:
    """A step that breaks on some rows: on each of `alone` by itself, on `together` only if all of them are there."""

    def __init__(self, alone=(), together=()):
        self.alone, self.together = set(alone), set(together)
        self.replays = 0

    def is_finite(self, rows):
        self.replays += 1
        assert rows, "a step is never run on no rows"
        return not (self.alone & set(rows) or (self.together and self.together <= set(rows)))


@st.composite
def planted(draw, most_rows, least, most):
    size = draw(st.integers(max(2, least), most_rows))
    return size, draw(st.sets(st.integers(0, size - 1), min_size=least, max_size=most))


@given(planted(most_rows=256, least=1, most=3))
def test_rows_that_act_alone_are_found(case):
    size, bad = case
    step = Step(alone=bad)
    assert rows_by_experiment(step.is_finite, size) == tuple(sorted(bad))


@given(planted(most_rows=200, least=0, most=200))
def test_no_bad_row_is_ever_missed(case):
    size, bad = case
    step = Step(alone=bad)
    found = rows_by_experiment(step.is_finite, size)
    assert bad <= set(found)
    assert bool(found) == bool(bad)
    assert step.replays <= MOST_REPLAYS + 1


@given(planted(most_rows=128, least=2, most=2))
def test_a_pair_that_acts_together_is_found(case):
    size, pair = case
    assert rows_by_experiment(Step(together=pair).is_finite, size) == tuple(sorted(pair))


@pytest.mark.parametrize("pair", list(itertools.combinations(range(7), 2)))
def test_every_pair_of_a_small_batch_is_found(pair):
    assert rows_by_experiment(Step(together=pair).is_finite, 7) == pair


@pytest.mark.parametrize(("size", "halvings"), [(32, 5), (128, 7), (512, 9)])
def test_one_bad_row_takes_a_replay_for_each_halving_and_three_more(size, halvings):
    for row in range(size):
        step = Step(alone={row})
        assert rows_by_experiment(step.is_finite, size) == (row,)
        assert halvings + 2 <= step.replays <= halvings + 3


@pytest.mark.parametrize(("size", "halvings"), [(32, 5), (128, 7), (512, 9)])
def test_each_further_row_takes_as_many_again(size, halvings):
    generator = random.Random(0)
    for _ in range(100):
        bad = generator.sample(range(size), 3)
        for kind, most in (("alone", 1 + 3 * (halvings + 2)), ("together", 1 + (halvings + 2) + 3 * (halvings + 2))):
            step = Step(**{kind: bad})
            assert rows_by_experiment(step.is_finite, size) == tuple(sorted(bad))
            assert step.replays <= most


def test_nothing_is_asked_twice_and_no_part_of_what_stays_finite():
    asked = []

    def is_finite(rows):
        assert not any(set(rows) <= set(part) for part, finite in asked if finite)
        assert (list(rows), False) not in asked
        asked.append((list(rows), not {3, 17, 18, 40} & set(rows)))
        return asked[-1][1]

    assert rows_by_experiment(is_finite, 64) == (3, 17, 18, 40)


def test_a_row_alone_and_a_pair_that_acts_together_are_both_found():
    step = Step(alone={9}, together={30, 61})
    assert rows_by_experiment(step.is_finite, 64) == (9, 30, 61)


def test_rows_are_in_order():
    assert rows_by_experiment(Step(alone={9, 2, 5}).is_finite, 12) == (2, 5, 9)


def test_a_batch_of_which_no_part_runs_is_blamed_as_a_whole():
    assert rows_by_experiment(lambda rows: False if len(rows) == 6 else None, 6) == (0, 1, 2, 3, 4, 5)


@pytest.mark.parametrize("answer", [True, None])
def test_a_step_that_does_not_break_again_blames_no_row(answer):
    assert rows_by_experiment(lambda rows: answer, 8) == ()


@given(size=st.integers(2, 40), answers=st.lists(st.sampled_from([True, False, None]), min_size=1))
def test_a_step_that_answers_at_random_does_no_harm(size, answers):
    answer = itertools.cycle(answers)
    asked = []

    def is_finite(rows):
        asked.append(list(rows))
        return next(answer)

    found = rows_by_experiment(is_finite, size)
    assert sorted(set(found)) == list(found)
    assert set(found) <= set(range(size))
    assert all(asked)
    assert len(asked) <= MOST_REPLAYS + 1


def test_without_time_nothing_is_left_out():
    assert rows_by_experiment(Step(alone={3}).is_finite, 4, seconds=-1.0) == (0, 1, 2, 3)


def test_a_batch_of_one_row_needs_no_experiment():
    step = Step(alone={0})
    assert (rows_by_experiment(step.is_finite, 1), step.replays) == ((), 0)


def origin_of(array):
    value = Value(0, None if array is None else np.asarray(array), np.shape(array), "float32")
    return Origin(None, value, value, "loss", "loss", ())


def test_rows_are_those_with_a_bad_element():
    assert rows_by_value(origin_of([[1.0, np.nan], [0.0, 1.0], [np.inf, 2.0]]), 3) == (0, 2)


def test_of_a_table_of_pairs_those_that_are_bad_with_every_other():
    table = np.zeros((5, 5))
    table[2, :] = table[:, 2] = np.nan
    assert rows_by_value(origin_of(table), 5) == (2,)
    table[2, 2] = 0.0  # a distance to itself may well be finite
    assert rows_by_value(origin_of(table), 5) == (2,)
    table[0, 1] = np.nan  # and something else beside them: the pattern is another
    assert rows_by_value(origin_of(table), 5) == (0, 1, 2, 3, 4)
    assert rows_by_value(origin_of(np.full((3, 3), np.nan)), 3) == (0, 1, 2)


@pytest.mark.parametrize(
    ("array", "batch_size"),
    [(None, 3), (np.nan, 3), ([np.nan, 1.0], 3), ([np.nan, 1.0], None), ([np.nan], 1)],
    ids=["dropped", "scalar", "other axis", "unknown size", "one row"],
)
def test_a_value_without_a_batch_axis_tells_no_rows(array, batch_size):
    assert rows_by_value(origin_of(array), batch_size) is None
