"""# nonfinite-moving-statistics (ND603)

**What happens.** A moving mean or variance, a running normaliser, a codebook takes in one value that is not finite.
Training uses the batch's own statistics and goes on as if nothing had happened; validation and prediction use the
stored ones and are NaN from then on, long after the step that did it.

**Why it makes NaN.** An exponential average never forgets a NaN: `0.99 * NaN + 0.01 * x` is NaN. An activation of 1e20
is finite and its square is not, so the variance is infinite while `x / sqrt(variance)` is 0.

**How it looks.** The guard finds the state not finite in a step whose loss and gradients are. In a validation, the walk
back ends at a stored statistic.

**Treatment.** Repair what spoilt the statistic (named where the step shows it); a model that is spoilt already must be
trained again, or its statistics be set anew by a pass over the training data.

**Known misses and false alarms.** A running minimum that starts at infinity is no fault: only what was finite before is
judged. Where the step shows a mechanism of its own (a division by zero, a NaN in the data), that is named first.

**References.** Ioffe and Szegedy, Batch Normalization (2015), section 3.1.
"""

from __future__ import annotations

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import data, edit
from nandoctor.findings import Fact

_TREATMENTS = (
    data(
        "drop-outliers",
        "Leave the rows out that hold a number which stands for no measurement.",
        "ok = (np.abs(x) < 1e10).all(axis=(1, 2, 3)); x, y = x[ok], y[ok]",
    ),
    edit(
        "bounded-before-averaging",
        "Or bound what goes into the average, or leave a batch out whose statistics are not finite.",
        "x = tf.clip_by_value(x, -1e4, 1e4)   # before the normalisation",
    ),
)


def examine(case: Case) -> Suspicion | None:
    if case.origin is None:
        return None
    return _in_the_step(case) or _stored(case)


def _in_the_step(case: Case) -> Suspicion | None:
    origin = case.origin
    if origin is None or origin.surface != "state" or origin.node is None:
        return None
    name = origin.name.split(" ", 1)[-1]
    return Suspicion(
        confidence=0.82,
        summary=f"`{name}` became {'NaN' if origin.value.has_nan else 'infinite'} at {expression(case.location)}, in a "
        "step whose loss and gradients are finite. Validation would have been NaN from here on.",
        facts=(Fact(text=f"{name} was finite before the step and is not after it", values={"variable": name}),),
        treatments=_TREATMENTS,
        phase="state",
    )


def _stored(case: Case) -> Suspicion | None:
    """It was spoilt before: by a step that was not watched, or in a variable that no training writes."""
    leaf = case.origin.leaf if case.origin is not None else None
    if leaf is None or not leaf.role.startswith("state") or case.step == 0:
        return None
    name = leaf.role.split(" ", 1)[-1]
    return Suspicion(
        confidence=0.9,
        summary=f"The stored statistic `{name}` is not finite already before this step.",
        facts=(Fact(text=f"{name} holds values that are not finite", values={"variable": name}),),
        treatments=_TREATMENTS,
        location=case.variable_sites.get(leaf.role) or case.fit,
        phase="state",
    )


CAUSE = Cause("ND603", "nonfinite-moving-statistics", "A moving statistic that is not finite", examine)
