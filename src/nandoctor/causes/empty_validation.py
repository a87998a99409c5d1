"""# empty-validation (ND110)

**What happens.** The validation set gives no batch: `take(0)`, a split of 0 rows, `drop_remainder` on a set smaller
than a batch, a generator that is used up.

**Why it makes NaN.** The mean over no batch is `0 / 0`, or the metrics keep the value they had: either way
`val_loss` says nothing.

**How it looks.** Training is finite; not one validation batch was seen. In a loop of your own: a pass over a data set
that gave nothing, and after it, in a function around it, 0/0 in NumPy: the mean of nothing.

**Treatment.** Give the validation set at least one batch; with `validation_steps`, repeat the set.

**Known misses and false alarms.** A validation loss that is NaN although batches were seen has another cause. In a loop
of your own a pass inside a compiled function is not seen, nor one over anything but a `tf.data.Dataset`, nor a mean
that NumPy does not make.

**References.** Keras, `Model.fit`: `validation_data`, `validation_steps`.
"""

from nandoctor.causes.case import Case, Suspicion, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import data
from nandoctor.findings import Fact


def examine(case: Case) -> Suspicion | None:
    if case.validation_batches != 0:
        return None
    return Suspicion(
        confidence=0.95,
        summary=_in_a_loop(case) if case.loop else _in_fit(case),
        facts=(Fact(text="validation batches seen: 0", values={"batches": 0, "loop": case.loop}),),
        treatments=(
            data(
                "some-validation-data",
                "Give the validation set at least one batch: look at take/skip, filter, split and drop_remainder.",
                "print(validation_dataset.cardinality())",
            ),
        ),
        location=case.fit,
        rows=(),
        phase="validation",
    )


def _in_fit(case: Case) -> str:
    return (
        f"The validation after epoch {case.epoch + 1} saw no batch: there is no val_loss, and callbacks that "
        "wait for it (early stopping, a rate that falls on a plateau, the best checkpoint) never act on it."
    )


def _in_a_loop(case: Case) -> str:
    return (
        f"{expression(case.fit)} gave no batch when it was gone over, and the mean that was made of it afterwards is "
        "the mean of nothing."
    )


CAUSE = Cause("ND110", "empty-validation", "A validation set without a batch", examine)
