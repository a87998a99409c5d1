"""# exploding-gradients (ND401)

**What happens.** Activations and gradients grow from layer to layer, or from step to step, until they overflow, and
a lower learning rate does not stop it.

**Why it makes NaN.** A product of many factors above 1 grows exponentially: a deep stack without normalisation, a
multiplicative loop, an unbounded output that is squared. float32 ends at 3.4e38; then `inf - inf`.

**How it looks.** Finite numbers become infinite in a product, a sum or a square; or the history shows growth that
replaying with a lower rate does not stop.

**Treatment.** Bound what is multiplied: normalisation layers, residual branches scaled at the start, a bounded
activation, an orthogonal or smaller initial weight; clip the gradient's norm (which helps as long as it is finite).

**Known misses and false alarms.** If a lower rate or scaled data stops the growth, that is named instead.

**References.** Pascanu, Mikolov, Bengio, *On the difficulty of training recurrent neural networks*, 2013; Glorot,
Bengio, *Understanding the difficulty of training deep feedforward neural networks*, 2010.
"""

import numpy as np

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.growth_facts import growth_fact, overflowed, trial_facts
from nandoctor.causes.remedies import edit, setting
from nandoctor.findings import Fact, Location, real
from nandoctor.trace.graph import Value

_TREATMENTS = (
    edit(
        "normalise",
        "Put a normalisation layer between the layers that multiply.",
        "x = keras.layers.LayerNormalization()(x)",
    ),
    setting("clip-norm", "Clip the gradient's norm while it is still finite.", "global_clipnorm=1.0"),
    setting("lower-rate", "Or lower the learning rate, where the growth is from step to step."),
)
_LONGEST = 3000
_DECADES = 6.0
"""Growth below a million is not what made an overflow; the expression that overflowed is shown then."""


def examine(case: Case) -> Suspicion | None:
    return _in_a_slot(case) or _in_the_step(case)


def _in_a_slot(case: Case) -> Suspicion | None:
    """An optimizer that keeps squares of gradients overflows before the gradients do."""
    leaf = case.origin.leaf if case.origin is not None else None
    if leaf is None or not leaf.role.startswith("slot"):
        return None
    largest = max((_magnitude(v) for _, v in case.trace.gradients), default=0.0) or _last_norm(case)
    name = leaf.role.split(" ", 1)[-1]
    return Suspicion(
        confidence=0.85,
        summary=f"The optimizer's running square of the gradient, `{name}`, overflowed: gradients reach {largest:.3g}, "
        "and their square is beyond the range of the dtype.",
        facts=(growth_fact(case), *(trial_facts(case.growth) if case.growth else ())),
        treatments=_TREATMENTS,
        location=_largest_growth(case, max((v for _, v in case.trace.gradients), key=_magnitude, default=leaf)),
        rows=(),
        phase="backward",
    )


def _last_norm(case: Case) -> float:
    """The gradient's norm in the last step that had a finite one."""
    norms = [real(r.gradient_norm) for r in case.history if r.gradient_norm is not None]
    return next((norm for norm in reversed(norms) if np.isfinite(norm)), 0.0)


def _in_the_step(case: Case) -> Suspicion | None:
    diverged = case.growth is not None and case.growth.diverging
    if not (overflowed(case) or (diverged and case.growth is not None and case.growth.trials)):
        return None
    facts: tuple[Fact, ...] = (growth_fact(case),) if case.history else ()
    if case.growth is not None:
        facts += trial_facts(case.growth)
    node = case.node
    largest = max((v.stats.absmax or 0.0 for v in node.inputs if v.stats), default=0.0) if node else 0.0
    where = expression(case.location, "the step")
    return Suspicion(
        confidence=0.8 if overflowed(case) else 0.7,
        summary=f"{where} overflows: its operands are finite, up to {largest:.3g}, and its result is not."
        if overflowed(case)
        else f"Loss, gradients and weights grew until {where} was no longer finite.",
        facts=facts,
        treatments=_TREATMENTS,
        location=_where_it_grew(case),
        rows=() if diverged else None,
    )


def _where_it_grew(case: Case) -> Location | None:
    """The expression at which the numbers grew most on their way to the overflow, over all its repetitions."""
    if not overflowed(case) or case.node is None or case.node.phase != "forward":
        return None
    return _largest_growth(case, max(case.node.inputs, key=_magnitude))


def _largest_growth(case: Case, value: Value) -> Location | None:
    grown: dict[tuple[str, int], tuple[float, Location]] = {}
    total = np.log10(max(_magnitude(value), 1.0))
    for _ in range(_LONGEST):
        node = case.trace.producer(value)
        if node is None or not node.inputs:
            break
        value = max(node.inputs, key=_magnitude)
        location = case.trace.location(node)
        if location is not None and _magnitude(value) > 0:
            gain = float(np.log10(max(_magnitude(node.outputs[0]), 1e-30) / _magnitude(value)))
            before = grown.get((location.file, location.line), (0.0, location))[0]
            grown[location.file, location.line] = (before + gain, location)
    most, location = max(grown.values(), key=lambda item: item[0], default=(0.0, None))
    return location if most > 0.4 * total and most > _DECADES else None


def _magnitude(value: Value) -> float:
    return (value.stats.absmax or 0.0) if value.stats is not None else 0.0


CAUSE = Cause("ND401", "exploding-gradients", "Activations or gradients explode", examine)
