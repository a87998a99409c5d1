"""Whether a remedy holds, told from what an attempt has seen. Nothing is run here.

It holds if the step that broke is finite with it, value and gradients; if the model still learns, that is: if no
gradient has died that lived before, and the loss does not rise over the steps that follow; and if the script, run
from its start, goes past that step. Where healthy batches give the same values as before, to a rounding, it is safe.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nandoctor.findings import StepRecord, Verification, real
from nandoctor.frameworks.protocol import Look
from nandoctor.treat.attempt import Attempt, FromStart, OnCapsule

ROUNDING = 1e-4
"""By how much two results of the same formula in float32 may differ: sums in another order, a fused kernel."""

HALF_ROUNDING = 2e-2

LARGEST = 1e18
"""A norm beyond it overflows float32 where it is squared, as an optimizer does."""

RISE = 1.5
"""A loss that is so much larger in the end than it was at first is no noise of batches."""


def judge(
    attempt: Attempt, untreated: OnCapsule | None, history: Sequence[StepRecord], step: int, *, half: bool = False
) -> Verification:
    """What an attempt comes to.

    Args:
        attempt: what was seen with the remedy.
        untreated: the same steps on the captured batches without it; None where there are none.
        history: the healthy steps before the one that broke.
        step: the number of that one.
        half: whether something is computed in half precision.
    """
    on_capsule, run = attempt.on_capsule, attempt.from_start
    if on_capsule is None and (run is None or not (run.losses or run.passed)):
        return _not_tried(run, attempt.seconds)
    unchanged = _unchanged(on_capsule, untreated, run, history, HALF_ROUNDING if half else ROUNDING)
    why = _of_capsule(on_capsule, untreated) or _of_run(run, step, own_course=unchanged is True)
    unfinished = on_capsule is None and run is not None and not run.passed and run.fault is None and run.error is None
    if unfinished:
        reached = 0 if run is None else len(run.losses)
        return Verification(
            not_possible=f"in the time that it was given it came to step {reached:,} of {step:,}",
            steps_replayed=reached,
            seconds=attempt.seconds,
        )
    finite = (on_capsule is None or on_capsule.finite) and (run is None or (run.fault is None and run.error is None))
    return Verification(
        finite=finite,
        gradients_finite=finite,
        still_learns=None if not finite else why is None,
        healthy_unchanged=unchanged,
        steps_replayed=_steps(on_capsule) + (0 if run is None else len(run.losses)),
        seconds=attempt.seconds,
        whole=run is not None and run.ended == "itself",
        why=why,
    )


def _not_tried(run: FromStart | None, seconds: float) -> Verification:
    if run is not None and run.fault is not None:
        why = f"the {run.fault} is not finite in the first step"
        return Verification(finite=False, gradients_finite=False, seconds=seconds, why=why)
    if run is not None and run.error is not None:
        return Verification(finite=False, gradients_finite=False, seconds=seconds, why=_raised(run.error))
    return Verification(seconds=seconds, not_possible="in the time that it was given no step was taken")


def _of_capsule(seen: OnCapsule | None, untreated: OnCapsule | None) -> str | None:
    """What does not hold on the captured batches; None where all does."""
    if seen is None:
        return None
    if seen.error is not None:
        return _raised(seen.error)
    if untreated is not None and _dead(seen.healthy, untreated.healthy):
        return "it stops learning: gradients of healthy batches that were not 0 are 0 with it"
    if not seen.finite:
        return _still_broken(seen.broken)
    if seen.broken is None:  # of a validation
        return None
    if _norm(seen.broken) > LARGEST:
        return f"the gradient is finite, and {_norm(seen.broken):.0e} long: no step can be taken with it"
    last = seen.onward[-1] if seen.onward else None
    if last is not None and not last.finite:
        return f"{len(seen.onward):,} steps on the loss or a gradient is not finite again"
    if _all_zero(seen.onward) and not _all_zero(() if untreated is None else untreated.healthy):
        return "it stops learning: all gradients are 0"
    batches = 1 + len(seen.healthy)
    losses = [look.loss for look in seen.onward]
    if len(losses) >= 2 * batches and _rises(losses[:batches], losses[-batches:]):
        return "the loss rises over the next steps on the captured batches"
    return None


def _still_broken(broken: Look | None) -> str:
    if broken is None:
        return "the loss is still not finite"
    if not np.isfinite(broken.loss):
        return f"the loss is still {broken.loss:g}"
    bad = int((~np.isfinite(broken.gradients)).sum())
    return f"the loss is finite, and {bad} of {len(broken.gradients)} gradients are still not"


def _of_run(run: FromStart | None, step: int, *, own_course: bool) -> str | None:
    """What does not hold in the run from the start.

    `own_course`: healthy batches give what they gave, so that whether the loss falls is the script's own affair.
    """
    if run is None:
        return None
    done = len(run.losses)
    if run.fault is not None:
        if done >= step:
            past = f"{done - step + 1:,} steps past the one that broke" if done > step else "at the next step"
            return f"run from its start, the {run.fault} is not finite {past}"
        return f"run from its start, the {run.fault} is still not finite at step {done + 1:,}"
    if run.error is not None:
        return _raised(run.error)
    part = max(done // 4, 1)
    if own_course:
        return None
    if done >= 8 and _rises(run.losses[:part], run.losses[-part:]):
        return f"the loss rises, from {np.median(run.losses[:part]):.3g} to {np.median(run.losses[-part:]):.3g}"
    if done >= 8 and not np.any(run.gradients):
        return "it stops learning: all gradients are 0 in the run from its start"
    return None


def _raised(error: str) -> str:
    text = " ".join(error.split())
    return f"it raises {text if len(text) <= 160 else text[:157] + '...'}"


def _norm(look: Look) -> float:
    return float(np.linalg.norm(look.gradients)) if look.gradients else 0.0


def _all_zero(looks: Sequence[Look]) -> bool:
    return bool(looks) and not any(np.any(look.gradients) for look in looks)


def _dead(now: Sequence[Look], before: Sequence[Look]) -> bool:
    """Whether at least half of the gradients that lived on healthy batches are 0 there."""
    pairs = [
        (g, h)
        for look, other in zip(now, before, strict=False)
        if len(look.gradients) == len(other.gradients)
        for g, h in zip(look.gradients, other.gradients, strict=True)
        if h > 0
    ]
    return bool(pairs) and sum(g == 0 for g, _ in pairs) >= len(pairs) / 2


def _rises(first: Sequence[float], last: Sequence[float]) -> bool:
    start, end = float(np.median(first)), float(np.median(last))
    return end - start > (RISE - 1.0) * abs(start) + 1e-3


def _steps(seen: OnCapsule | None) -> int:
    return 0 if seen is None else (seen.broken is not None) + len(seen.healthy) + len(seen.onward)


def _unchanged(
    seen: OnCapsule | None,
    untreated: OnCapsule | None,
    run: FromStart | None,
    history: Sequence[StepRecord],
    rounding: float,
) -> bool | None:
    """Whether loss and gradients of healthy batches are what they were; None where there are none to compare."""
    if seen is not None and untreated is not None and seen.healthy and untreated.healthy:
        pairs = [(a, b) for a, b in zip(seen.healthy, untreated.healthy, strict=False) if b.finite]
        if pairs:
            return all(_same((a.loss, *a.gradients), (b.loss, *b.gradients), rounding) for a, b in pairs)
    if run is None or not history or history[0].step != 1:
        return None
    before = [real(r.loss) for r in history if r.loss is not None]
    common = min(len(before), len(run.losses), 8)
    return _same(run.losses[:common], before[:common], 10 * rounding) if common else None


def _same(now: Sequence[float], before: Sequence[float], rounding: float) -> bool:
    if len(now) != len(before):
        return False
    scale = max(float(np.abs(before).max()), 1e-12)
    return bool(np.allclose(now, before, rtol=rounding, atol=rounding * scale * 1e-2))
