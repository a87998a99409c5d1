"""# no-valid-pair (ND109)

**What happens.** The loss averages over pairs or triplets of a batch, and this batch has none: every label occurs
once (no positive pair), or all labels are the same (no negative).

**Why it makes NaN.** The number of pairs is the denominator: `0 / 0`.

**How it looks.** A `0 / 0`, or an empty mean, whose count comes from comparing the labels of the batch with each
other.

**Treatment.** Draw P classes with K samples each (P x K batches), so that each batch has pairs; and divide by the
count with a floor of 1, so that a last, odd batch gives 0 with zero gradient instead of NaN (safe).

**Known misses and false alarms.** A batch that has pairs, none of which violates the margin, is an `empty-mean`.

**References.** Schroff, Kalenichenko, Philbin, *FaceNet*, 2015; Hermans, Beyer, Leibe, *In Defense of the Triplet
Loss*, 2017.
"""

import numpy as np

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.denominators import deciding_roles, empty_selection, pair_comparisons
from nandoctor.causes.remedies import data, edit
from nandoctor.findings import Fact
from nandoctor.trace.graph import Value


def examine(case: Case) -> Suspicion | None:
    selection = empty_selection(case)
    if selection is None:
        return None
    return _among_rows(case, selection) or _given_as_pairs(case, selection)


def _among_rows(case: Case, selection: Value) -> Suspicion | None:
    """Pairs are made within the batch, by comparing its labels with each other."""
    compared = pair_comparisons(case.trace, selection)
    arrays = [(node.outputs[0].array, node.op) for node in compared]
    tables = (_same_label(array, op) for array, op in arrays if array is not None)
    same = next((table for table in tables if table is not None), None)
    if same is None:
        return None
    off = ~np.eye(len(same), dtype=np.bool_)
    partners, others = (same & off).sum(axis=1), (~same & off).sum(axis=1)
    size = len(same)
    if not partners.any():
        return _suspicion(case, "no two rows share a label (no positive pair)", tuple(range(size)))
    if not others.any():
        return _suspicion(case, "all rows have one label (no negative pair)", tuple(range(size)))
    alone = tuple(int(i) for i in np.flatnonzero(partners == 0))
    if alone and selection.shape and selection.stats and selection.stats.count >= size:
        return _suspicion(
            case, f"{len(alone)} of {size} rows share their label with no other (no positive pair)", alone
        )
    return None


def _given_as_pairs(case: Case, selection: Value) -> Suspicion | None:
    """The rows are pairs, and the labels say which are alike: two inputs of one shape, both kinds of label selected."""
    inputs = [array for _, array in case.family("input")]
    twins = len(inputs) == 2 and inputs[0].shape == inputs[1].shape
    stacked = len(inputs) == 1 and inputs[0].ndim >= 3 and inputs[0].shape[1] == 2
    if not (twins or stacked) or deciding_roles(case.trace, selection) != {"target"}:
        return None
    values = [np.unique(np.asarray(target)) for _, target in case.family("target")]
    if not values or len(values[0]) != 1:
        return None
    label = float(values[0][0])
    return _suspicion(case, f"all pairs have the label {label:g}; there is none of the other kind", None)


def _suspicion(case: Case, missing: str, rows: tuple[int, ...] | None) -> Suspicion:
    size = case.batch_size or 0
    return Suspicion(
        confidence=0.96,
        summary=f"In this batch of {size} {missing}, so {expression(case.location, 'the loss')} "
        "divides by a count of 0.",
        facts=(Fact(text=missing, values={"batch_size": size}),),
        treatments=(
            data("pk-batches", "Draw P classes with K >= 2 samples each for every batch."),
            edit(
                "count-with-floor",
                "Divide by the number of pairs, at least 1: a batch without pairs then adds 0 with zero gradient.",
                "loss = tf.reduce_sum(per_pair) / tf.maximum(num_pairs, 1.0)",
                safe=True,
            ),
        ),
        rows=rows,
    )


def _same_label(equal: np.ndarray, op: str) -> np.ndarray | None:
    """Which rows have the same label, as a square table; None where the comparison is of something else."""
    same = np.squeeze(equal).astype(bool)
    if same.ndim != 2 or same.shape[0] != same.shape[1]:
        return None
    return ~same if op == "NotEqual" else same


CAUSE = Cause("ND109", "no-valid-pair", "A batch without a valid pair", examine)
