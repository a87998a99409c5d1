"""# no-valid-label (ND106)

**What happens.** Every label of the batch (or of one image, one sequence) is one that the loss ignores: a mask of
only 255, targets that are all missing, weights that are all 0.

**Why it makes NaN.** The loss is averaged over the valid labels: `0 / 0`.

**How it looks.** A `0 / 0`, or an empty mean, whose count comes from the labels or the sample weights alone.

**Treatment.** Divide by the number of valid labels with a floor of 1, so that a batch without any adds 0 with zero
gradient (safe: every other batch keeps its value); or drop such samples.

**Known misses and false alarms.** A count that also depends on what the model predicts is an `empty-mean`; so is the
mean over one class of labels that are all valid, which shows where the same errors are also averaged over all rows.

**References.** Long, Shelhamer, Darrell, *Fully Convolutional Networks*, 2015 (ignored pixels).
"""

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.denominators import counted_whole, deciding_roles, empty_selection, pair_comparisons
from nandoctor.causes.remedies import data, edit
from nandoctor.findings import Fact


def examine(case: Case) -> Suspicion | None:
    selection = empty_selection(case)
    if selection is None or pair_comparisons(case.trace, selection):
        return None
    roles = deciding_roles(case.trace, selection)
    if not roles or not roles <= {"target", "sample_weight"} or counted_whole(case.trace, selection):
        return None
    whose = "sample weights are all 0" if roles == {"sample_weight"} else "labels are all ones that the loss leaves out"
    return Suspicion(
        confidence=0.95,
        summary=f"The batch's {whose}, so {expression(case.location, 'the loss')} divides by a count of 0.",
        facts=(Fact(text=f"0 valid labels: the {whose}", values={"valid": 0}),),
        treatments=(
            edit(
                "count-with-floor",
                "Divide by the number of valid labels, at least 1.",
                "loss = tf.reduce_sum(per_label * valid) / tf.maximum(tf.reduce_sum(valid), 1.0)",
                safe=True,
            ),
            data("drop-unlabelled", "Or drop the samples in which no label is valid."),
        ),
    )


CAUSE = Cause("ND106", "no-valid-label", "No label of the batch is valid", examine)
