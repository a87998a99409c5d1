"""# unreadable-sample (ND112)

**What happens.** A file of the data cannot be read: an image that ends in the middle, a file of another kind, a
record whose checksum is wrong; or it has no partner, as an image without a mask.

**Why it makes NaN.** By itself it does not: the training ends with an error, hours in. Where the loader is told to go
on (`ignore_errors`, a filter), batches become smaller or empty, and a mean over nothing is NaN.

**How it looks.** `nandoctor audit` names the file and what the reader said.

**Treatment.** Make the file anew, or leave it out (`nandoctor audit --fix`). Safe: the other samples stay as they
are.

**Known misses and false alarms.** An image that is damaged and can still be decoded is not seen.

**References.** Pillow, `ImageFile.LOAD_TRUNCATED_IMAGES`.
"""

from nandoctor.causes.case import Case, Suspicion
from nandoctor.causes.cause import Cause


def examine(case: Case) -> Suspicion | None:
    """The audit of the data sees it; no step of a training does."""
    return None


CAUSE = Cause("ND112", "unreadable-sample", "A sample cannot be read", examine)
