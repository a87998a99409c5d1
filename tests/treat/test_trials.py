"""Successive halving and its answer, on trainings whose outcome is known by theory: no framework takes part."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nandoctor.errors import TreatError
from nandoctor.findings import Course, Setting, TrialResult, to_json
from nandoctor.frameworks.protocol import Present, Stretch
from nandoctor.treat import trials
from nandoctor.treat.trials import Wishes, affordable, largest_rate, rounds, settings_of


class Quadratic:
    """Gradient descent on `sum(curvature * w ** 2) / 2`: it shrinks below the rate `2 / curvature`, and grows above.

    What is told of it is what Keras would tell, in float32's range. Every optimizer descends as plain as any other, at
    its rate times `speed[optimizer]`.
    """

    def __init__(self, curvatures: list[float], rate: float, speed: dict[str, float] | None = None) -> None:
        self.present = Present("SGD", rate)
        self._curvatures = np.array(curvatures)
        self._speed = speed or {}
        self._weights: dict[Setting, np.ndarray] = {}
        self.steps: Counter[Setting] = Counter()

    def further(self, setting: Setting, steps: int) -> Stretch:
        weights = self._weights.setdefault(setting, np.ones(len(self._curvatures)))
        losses = []
        for _ in range(steps):
            losses.append(float(np.sum(self._curvatures * weights**2) / 2))
            self.steps[setting] += 1
            if losses[-1] > 3e38:
                return Stretch((*losses[:-1], math.inf), finite=False)
            gradient = self._curvatures * weights
            if isinstance(setting.clip, float):
                gradient = gradient * min(1.0, setting.clip / max(float(np.linalg.norm(gradient)), 1e-300))
            weights = weights - setting.rate * self._speed.get(setting.optimizer, 1.0) * gradient
        self._weights[setting] = weights
        return Stretch(tuple(losses))

    def forget(self, setting: Setting) -> None:
        self._weights.pop(setting, None)


class Scripted:
    """Each setting's losses are a function of setting and step."""

    def __init__(self, loss: Callable[[Setting, int], float | str], rate: float = 0.1) -> None:
        self.present = Present("SGD", rate)
        self._loss = loss
        self._taken: Counter[Setting] = Counter()

    def further(self, setting: Setting, steps: int) -> Stretch:
        losses: list[float] = []
        for _ in range(steps):
            loss = 1.0 if setting.rate == 0 else self._loss(setting, self._taken[setting])
            self._taken[setting] += 1
            if isinstance(loss, str):
                return Stretch(error=loss)
            losses.append(loss)
            if not math.isfinite(loss):
                return Stretch(tuple(losses), finite=False)
        return Stretch(tuple(losses))

    def forget(self, setting: Setting) -> None:
        """Nothing is kept."""


def tried(trainings: Quadratic | Scripted, wishes: Wishes | None = None, batches: int = 4) -> TrialResult:
    return trials.trial(trainings, batches, (), wishes or Wishes(steps=64), lambda text: None)


def course(result: TrialResult, setting: Setting) -> Course:
    return next(c for c in result.courses if c.setting == setting)


# -- what is tried ---------------------------------------------------------------------------------


def test_the_default_choice_is_some_twenty_settings_around_the_present_one() -> None:
    chosen = settings_of(Present("SGD", 10.0), ("inputs", "targets"), Wishes())
    assert len(chosen) == len(set(chosen)) == trials.SETTINGS == 20
    assert chosen[0] == Setting(optimizer="SGD", rate=10.0)
    own = {s.rate for s in chosen if s.own and s.plain}
    assert own == {30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.01}
    assert {s.optimizer for s in chosen if not s.own} == {"Adam", "Nadam", "RMSprop"}
    assert {s.standardised for s in chosen} == {(), ("inputs",), ("targets",), ("inputs", "targets")}
    assert {s.clip for s in chosen} == {None, 1.0}


def test_data_of_unit_scale_is_not_standardised_and_a_clip_that_is_there_is_taken_off() -> None:
    chosen = settings_of(Present("SGD", 10.0, clips=True), (), Wishes())
    assert {s.standardised for s in chosen} == {()}
    assert {s.clip for s in chosen} == {None, "none"}


