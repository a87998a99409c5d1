"""# unscaled-input (ND103)

**What happens.** The inputs are not scaled: pixels of 0..255 or 0..65535, prices, time stamps, raw counts.

**Why it makes NaN.** The gradient of the first layer is proportional to its input, so each step overshoots by about
the square of the scale; the loss grows by a factor each step until it overflows.

**How it looks.** A loss and weights that grow over some steps; inputs far from unit scale; and the same steps,
replayed from the healthy start with the inputs standardised and the *same* learning rate, do not grow.

**Treatment.** Standardise: `keras.layers.Normalization` (adapted on the training set), `x / 255.0` for images. It
changes training for the better; the rate stays.

**Known misses and false alarms.** Unscaled inputs often train (Adam hides the scale); they are accused only when
replaying shows that they are the cause.

**References.** LeCun et al., *Efficient BackProp*, 1998, section 4.3.
"""

from nandoctor.causes import unscaled_target
from nandoctor.causes.case import Case, Suspicion
from nandoctor.causes.cause import Cause
from nandoctor.causes.growth_facts import (
    ABNORMAL_SCALE,
    can_be_scaled,
    growth_fact,
    overflowed,
    scale_of,
    trial_facts,
    typical_magnitude,
)
from nandoctor.causes.remedies import data
from nandoctor.findings import Fact
from nandoctor.trace.graph import Node, Trace, Value

CHANGE = "the inputs standardised"
WITH_TARGETS = "inputs and targets standardised"
"""Tried where neither of the two is enough."""

_TREATMENTS = (
    data(
        "standardise-inputs",
        "Standardise the inputs with the mean and spread of the training set.",
        "norm = keras.layers.Normalization(); norm.adapt(x_train)   # first layer of the model; pixels: x / 255.0",
    ),
)


def examine(case: Case) -> Suspicion | None:
    scale = scale_of([(r, a) for r, a in case.family("input") if can_be_scaled(a)])
    if scale is None or scale[1] <= ABNORMAL_SCALE or is_scaled_inside(case.trace):
        return None
    return _by_trial(case, *scale) or _by_overflow(case, *scale)


def is_scaled_inside(trace: Trace) -> bool:
    """Whether the model itself brings its inputs to unit scale before they meet a weight."""
    fed = [v for node in trace.nodes for v in _fed_to_weights(trace, node)]
    scales = [typical_magnitude(v.array) for v in fed if v.array is not None]
    return bool(scales) and all(scale is not None and scale <= ABNORMAL_SCALE for scale in scales)


def _fed_to_weights(trace: Trace, node: Node) -> list[Value]:
    """What a product with a weight is given of the inputs alone."""
    if node.phase != "forward" or node.kind != "matmul":
        return []
    roles = [trace.roles(value) for value in node.inputs]
    if not any("weight" in found for found in roles):
        return []
    of_inputs = {"input", "state"}
    return [v for v, found in zip(node.inputs, roles, strict=True) if "input" in found and found <= of_inputs]


def _by_trial(case: Case, role: str, largest: float) -> Suspicion | None:
    trials = [case.growth.trial(change) for change in (CHANGE, WITH_TARGETS)] if case.growth else []
    trial = next((t for t in trials if t is not None and t.settles), None)
    if trial is None or case.growth is None:
        return None
    both = trial.change == WITH_TARGETS
    return Suspicion(
        confidence=0.95,
        summary=f"The inputs are of the order of {largest:.4g}{', and the targets are not scaled either' * both}. "
        "The training diverges from its first steps; "
        f"replayed with {trial.change} and the same learning rate, it does not.",
        facts=(
            Fact(text=f"typical magnitude in {role}: {largest:.4g}", values={"scale": largest}),
            growth_fact(case),
            *trial_facts(case.growth),
        ),
        treatments=(*_TREATMENTS, *((unscaled_target.STANDARDISE,) if both else ())),
        location=case.made.get("input") or case.fed or case.fit,
        rows=(),
    )


def _by_overflow(case: Case, role: str, largest: float) -> Suspicion | None:
    """The inputs alone, before any weight, are too large for the operation."""
    if not overflowed(case) or case.node is None:
        return None
    if not all(case.roles(v) <= {"input"} for v in case.node.inputs):
        return None
    return Suspicion(
        confidence=0.9,
        summary=f"The inputs reach {largest:.4g}, which {case.node.op} takes beyond the range of its dtype.",
        facts=(Fact(text=f"typical magnitude in {role}: {largest:.4g}", values={"scale": largest}),),
        treatments=_TREATMENTS,
        location=case.made.get("input") or case.fed or case.fit,
    )


CAUSE = Cause("ND103", "unscaled-input", "Inputs far from unit scale", examine)
