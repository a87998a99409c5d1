"""Inputs that float16 cannot hold, for a model that computes in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.audit.checks.features import Group, input_groups, scaling_code
from nandoctor.audit.kernels.scan import RowFacts
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.channels import Numbers
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.wishes import Wishes
from nandoctor.findings import Fact

_NAME = "beyond-half"
_INFINITE = 65520.0
"""The first number that float16 rounds to infinity; what is between its largest, 65504, and this is rounded down."""
_NORMAL = 2.0**-14
_SMALLEST = 2.0**-25
"""Up to here float16 rounds to 0."""


def _is_beyond(rows: RowFacts) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (rows.maximum >= _INFINITE) | (rows.minimum <= -_INFINITE)
    return found


def _is_half(wishes: Wishes) -> bool:
    dtype = "" if wishes.model is None else wishes.model.dtype
    return "float16" in dtype and "bfloat16" not in dtype


def _probes(wishes: Wishes) -> tuple[Probe, ...]:
    return (Probe(_NAME, "input", _is_beyond),) if _is_half(wishes) else ()


def _examine(examined: Examined) -> Iterator[Found]:
    if not _is_half(examined.wishes):
        return
    for group in input_groups(examined):
        for name in (group.component,) if group.component else group.names:
            rows = examined.profile.components[name].probes.get(_NAME)
            if rows is not None and rows.count:
                yield _beyond(name, examined.profile.components[name].numbers, rows, group)
        yield from _vanishing(group)


def _beyond(name: str, numbers: Numbers | None, rows: Rows, group: Group) -> Found:
    count = 0 if numbers is None else numbers.beyond_half
    return Found(
        cause="half-overflow",
        severity="error",
        component=name,
        summary=f"{rows.count:,} rows of {name} hold numbers beyond float16, which ends at 65504: in this model they "
        "are infinite.",
        rows=rows,
        facts=(Fact(text=f"{count:,} numbers beyond 65504", values={"beyond": count}),),
        repair="Scale the inputs in float32, before they enter the model; or compute in bfloat16.",
        code=scaling_code(group, ', dtype="float32"'),
        drop=True,
    )


def _vanishing(group: Group) -> Iterator[Found]:
    """Features of which float16 keeps few digits, or nothing."""
    small = [
        (name, n)
        for name, n in zip(group.names or _numbered(group), group.numbers, strict=True)
        if n.minimum is not None and n.maximum is not None and 0 < max(-n.minimum, n.maximum) < _NORMAL
    ]
    if not small:
        return
    sizes = {name: max(-(n.minimum or 0.0), n.maximum or 0.0) for name, n in small}
    lost = [name for name, size in sizes.items() if size <= _SMALLEST]
    yield Found(
        cause="half-underflow",
        severity="warning",
        component=group.component,
        summary=f"{len(small):,} of {len(group.numbers):,} features of {group.whose} are below 6.1e-5 in all rows, "
        f"where float16 loses digits{f'; {len(lost):,} become exactly 0' if lost else ''}.",
        names=tuple(sizes),
        facts=tuple(
            Fact(text=f"{name}: up to {size:.3g}", values={"max": size}) for name, size in [*sizes.items()][:6]
        ),
        repair="Scale the inputs in float32, before they enter the model; or compute in bfloat16.",
        code=scaling_code(group, ', dtype="float32"'),
    )


def _numbered(group: Group) -> tuple[str, ...]:
    return tuple(f"channel {n}" for n in range(len(group.numbers)))


CHECK = Check(_examine, _probes)