def test_rates_of_other_optimizers_are_those_of_the_grid_where_that_is_near() -> None:
    chosen = settings_of(Present("Adam", 7e-4), (), Wishes())
    assert {s.rate for s in chosen if s.optimizer == "Nadam"} == {7e-4, 7e-5, 2.1e-4}
    assert {s.rate for s in chosen if s.optimizer == "SGD"} == {1e-2, 7e-4, 1e-1}


def test_what_the_user_names_is_combined_and_comes_after_the_scripts_own() -> None:
    wishes = Wishes(optimizers=("own", "Lion"), rates=(0.1, 0.2), clips=("none", 0.5))
    chosen = settings_of(Present("SGD", 10.0), ("inputs",), wishes)
    assert chosen[0] == Setting(optimizer="SGD", rate=10.0)
    assert len(chosen) == 9
    assert Setting(optimizer="Lion", own=False, rate=0.2, clip=0.5) in chosen
    assert not any(s.standardised for s in chosen)


def test_the_scripts_own_optimizer_named_by_its_class_is_its_own() -> None:
    chosen = settings_of(Present("Adam", 1e-3), (), Wishes(optimizers=("Adam",), rates=(1e-2,)))
    assert chosen == (Setting(optimizer="Adam", rate=1e-3), Setting(optimizer="Adam", rate=1e-2))


def test_an_optimizer_that_cannot_be_put_in_is_refused_where_it_is_named_and_left_out_where_not() -> None:
    present = Present("SGD and Adam", 0.1, replaceable=False)
    assert all(s.own for s in settings_of(present, (), Wishes()))
    with pytest.raises(TreatError, match="Nadam cannot be tried here"):
        settings_of(present, (), Wishes(optimizers=("Nadam",)))


@pytest.mark.parametrize("rate", [math.nan, math.inf, 0.0, -1.0])
def test_around_a_rate_that_cannot_be_multiplied_nothing_is_tried(rate: float) -> None:
    chosen = settings_of(Present("SGD", rate, schedule=True), (), Wishes())
    assert chosen[0].rate == trials.RATE
    assert all(math.isfinite(s.rate) and s.rate > 0 for s in chosen)


# -- halving ---------------------------------------------------------------------------------------


@given(st.integers(1, 500), st.integers(1, 60))
def test_rounds_double_and_end_with_the_last_step(steps: int, settings: int) -> None:
    lengths = rounds(steps, settings)
    assert lengths[-1] == steps
    assert all(2 * a in (b, b - 1) for a, b in itertools.pairwise(lengths))
    assert lengths[0] >= min(steps, trials.FEWEST)


@given(st.floats(1e-5, 100), st.integers(1, 40))
def test_slower_steps_never_buy_more_of_them(each: float, settings: int) -> None:
    steps = affordable(100.0, each, settings)
    assert 4 * trials.FEWEST <= steps <= trials.STEPS
    assert affordable(100.0, 2 * each, settings) <= steps


def test_the_better_half_goes_on_and_the_rest_ends() -> None:
    """At lower rates it learns slower, so it is known who stays."""
    rates = tuple(0.1 / 2**n for n in range(8))
    quadratic = Quadratic([1.0], 0.1)
    result = tried(quadratic, Wishes(rates=rates, steps=64))
    assert [course(result, Setting(optimizer="SGD", rate=r)).steps for r in rates] == [64, 32, 16, 16, 8, 8, 8, 8]
    assert quadratic.steps[Setting(optimizer="SGD", rate=rates[-1])] == 8
    assert result.best == Setting(optimizer="SGD", rate=0.1)


def test_the_scripts_own_setting_runs_to_the_end_whatever_its_place() -> None:
    result = tried(Quadratic([1.0], 1e-6), Wishes(rates=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), steps=64))
    assert result.courses[0].setting == result.own == Setting(optimizer="SGD", rate=1e-6)
    assert result.courses[0].steps == 64
    assert result.courses[0].outcome == "finite"


