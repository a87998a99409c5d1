"""# empty-mean (ND203)

**What happens.** A mean is taken over nothing: the selection (`boolean_mask`, a gather, a mask times values) kept
no element of this batch.

**Why it makes NaN.** The mean is a sum divided by a count: `0 / 0`. `tf.reduce_mean` of an empty tensor is NaN.

**How it looks.** A mean whose operand has no elements, or a division `0 / 0` whose denominator counts selected
elements.

**Treatment.** Divide by the count with a floor of 1: `sum / tf.maximum(count, 1)`. An empty selection then gives 0
with zero gradient, and any other the same value as before (safe). `divide_no_nan` does the same.

**Known misses and false alarms.** If labels alone decide the selection the cause is `no-valid-label`, if pairs of
labels do it is `no-valid-pair`.

**References.** IEEE 754-2019, section 7.2 (0/0).
"""

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.denominators import empty_operand, empty_selection
from nandoctor.causes.remedies import edit
from nandoctor.findings import Fact


def examine(case: Case) -> Suspicion | None:
    selection = empty_selection(case)
    if selection is None:
        return None
    empty = empty_operand(case)
    what = f"a tensor of shape {empty.shape}" if empty is not None else "a selection of 0 elements"
    return Suspicion(
        confidence=0.9,
        summary=f"{expression(case.location, 'the mean')} averages {what}: 0 / 0.",
        facts=(Fact(text=f"the mean is taken over {what}", values={"selected": 0}),),
        treatments=(
            edit(
                "count-with-floor",
                "Divide the sum by the count, the count at least 1.",
                "tf.reduce_sum(values) / tf.maximum(tf.cast(tf.size(values), values.dtype), 1.0)",
                safe=True,
            ),
        ),
    )


CAUSE = Cause("ND203", "empty-mean", "The mean of nothing", examine)
