"""# inconsistent-sample (ND113)

**What happens.** A few samples differ in what all others share: the size, the number of channels, the dtype, the
range (16 bits among 8).

**Why it makes NaN.** Another size or number of channels stops a batch from being made. Another range passes: an image
of 0 to 65535 among such of 0 to 255 is an outlier of 256 times the scale, which the loss squares.

**How it looks.** `nandoctor audit` names the samples and what the others have.

**Treatment.** Bring them to the form of the others, or leave them out. Safe where that form was meant.

**Known misses and false alarms.** Where sizes differ freely, none is the odd one, and nothing is said of it.

**References.** Keras, `image_dataset_from_directory` (resizes, and reads each file with as many channels as it is
told).
"""

from nandoctor.causes.case import Case, Suspicion
from nandoctor.causes.cause import Cause


def examine(case: Case) -> Suspicion | None:
    """The audit of the data sees it; no step of a training does."""
    return None


CAUSE = Cause("ND113", "inconsistent-sample", "A sample has another shape or type than the rest", examine)
