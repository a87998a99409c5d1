"""# empty-batch (ND108)

**What happens.** A batch has no rows: a generator, a filter or a `take(0)` gave one that is empty.

**Why it makes NaN.** The mean over no rows is `0 / 0`.

**How it looks.** An input of shape `(0, ...)`.

**Treatment.** Drop empty batches where they arise: `dataset.filter(lambda x, y: tf.shape(x)[0] > 0)`, or skip them
in the generator.

**Known misses and false alarms.** A batch whose rows are all *ignored* by the loss is `no-valid-label`.

**References.** IEEE 754-2019, section 7.2 (0/0).
"""

from nandoctor.causes.case import Case, Suspicion
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import data
from nandoctor.findings import Fact


def examine(case: Case) -> Suspicion | None:
    empty = [(role, array.shape) for role, array in case.batch.items() if array.ndim and array.shape[0] == 0]
    if not empty:
        return None
    role, shape = empty[0]
    return Suspicion(
        confidence=0.97,
        summary=f"The batch has no rows: {role} has shape {shape}. The mean over it is 0 / 0.",
        facts=(Fact(text=f"{role} has shape {shape}", values={"rows": 0}),),
        treatments=(
            data(
                "skip-empty",
                "Leave empty batches out where they are made.",
                "dataset = dataset.filter(lambda x, y: tf.shape(x)[0] > 0)",
            ),
        ),
        location=case.fit,
        rows=(),
    )


CAUSE = Cause("ND108", "empty-batch", "A batch without rows", examine)
