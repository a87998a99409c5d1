"""Data that was not finite before the step began: which rows, and where in the user's source it was made.

Arithmetic of NumPy that makes NaN of finite numbers is heard of as it happens, and is a spoiler then; where none was,
the NaN was there before all arithmetic.
"""

from __future__ import annotations

import numpy as np

from nandoctor.causes.case import Case, Suspicion, count_of, expression
from nandoctor.causes.remedies import edit
from nandoctor.findings import Fact, Treatment

_AT_ITS_LINE = edit(
    "finite-arithmetic",
    "Guard the arithmetic that made it, at its line.",
    "ratio = np.divide(a, b, out=np.zeros_like(a), where=b != 0)   # np.log(np.maximum(n, 1))",
)


def spoilt(case: Case, family: str, name: str, treatments: tuple[Treatment, ...]) -> Suspicion | None:
    """The suspicion that the walk's end, a leaf of one role, was spoilt already."""
    leaf = case.origin.leaf if case.origin is not None else None
    if leaf is None or not leaf.role.startswith(family) or leaf.array is None:
        return None
    bad = ~np.isfinite(leaf.array)
    rows = leaf.bad_rows()
    spoiler = case.spoilers[-1] if case.spoilers else None
    stats = leaf.stats
    kinds = [] if stats is None else [(stats.nan, "NaN"), (stats.posinf, "+inf"), (stats.neginf, "-inf")]
    what = " and ".join(f"{n:,} {kind}" for n, kind in kinds if n)
    first = ", ".join(map(str, np.argwhere(bad)[0]))
    within = f", in {count_of(len(rows), 'row')} of {leaf.shape[0]}" if leaf.rows is None else ""
    text = f"{name} of the batch hold {what}, first at [{first}]{within}."
    if spoiler is not None:
        text += f" {expression(spoiler.location)} made them: '{spoiler.message}'."
    return Suspicion(
        confidence=0.9,
        summary=text,
        facts=(Fact(text=f"{leaf.role} holds {what}", values={"bad": int(bad.sum()), "rows": list(rows)}),),
        treatments=(*((_AT_ITS_LINE,) if spoiler is not None else ()), *treatments),
        location=spoiler.location if spoiler is not None else case.made.get(f"loaded {family}") or case.fit,
        rows=rows,
        phase="data",
    )
