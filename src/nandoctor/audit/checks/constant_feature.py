"""Columns of a table that have one value."""

from __future__ import annotations

from collections.abc import Iterator

from nandoctor.audit.checks.check import NAMED, Check, Examined, Found
from nandoctor.audit.checks.features import Group, input_groups
from nandoctor.audit.profile.channels import Numbers
from nandoctor.findings import Fact

_EXACT = 2.0**53
"""Beyond it not every whole number is a float64."""


def _examine(examined: Examined) -> Iterator[Found]:
    for group in input_groups(examined):
        if len(group.shape) > 1 or not group.names:
            continue  # of images the single ones are looked at; of a row too wide its columns are not told apart
        constant = [(name, n) for name, n in zip(group.names, group.numbers, strict=True) if _is_constant(n)]
        if constant:
            yield _found(examined, group, constant)


def _is_constant(numbers: Numbers) -> bool:
    """In all rows: where some are missing, it is known of the others alone. Large ids may only be rounded to one."""
    whole = numbers.moments.count == numbers.count > 1
    return whole and numbers.minimum == numbers.maximum and abs(numbers.minimum or 0) < _EXACT


def _found(examined: Examined, group: Group, constant: list[tuple[str, Numbers]]) -> Found:
    scales = examined.wishes.model is not None and examined.wishes.model.rescales
    usual = all(n.minimum in (0, 1) for _, n in constant)  # a margin of pixels, a rare category, an intercept
    told = ", ".join(name for name, _ in constant[:NAMED])
    more = f" and {len(constant) - NAMED:,} more" if len(constant) > NAMED else ""
    return Found(
        cause="constant-feature",
        severity="note" if scales or usual else "warning",
        component=group.component,
        summary=f"{len(constant):,} of {len(group.names):,} columns have one value in all rows ({told}{more}): they "
        "say nothing, and standardised by hand, (x - mean) / std, they are 0/0.",
        names=tuple(name for name, _ in constant),
        facts=tuple(
            Fact(text=f"{name} is {n.minimum:.6g} in {n.moments.count:,} rows", values={"value": n.minimum})
            for name, n in constant[:NAMED]
        ),
        repair="Leave these columns out, or give the spread a floor.",
        code="(x - mean) / numpy.maximum(std, 1e-7)",
    )


CHECK = Check(_examine)
