"""# duplicate-sample (ND114)

**What happens.** Two rows hold the same, to the bit; perhaps with different labels, perhaps one in the training and
one in the validation data.

**Why it makes NaN.** The distance of two equal embeddings is 0, where the root in it has an infinite slope: a triplet
or contrastive loss becomes NaN with such a pair. Other losses stay finite, and the validation flatters.

**How it looks.** `nandoctor audit` names both rows.

**Treatment.** Leave out the second one. It changes the training: the row counts once.

**Known misses and false alarms.** Rows that are nearly the same are not found. In a table with few columns equal rows
are to be expected, and only such with different labels are told.

**References.** Barz, Denzler, *Do we train on test data?*, 2020.
"""

from nandoctor.causes.case import Case, Suspicion
from nandoctor.causes.cause import Cause


def examine(case: Case) -> Suspicion | None:
    """The audit of the data sees it; no step of a training does."""
    return None


CAUSE = Cause("ND114", "duplicate-sample", "The same sample occurs more than once", examine)
