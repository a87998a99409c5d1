"""# data-drift (ND115)

**What happens.** Data differ from a profile that was kept, or the validation data from the training data: a column is
missing, a class is new, the numbers are distributed otherwise.

**Why it makes NaN.** A new class id is beyond the outputs of the model; a column in other units is unscaled; a class
that has vanished leaves a mean over nothing.

**How it looks.** `nandoctor audit --against base.json` says what was, what is, and how far apart the distributions are.

**Treatment.** Find out which of both is right; keep a new profile if it is the new one.

**Known misses and false alarms.** A small data set differs by chance: a drift is only told where it is more than that.

**References.** Kolmogorov-Smirnov test; population stability index (Siddiqi, *Credit Risk Scorecards*, 2006).
"""

from nandoctor.causes.case import Case, Suspicion
from nandoctor.causes.cause import Cause


def examine(case: Case) -> Suspicion | None:
    """The audit of the data sees it; no step of a training does."""
    return None


CAUSE = Cause("ND115", "data-drift", "The data have changed against what was there before", examine)
