"""# domain-error (ND205)

**What happens.** A function is evaluated where it has no real value: the square root or logarithm of a negative
number, `acos` or `asin` beyond 1, a fractional power of a negative base.

**Why it makes NaN.** IEEE arithmetic answers with NaN, and every sum that contains it is NaN.

**How it looks.** One operation whose inputs are finite and whose output is NaN exactly where the input is outside
the domain. Often it is outside by rounding alone: a cosine of 1.0000001, a variance of -1e-9 computed as
E[x^2]-E[x]^2.

**Treatment.** Make the quantity valid where it is computed (a variance as the mean of squared deviations; a scale
through `softplus`), not by hiding the NaN afterwards. Where it is outside by rounding, clip it: strictly inside the
domain for `acos` (its slope is infinite at +-1), at a small positive floor for `sqrt`.

**Known misses and false alarms.** If the operand is the raw output of the model and probabilities were expected,
the cause is `logits-probabilities-mismatch`; if it is the data itself, look at its preparation first.

**References.** IEEE 754-2019, section 7.2.
"""

import numpy as np

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import edit
from nandoctor.findings import Fact, Treatment
from nandoctor.trace.graph import Node

DOMAINS = {
    "log": (0.0, np.inf),
    "sqrt": (0.0, np.inf),
    "rsqrt": (0.0, np.inf),
    "pow": (0.0, np.inf),
    "xlogy": (0.0, np.inf),
    "log1p": (-1.0, np.inf),
    "acos": (-1.0, 1.0),
}


def examine(case: Case) -> Suspicion | None:
    node = case.made_by(*DOMAINS)
    if node is None or case.origin is None or not case.origin.value.has_nan:
        return None
    outside = operands_outside(case, node)
    if outside is None:
        return None
    worst, count = outside
    low, high = domain_of(node)
    interval = f"[{low:g}, {high:g}]" if np.isfinite(high) else f"{low:g} and above"
    return Suspicion(
        confidence=0.9,
        summary=f"{expression(case.location)}: {node.op} is real only on {interval}, and {count:,} of its operands "
        f"{'is' if count == 1 else 'are'} outside (for instance {worst:.6g}).",
        facts=(Fact(text=f"{count:,} operands outside {interval}", values={"outside": count, "example": worst}),),
        treatments=_treatments(node),
    )


def domain_of(node: Node) -> tuple[float, float]:
    """The interval on which an operation is real."""
    if node.op == "Acosh":
        return 1.0, float("inf")
    return DOMAINS[node.kind]


def operands_outside(case: Case, node: Node) -> tuple[float, int] | None:
    """The operand farthest outside the domain, at the bad elements, and how many there are."""
    operand = node.inputs[-1] if node.kind == "xlogy" else node.inputs[0]
    values = case.at_bad_elements(operand)
    if values is None:
        return None
    low, high = domain_of(node)
    outside = values[(values < low) | (values > high)]
    if not len(outside):
        return None
    distance = np.where(outside < low, low - outside, outside - high)
    return float(outside[int(np.argmax(distance))]), len(outside)


def _treatments(node: Node) -> tuple[Treatment, ...]:
    if node.kind not in ("log", "log1p", "xlogy"):
        return (_treatment(node),)
    low = "-1 + 1e-6" if node.kind == "log1p" else "1e-7"
    floor = edit(
        "floor-inside-log",
        "Or keep the operand inside the domain, inside the logarithm (no gradient below the floor).",
        f"tf.math.{'log1p' if node.kind == 'log1p' else 'log'}(tf.maximum(x, {low}))",
    )
    return _treatment(node), floor


def _treatment(node: Node) -> Treatment:
    if node.kind == "acos":
        return edit(
            "clip-inside-domain",
            "Clip strictly inside [-1, 1]: at the ends the slope is infinite.",
            "tf.acos(tf.clip_by_value(c, -1 + 1e-6, 1 - 1e-6))",
        )
    if node.kind in ("sqrt", "rsqrt"):
        return edit(
            "floor-inside-root",
            "Compute the operand so that it cannot be negative, or give it a small positive floor inside the root.",
            "tf.sqrt(tf.maximum(x, 1e-12))",
        )
    if node.kind == "pow":
        return edit("floor-inside-power", "Keep the base positive.", "tf.pow(tf.maximum(x, 1e-12), exponent)")
    return edit(
        "positive-operand",
        "Make the operand positive where it is computed, for instance with softplus.",
        "tf.math.log(tf.nn.softplus(x) + 1e-7)",
    )


CAUSE = Cause("ND205", "domain-error", "A function outside its domain", examine)
