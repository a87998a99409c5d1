"""A floor inside a function whose value or slope is infinite at 0: under a root, in a logarithm, under a power.

A floor is a maximum: above it nothing changes, not by a rounding, and below it the gradient is 0. A sum with an epsilon
changes every value, and where the epsilon is below the dtype's resolution it changes none.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from nandoctor.treat.proposal import Proposal
from nandoctor.treat.site import Site, argument

_SINGLE = ("1e-12", "1e-7")
_BY_DTYPE = {"float16": ("6e-5", "1e-3"), "bfloat16": ("1e-7", "1e-4")}

_ROOTS = frozenset({"sqrt", "rsqrt"})


def floors(site: Site) -> tuple[str, ...]:
    """Floors that the dtype of the operation holds as normal numbers, the smallest first."""
    stats = site.operand()
    return _BY_DTYPE.get("" if stats is None else stats.dtype, _SINGLE)


def inside_root(site: Site) -> Iterator[Proposal]:
    """`sqrt(s)` -> `sqrt(maximum(s, 1e-12))`."""
    if site.spelling.called(site.node) not in _ROOTS or not isinstance(site.node, cst.Call):
        return
    operand, maximum = argument(site.node, 0, "x"), site.word("maximum")
    if operand is None or maximum is None:
        return
    for floor in floors(site):
        code = f"{maximum}({site.source.code(operand)}, {floor})"
        summary = f"Keep the argument of the root at {floor} or above, inside the root."
        yield site.edit("floor-inside-root", summary, [site.source.replace(operand, code)], safe=True)
