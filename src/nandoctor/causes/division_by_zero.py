"""# division-by-zero (ND202)

**What happens.** A number is divided by 0: by a norm, a sum, a scale or a difference that came out as exactly 0.

**Why it makes NaN.** `0 / 0` is NaN at once; `a / 0` is inf and becomes NaN a step later (`inf - inf`, `0 * inf`).
The derivative of `a / b` is `-a / b**2`, so the gradient fails earlier than the value.

**How it looks.** A division, reciprocal, reciprocal root or negative power whose denominator is 0 where its output
is not finite.

**Treatment.** Where a quotient by 0 should give 0, `tf.math.divide_no_nan(a, b)`. Or keep the *denominator* away
from 0: `a / tf.maximum(b, eps)` for a `b` that cannot be negative. A `where` around the quotient hides the value but
not the gradient (`where-trap`).

**Known misses and false alarms.** A denominator that counts labels, pairs or selected elements has its own cause
(`no-valid-label`, `no-valid-pair`, `empty-mean`); the spread of a constant feature is `constant-feature`.

**References.** IEEE 754-2019, section 7.3.
"""

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.denominators import zero_denominator
from nandoctor.causes.remedies import edit
from nandoctor.findings import Fact


def examine(case: Case) -> Suspicion | None:
    return _in_the_step(case) or _before_the_step(case)


def _before_the_step(case: Case) -> Suspicion | None:
    """A constant of the step, a table of weights say, that NumPy made by a division by 0."""
    constant = case.origin.leaf or case.origin.user_infinity if case.origin is not None else None
    made = [s for s in case.spoilers if "divide" in s.message]
    if constant is None or constant.role != "constant" or not made:
        return None
    where = made[-1]
    return Suspicion(
        confidence=0.85,
        summary=f"{expression(where.location)}: '{where.message}'. A constant that the step uses holds the result.",
        facts=(Fact(text=f"NumPy reported: {where.message}"),),
        treatments=(edit("floor-divisor", "Keep the divisor away from 0.", "weights = 1.0 / np.maximum(counts, 1)"),),
        location=where.location,
    )


def _in_the_step(case: Case) -> Suspicion | None:
    denominator = zero_denominator(case)
    if denominator is None:
        return None
    zeros = denominator.zeros
    return Suspicion(
        confidence=0.85,
        summary=f"{expression(case.location, 'the division')}: the denominator is exactly 0 in {zeros:,} "
        f"{'place' if zeros == 1 else 'places'}.",
        facts=(Fact(text=f"{zeros:,} denominators are exactly 0", values={"zeros": zeros}),),
        treatments=(
            edit("divide-no-nan", "Say that a quotient by 0 is 0.", "tf.math.divide_no_nan(a, b)", safe=True),
            edit(
                "floor-denominator",
                "Or keep the denominator away from 0.",
                "a / tf.maximum(b, 1e-7)",
            ),
        ),
    )


CAUSE = Cause("ND202", "division-by-zero", "A division by zero", examine)
