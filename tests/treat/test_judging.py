"""What an attempt comes to: each thing that may fail, fails the remedy, with its reason."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import msgspec
import pytest

from nandoctor.findings import StepRecord
from nandoctor.frameworks.protocol import Look
from nandoctor.treat.attempt import Attempt, FromStart, OnCapsule
from nandoctor.treat.judging import judge

HEALTHY = (Look(1.0, (0.5, 0.25)), Look(1.2, (0.75, 0.5)))
CURED = OnCapsule(
    broken=Look(0.9, (0.1, 0.2)),
    finite=True,
    healthy=HEALTHY,
    onward=tuple(Look(1.0 - 0.01 * n, (0.1, 0.1)) for n in range(20)),
)
UNTREATED = OnCapsule(broken=Look(math.nan, (math.nan, math.nan)), finite=False, healthy=HEALTHY)
RUN = FromStart(losses=tuple(1.0 - 0.01 * n for n in range(40)), gradients=(0.1,) * 40, passed=True, ended="itself")
BOTH = Attempt(on_capsule=CURED, from_start=RUN)
HISTORY = tuple(StepRecord(step=n + 1, epoch=0, batch=n, loss=1.0 - 0.01 * n) for n in range(5))


def on_capsule(**changes: object) -> Attempt:
    return msgspec.structs.replace(BOTH, on_capsule=msgspec.structs.replace(CURED, **changes))


def run(**changes: object) -> Attempt:
    return msgspec.structs.replace(BOTH, from_start=msgspec.structs.replace(RUN, **changes))


def alone(attempt: Attempt) -> Attempt:
    return msgspec.structs.replace(attempt, on_capsule=None)


def test_a_cure_holds() -> None:
    found = judge(BOTH, UNTREATED, HISTORY, step=6)
    assert found.holds
    assert (found.finite, found.gradients_finite, found.still_learns, found.healthy_unchanged) == (True,) * 4
    assert (found.steps_replayed, found.whole, found.why) == (63, True, None)


DEAD = tuple(replace(look, gradients=(0.0, 0.0)) for look in HEALTHY)

REFUSED = [
    (on_capsule(finite=False, broken=Look(math.inf, (1.0,))), "the loss is still inf"),
    (on_capsule(finite=False, broken=Look(1.0, (1.0, math.nan))), "the loss is finite, and 1 of 2 gradients are still"),
    (on_capsule(finite=False, broken=None), "the loss is still not finite"),
    (on_capsule(broken=Look(1.0, (1e19, 1.0))), r"the gradient is finite, and 1e\+19 long"),
    (on_capsule(healthy=DEAD), "it stops learning: gradients of healthy batches"),
    (on_capsule(onward=(*CURED.onward[:7], Look(math.nan, (1.0,)))), "8 steps on the loss or a gradient is not finite"),
    (on_capsule(onward=tuple(Look(1.0 + n, (1.0,)) for n in range(20))), "the loss rises over the next steps"),
    (on_capsule(onward=(Look(1.0, (0.0,)),) * 20), "it stops learning: all gradients are 0"),
    (on_capsule(error="ValueError: shapes"), "it raises ValueError: shapes"),
    (run(ended="fault", fault="gradient", losses=RUN.losses[:5]), "run from its start, the gradient is still not .* 6"),
    (
        run(ended="fault", fault="loss", losses=RUN.losses[:30]),
        "run from its start, the loss is not finite 25 steps past",
    ),
    (run(ended="error", error="NameError: x"), "it raises NameError: x"),
    (alone(run(losses=tuple(1.0 + n for n in range(40)))), "the loss rises, from "),
    (alone(run(losses=(2.0,) * 40, gradients=(0.0,) * 40)), "it stops learning: all gradients are 0 in the run"),
    (alone(run(ended="fault", fault="loss", losses=(), passed=False)), "the loss is not finite in the first step"),
    (alone(run(ended="error", error="it crashed", losses=(), passed=False)), "it raises it crashed"),
]


@pytest.mark.parametrize(("attempt", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_does_not_hold_is_refused_with_its_reason(attempt: Attempt, why: str) -> None:
    found = judge(attempt, UNTREATED, HISTORY, step=6)
    assert not found.holds
    assert found.why is not None
    assert re.match(why, found.why), found.why


def test_what_came_nowhere_is_not_refused_and_not_proven() -> None:
    early = judge(alone(run(losses=RUN.losses[:3], passed=False, ended="limit")), None, HISTORY, step=600)
    assert not early.holds
    assert early.not_possible == "in the time that it was given it came to step 3 of 600"
    never = judge(Attempt(from_start=FromStart()), None, (), step=6)
    assert never.not_possible == "in the time that it was given no step was taken"


def test_the_capsule_alone_can_prove() -> None:
    late = judge(run(losses=RUN.losses[:3], passed=False, ended="limit"), UNTREATED, HISTORY, step=600)
    assert late.holds
    assert not late.whole


def test_healthy_batches_that_change_are_seen() -> None:
    other = tuple(replace(look, loss=look.loss * 1.01) for look in HEALTHY)
    assert judge(on_capsule(healthy=other), UNTREATED, HISTORY, step=6).healthy_unchanged is False
    rounded = tuple(replace(look, loss=look.loss * (1 + 1e-6)) for look in HEALTHY)
    assert judge(on_capsule(healthy=rounded), UNTREATED, HISTORY, step=6).healthy_unchanged is True


def test_where_healthy_batches_are_the_same_the_course_of_the_loss_is_the_scripts_own() -> None:
    assert judge(run(losses=(0.0, *(0.3 + 0.01 * n for n in range(20)))), UNTREATED, HISTORY, step=6).holds


def test_a_batch_that_was_not_finite_before_is_no_healthy_one() -> None:
    spoilt = msgspec.structs.replace(UNTREATED, healthy=(HEALTHY[0], Look(math.nan, (math.nan, 1.0))))
    assert judge(BOTH, spoilt, HISTORY, step=6).healthy_unchanged is True


def test_of_a_loop_the_history_tells_whether_healthy_steps_are_the_same() -> None:
    assert judge(alone(BOTH), None, HISTORY, step=6).healthy_unchanged is True
    assert (
        judge(alone(run(losses=tuple(2 * loss for loss in RUN.losses))), None, HISTORY, step=6).healthy_unchanged
        is False
    )
    assert judge(alone(BOTH), None, (), step=6).healthy_unchanged is None
