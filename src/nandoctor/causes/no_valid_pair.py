"""# no-valid-pair (ND109)

**What happens.** The loss averages over pairs or triplets of a batch, and this batch has none: every label occurs once
(no positive pair), or all labels are the same (no negative).

**Why it makes NaN.** The number of pairs is the denominator: `0 / 0`.

**How it looks.** A `0 / 0`, or an empty mean, whose count comes from comparing the labels of the batch with each other.

**Treatment.** Draw P classes with K samples each (P x K batches), so that each batch has pairs; and divide by the count
with a floor of 1, so that a last, odd batch gives 0 with zero gradient instead of NaN (safe).

**Known misses and false alarms.** A batch that has pairs, none of which violates the margin, is an `empty-mean`.

**References.** Schroff, Kalenichenko, Philbin, *FaceNet*, 2015; Hermans, Beyer, Leibe, *In Defense of the Triplet Loss*, 2017.
"""

import numpy as np

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.denominators import empty_selection, pair_comparisons
from nandoctor.causes.remedies import data, edit
from nandoctor.findings import Fact


def examine(case: Case) -> Suspicion | None:
    selection = empty_selection(case)
    if selection is None:
        return None
    compared = pair_comparisons(case.trace, selection)
    counts = [_pairs(node.outputs[0].array, node.op) for node in compared if node.outputs[0].array is not None]
    lacking = [(same, other) for same, other in counts if same == 0 or other == 0]
    if not lacking:
        return None
    same, _ = lacking[0]
    size = case.batch_size or 0
    missing = "no two rows share a label (no positive pair)" if same == 0 else "all rows have one label (no negative)"
    return Suspicion(
        confidence=0.95,
        summary=f"In this batch of {size} {missing}, so {expression(case.location, 'the loss')} divides by a count of 0.",
        facts=(Fact(text=missing, values={"positive_pairs": same, "batch_size": size}),),
        treatments=(
            data("pk-batches", "Draw P classes with K >= 2 samples each for every batch."),
            edit(
                "count-with-floor",
                "Divide by the number of pairs, at least 1: a batch without pairs then adds 0 with zero gradient.",
                "loss = tf.reduce_sum(per_pair) / tf.maximum(num_pairs, 1.0)",
                safe=True,
            ),
        ),
        rows=tuple(range(size)),
    )


def _pairs(equal: np.ndarray, op: str) -> tuple[int, int]:
    """Pairs of different rows with the same label, and with different ones."""
    same = np.squeeze(equal).astype(bool)
    if same.ndim != 2 or same.shape[0] != same.shape[1]:
        return 1, 1
    same = ~same if op == "NotEqual" else same
    off = ~np.eye(len(same), dtype=bool)
    return int((same & off).sum()), int((~same & off).sum())


CAUSE = Cause("ND109", "no-valid-pair", "A batch without a valid pair", examine)