@given(
    st.lists(st.floats(0.01, 100), min_size=1, max_size=4),
    st.floats(0.02, 5.0),
)
def test_the_boundary_is_the_one_that_theory_gives(curvatures: list[float], part: float) -> None:
    """Gradient descent on a quadratic diverges from the rate 2 / (largest curvature) on."""
    boundary = 2 / max(curvatures)
    rates = tuple(boundary * part * factor for factor in (4.0, 1.0, 0.25, 0.06, 0.01))
    if any(0.9 < rate / boundary < 1.1 for rate in rates):
        return  # there 64 steps do not tell
    result = tried(Quadratic(curvatures, rates[0]), Wishes(rates=rates, steps=64))
    finite = trials.largest_rate(result.courses, learns=False)
    below = [rate for rate in rates if rate < boundary]
    assert finite == (max(below) if below else None)
    if finite is not None:
        assert course(result, Setting(optimizer="SGD", rate=finite)).steps == 64
    assert result.status == ("healthy" if rates[0] < boundary else "fault")


def test_a_rate_that_is_finite_at_first_and_runs_away_later_is_not_called_finite() -> None:
    """2.1 over the curvature: the loss grows by a fifth in each step, too little to be seen in the first round."""
    result = tried(Quadratic([1.0, 0.02], 0.5), Wishes(rates=(2.1, 1.5, 1.0, 0.5), steps=64))
    assert result.largest_rate == 1.5
    assert course(result, Setting(optimizer="SGD", rate=2.1)).outcome == "diverges"


def test_those_that_were_left_behind_get_their_turn_where_the_leaders_all_break() -> None:
    def loss(setting: Setting, step: int) -> float:
        if setting.rate >= 0.05:  # learns at once, and breaks after the second round
            return 0.1 if step < 40 else math.nan
        return 1.0 - 0.01 * step / 2

    rates = (0.1, 0.09, 0.08, 0.07, 0.06, 0.01, 0.005)
    result = tried(Scripted(loss), Wishes(rates=rates, steps=64))
    assert result.best is not None
    assert result.best.rate in (0.01, 0.005)
    assert result.largest_rate == 0.01
    assert course(result, result.own).why == "the loss is nan at step 41"


def test_also_where_those_left_behind_have_another_optimizer() -> None:
    def loss(setting: Setting, step: int) -> float:
        if setting.own:
            return 0.1 if step < 40 else math.nan
        return 1.0 - 0.005 * step * setting.rate

    wishes = Wishes(optimizers=("own", "Adam"), rates=(0.1, 0.3, 0.5, 0.7), steps=64)
    result = tried(Scripted(loss), wishes)
    assert result.best == Setting(optimizer="Adam", own=False, rate=0.7)
    assert course(result, result.best).steps == 64
    assert result.largest_rate is None


def test_a_step_that_raises_is_told_and_harms_no_other() -> None:
    def loss(setting: Setting, step: int) -> float | str:
        return "the step raises ValueError: no" if setting.optimizer == "Adam" else 1.0 / (1 + step)

    result = tried(Scripted(loss))
    failed = [c for c in result.courses if c.setting.optimizer == "Adam"]
    assert {(c.outcome, c.why, c.steps) for c in failed} == {("error", "the step raises ValueError: no", 0)}
    assert all(c.outcome == "learns" for c in result.courses if c not in failed)


def test_the_same_trial_gives_the_same_result() -> None:
    first, second = (tried(Quadratic([1.0, 3.0], 0.3)) for _ in range(2))
    assert first.courses == second.courses
    assert first.answer == second.answer


def test_the_speed_decides_how_long_the_longest_training_is() -> None:
    ticks = iter(range(10_000))
    result = trials.trial(Quadratic([1.0], 0.1), 4, (), Wishes(), lambda text: None, lambda: 8.0 * next(ticks))
    assert result.steps == 16  # one second a step, for twenty settings in 100 seconds
    quick = trials.trial(Quadratic([1.0], 0.1), 4, (), Wishes(), lambda text: None)
    assert quick.steps == 64


