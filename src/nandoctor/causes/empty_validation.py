"""# empty-validation (ND110)

**What happens.** The validation set gives no batch: `take(0)`, a split of 0 rows, `drop_remainder` on a set smaller
than a batch, a generator that is used up.

**Why it makes NaN.** The mean over no batch is `0 / 0`, or the metrics keep the value they had: either way
`val_loss` says nothing.

**How it looks.** Training is finite; not one validation batch was seen.

**Treatment.** Give the validation set at least one batch; with `validation_steps`, repeat the set.

**Known misses and false alarms.** A validation loss that is NaN although batches were seen has another cause.

**References.** Keras, `Model.fit`: `validation_data`, `validation_steps`.
"""

from nandoctor.causes.case import Case, Suspicion
from nandoctor.causes.cause import Cause


def examine(case: Case) -> Suspicion | None:
    """A training step cannot show it; the guard reports it at the end of the validation."""
    return None


CAUSE = Cause("ND110", "empty-validation", "A validation set without a batch", examine)
