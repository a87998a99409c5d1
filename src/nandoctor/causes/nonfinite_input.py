"""# nonfinite-input (ND101)

**What happens.** A batch contains NaN or infinity before any layer has seen it.

**Why it makes NaN.** One NaN feature makes the row's output NaN, the mean over the batch NaN, and every gradient
NaN.

**How it looks.** The walk back from the loss ends at an input of the model. Where NumPy divided by 0 or took an
invalid logarithm on the way, its line is named; the rows are those that hold NaN.

**Treatment.** Find out why they are missing. Drop the rows, or fill them with a value from the *training* set (a
median) and add a column that says so. `np.nan_to_num` turns a missing value into 0, which is a value.

**Known misses and false alarms.** NaN that a masking layer removes before it reaches the loss is not accused. A
whole column of NaN from a division by its spread is `constant-feature`.

**References.** Little, Rubin, *Statistical Analysis with Missing Data*, 2019.
"""

from nandoctor.causes.case import Case, Suspicion
from nandoctor.causes.cause import Cause
from nandoctor.causes.remedies import LEAVE_ROWS_OUT, data
from nandoctor.causes.spoilt_data import spoilt


def examine(case: Case) -> Suspicion | None:
    return spoilt(
        case,
        "input",
        "The inputs",
        (
            data("drop-rows", "Drop these rows.", "ok = np.isfinite(x).all(axis=1); x, y = x[ok], y[ok]"),
            data(
                "impute",
                "Or fill them from the training set.",
                "x = np.where(np.isfinite(x), x, np.nanmedian(x, axis=0))",
            ),
            LEAVE_ROWS_OUT,
        ),
    )


CAUSE = Cause("ND101", "nonfinite-input", "NaN or infinity in the inputs", examine)
