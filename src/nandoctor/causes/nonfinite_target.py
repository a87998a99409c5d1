"""# nonfinite-target (ND102)

**What happens.** A target, or a sample weight, is NaN or infinite.

**Why it makes NaN.** The loss compares the prediction with it; the mean over the batch is NaN, and so is every
gradient.

**How it looks.** The walk back from the loss ends at a target of the batch. The predictions are finite.

**Treatment.** Drop the rows, or mask them: a sample weight of 0 does not help, since `0 * NaN` is NaN; the target
itself must be replaced by a finite number where the weight is 0.

**Known misses and false alarms.** A custom loss that leaves missing targets out by a `where` on the *target* is
correct and is not accused.

**References.** Keras guide, *Training with sample weights*.
"""

from nandoctor.causes.case import Case, Suspicion
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import LEAVE_ROWS_OUT, data
from nandoctor.causes.spoilt_data import spoilt


def examine(case: Case) -> Suspicion | None:
    treatments = (
        data("drop-rows", "Drop these rows.", "ok = np.isfinite(y); x, y = x[ok], y[ok]"),
        data(
            "mask-targets",
            "Or give them a finite stand-in and a weight of 0.",
            "w = np.isfinite(y).astype('float32'); y = np.where(np.isfinite(y), y, 0.0)",
        ),
        LEAVE_ROWS_OUT,
    )
    of_weights = (data("zero-weights", "Give these rows a weight of 0.", "w = np.where(np.isfinite(w), w, 0.0)"),)
    return spoilt(case, "target", "The targets", treatments) or spoilt(
        case, "sample_weight", "The sample weights", of_weights
    )


CAUSE = Cause("ND102", "nonfinite-target", "NaN or infinity in the targets", examine)
