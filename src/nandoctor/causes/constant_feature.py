"""# constant-feature (ND107)

**What happens.** Data is standardised by its own spread, and the spread is 0: a column with one value, an image of
one colour.

**Why it makes NaN.** `(x - mean) / std` is `0 / 0`.

**How it looks.** A division by a standard deviation, variance or range of the inputs that is exactly 0, in the
model or in the preparation of the data. From outside: a whole column, or a whole image, of NaN.

**Treatment.** Give the spread a floor where it is used, or drop the column: `(x - mean) / tf.maximum(std, eps)`.
For images `tf.image.per_image_standardization` has such a floor; `keras.layers.Normalization` and scikit-learn's
`StandardScaler` handle constant columns too.

**Known misses and false alarms.** A division by a norm or a sum is `division-by-zero`.

**References.** TensorFlow's `tf.image.per_image_standardization` (floor of 1/sqrt(number of pixels)).
"""

import numpy as np

from nandoctor.causes.case import Case, Spoiler, Suspicion, count_of, expression
from nandoctor.causes.cause import Cause
from nandoctor.causes.denominators import zero_denominator
from nandoctor.causes.remedies import data, edit
from nandoctor.findings import Fact, Location

_TREATMENT = (
    edit(
        "floor-spread",
        "Give the spread a floor.",
        "(x - mean) / np.maximum(std, 1e-7)",
    ),
    data("drop-constant", "Or drop the constant columns or images: they carry no information."),
)


def examine(case: Case) -> Suspicion | None:
    return _in_the_step(case) or _before_the_step(case)


def _in_the_step(case: Case) -> Suspicion | None:
    denominator = zero_denominator(case)
    if denominator is None or not divides_by_spread(case):
        return None
    return Suspicion(
        confidence=0.95,
        summary=f"{expression(case.location)} divides by the spread of the inputs, which is exactly 0 in "
        f"{denominator.zeros:,} places: constant data.",
        facts=(Fact(text=f"{denominator.zeros:,} spreads are 0", values={"zeros": denominator.zeros}),),
        treatments=_TREATMENT,
    )


def divides_by_spread(case: Case) -> bool:
    """Whether the origin divides by a standard deviation, variance or range of the inputs that is 0."""
    denominator = zero_denominator(case)
    if denominator is None or case.roles(denominator.value) != {"input"}:
        return False
    behind = list(case.trace.ancestors(denominator.value))
    subtracts = any(node.kind == "sub" or node.op == "SquaredDifference" for node in behind)
    return subtracts and any(node.kind in ("mean", "max", "min", "sum") for node in behind)


def divides_what_is_centred(case: Case) -> bool:
    """Whether 0 is divided by 0 where a constant was subtracted before: what equals its mean, and has no spread."""
    node = case.made_by("div")
    centred = None if node is None else case.trace.producer(node.inputs[0])
    if node is None or centred is None or centred.kind != "sub":
        return False
    over = case.at_bad_elements(node.inputs[0])
    return over is not None and over.size > 0 and not over.any()


def _before_the_step(case: Case) -> Suspicion | None:
    """NaN already in the inputs, in whole columns or whole rows, where NumPy divided 0 by 0."""
    leaf = case.origin.leaf if case.origin is not None else None
    if leaf is None or not leaf.role.startswith("input") or leaf.array is None:
        return None
    divisions = [s for s in case.spoilers if "divide" in s.message]
    if not divisions:
        return None
    by_spread = [s for s in divisions if _mentions_spread(s)]
    nan = np.isnan(leaf.array.astype(np.float32))
    shape = _whole(nan)
    if not by_spread or (shape is None and not (by_spread[-1].seen and nan.any())):
        return None  # what came after the division may have moved the NaN: then it must have been seen dividing
    where = f"{shape} of the batch are NaN throughout" if shape else f"{count_of(int(nan.sum()), 'element')} are NaN"
    return Suspicion(
        confidence=0.95,
        summary=f"{expression(by_spread[-1].location)}: '{by_spread[-1].message}'; {where}, as what is constant is "
        "after it is divided by its spread of 0.",
        facts=(Fact(text=where),),
        treatments=_TREATMENT,
        location=by_spread[-1].location,
        phase="data",
    )


def _mentions_spread(spoiler: Spoiler) -> bool:
    """A traced pipeline knows; otherwise the division's own source, or the lines that define its names, say it."""
    if spoiler.by_spread is not None:
        return spoiler.by_spread
    text = _with_definitions(spoiler.location)
    return any(word in text for word in ("std", "var(", "ptp", ".max", ".min", "np.max", "np.min", "spread", "range"))


def _with_definitions(location: Location) -> str:
    import linecache

    lines = linecache.getlines(location.file)
    names = {w for w in _words(location.code) if len(w) > 0}
    above = [line for line in lines[: location.line] if "=" in line and set(_words(line.split("=", 1)[0])) & names]
    return location.code + " ".join(above)


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in text).split()


def _whole(nan: np.ndarray) -> str | None:
    """Whether NaN fills whole columns (over all rows), or whole rows, and nothing else."""
    if not nan.any() or nan.ndim < 2:
        return None
    rows = nan.reshape(len(nan), -1)
    if rows[rows.any(axis=1)].all():
        return f"{int(rows.any(axis=1).sum())} rows"
    if rows[:, rows.any(axis=0)].all():
        return f"{int(rows.any(axis=0).sum())} columns"
    return None


CAUSE = Cause("ND107", "constant-feature", "A constant feature is divided by its spread", examine)