# -- the answer ------------------------------------------------------------------------------------


def test_the_answer_names_the_boundary_and_the_fastest() -> None:
    result = tried(Quadratic([1.0], 10.0, {"Nadam": 500.0, "Adam": 0.1, "RMSprop": 0.1}))
    assert result.answer.startswith("Learning rate 1 and below stays finite with SGD, 3 does not; ")
    assert "SGD at 1 learns fastest (loss 0.5 to 0 in 64 steps)" in result.answer
    assert (result.status, result.largest_rate) == ("fault", 1.0)


def test_the_answer_names_what_else_keeps_the_rate() -> None:
    def loss(setting: Setting, step: int) -> float:
        return math.inf if setting.rate == 0.1 and setting.clip is None else 1.0 / (1 + step)

    result = tried(Scripted(loss), Wishes(clips=(1.0,), rates=(0.1, 0.01), steps=16))
    assert result.answer.endswith(" At the script's own rate it learns with global_clipnorm=1.")


def test_where_nothing_learns_that_is_said() -> None:
    result = tried(Scripted(lambda setting, step: 1.0))
    assert "nothing that was tried learns" in result.answer
    assert (result.best, result.largest_rate, result.status) == (None, None, "healthy")


def test_a_setting_as_good_as_any_is_not_talked_out_of_the_script() -> None:
    result = tried(Scripted(lambda setting, step: 1.0 / (1 + step) - 1e-4 * (setting.optimizer == "Adam")))
    assert result.best == result.own
    assert "the script's own setting, SGD at 0.1, learns as fast as any" in result.answer


def test_what_is_broken_before_anything_is_learnt_is_not_blamed_on_the_rate() -> None:
    broken = Scripted(lambda setting, step: 1.0)
    broken.further = lambda setting, steps: Stretch((1.0, math.nan), finite=False)  # type: ignore[method-assign]
    result = tried(broken)
    assert result.answer.startswith("Before anything is learnt, at a rate of 0, the loss is nan at batch 2: no rate")
    assert {c.outcome for c in result.courses} == {"diverges"}
    assert {c.steps for c in result.courses} == {0}
    assert result.status == "fault"


def test_a_step_that_never_runs_is_told_as_such() -> None:
    broken = Scripted(lambda setting, step: 1.0)
    broken.further = lambda setting, steps: Stretch(error="the step raises ValueError: no")  # type: ignore[method-assign]
    result = tried(broken)
    assert result.answer == "No setting can be tried: the step raises ValueError: no."
    assert {c.outcome for c in result.courses} == {"error"}


def test_a_loss_below_zero_can_fall_too() -> None:
    def loss(setting: Setting, step: int) -> float:
        return 1.0 - 0.1 * step

    result = tried(Scripted(loss))
    assert result.courses[0].outcome == "learns"
    assert result.courses[0].loss is not None
    assert result.courses[0].loss < 0


def test_the_largest_rate_has_none_below_it_that_diverges() -> None:
    def of(rate: float, outcome: str) -> Course:
        return Course(setting=Setting(optimizer="SGD", rate=rate), outcome=outcome)  # type: ignore[arg-type]

    assert largest_rate([of(1.0, "learns"), of(0.1, "diverges"), of(0.01, "learns"), of(0.001, "finite")]) == 0.01
    assert largest_rate([of(1.0, "diverges"), of(0.1, "finite")]) is None
    assert largest_rate([of(1.0, "diverges"), of(0.1, "finite")], learns=False) == 0.1
    clipped = Course(setting=Setting(optimizer="SGD", rate=5.0, clip=1.0), outcome="learns")
    assert largest_rate([clipped, of(0.1, "learns")]) == 0.1


def test_the_document_is_json_with_no_number_beyond_it() -> None:
    result = tried(Quadratic([1.0], 1e30))
    document = json.loads(to_json(result), parse_constant=pytest.fail)
    assert (document["schema"], document["command"]) == (1, "trial")
    assert document["courses"][0]["losses"][-1] == "inf"
    assert len(document["courses"]) == len(result.courses)
