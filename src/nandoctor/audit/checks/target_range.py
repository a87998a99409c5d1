"""Targets beyond what the loss is made for: probabilities, signs, counts, numbers whose logarithm is taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.audit.checks.targets import only_target, target_kind
from nandoctor.audit.kernels.scan import RowFacts
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.wishes import TargetKind, Wishes
from nandoctor.findings import Fact

_NAME = "target-range"
_ROUNDING = 1e-6
"""Probabilities that were computed may miss their end by that much; so may a half, which rounds 1 to 1."""


@dataclass(frozen=True, slots=True)
class _Range:
    """What a kind of targets may be, and what comes of others.

    Attributes:
        low, high: the ends; `open_low`: the lower one is itself outside.
        words: what the loss takes.
        cause, comes: the cause, and what happens.
        repair: what to do.
    """

    low: float
    high: float
    words: str
    cause: str
    comes: str
    repair: str
    open_low: bool = False

    def __call__(self, rows: RowFacts) -> NDArray[np.bool_]:
        below = rows.minimum <= self.low if self.open_low else rows.minimum < self.low - _ROUNDING
        return below | (rows.maximum > self.high + _ROUNDING)


_RANGES: dict[TargetKind, _Range] = {
    "probabilities": _Range(
        low=0.0,
        high=1.0,
        words="targets from 0 to 1",
        cause="label-out-of-range",
        comes="of others the loss has no lower bound: it runs below 0 and takes the weights along",
        repair="Map the targets to 0 .. 1.",
    ),
    "signs": _Range(
        low=-1.0,
        high=1.0,
        words="-1 and 1 (or 0 and 1)",
        cause="label-out-of-range",
        comes="of others the margin is another one for each value",
        repair="Map the two classes to -1 and 1.",
    ),
    "counts": _Range(
        low=0.0,
        high=np.inf,
        words="targets of 0 and above",
        cause="label-out-of-range",
        comes="of a negative one the loss has no lower bound: it falls for ever as the prediction goes to 0",
        repair="Leave these rows out, or take a loss for numbers of either sign.",
    ),
    "positive": _Range(
        low=-1.0,
        high=np.inf,
        words="targets above -1, for it takes the logarithm of 1 + target",
        cause="domain-error",
        comes="of others that is NaN or -inf; Keras's own loss cuts them off at 0, and learns something else",
        repair="Leave these rows out, or take a loss without a logarithm.",
        open_low=True,
    ),
}


def _probes(wishes: Wishes) -> tuple[Probe, ...]:
    kind = target_kind(wishes)
    return (Probe(_NAME, "target", _RANGES[kind]),) if kind in _RANGES else ()


def _examine(examined: Examined) -> Iterator[Found]:
    target, kind = only_target(examined), target_kind(examined.wishes)
    if target is None or kind not in _RANGES:
        return
    name, component = target
    rows = component.probes.get(_NAME)
    if rows is not None and rows.count:
        yield _found(examined, name, component, rows, kind)
    elif kind == "signs":
        yield from _mixed_signs(examined, name, component)


def _found(examined: Examined, name: str, target: ComponentProfile, rows: Rows, kind: TargetKind) -> Found:
    wished, numbers, loss = _RANGES[kind], target.numbers, examined.wishes.loss
    low, high = (None, None) if numbers is None else (numbers.minimum, numbers.maximum)
    signs = kind == "probabilities" and target.classes is not None and set(target.classes.elements) == {-1, 1}
    repair, code = _repair(name, kind, wished.repair, target)
    values = "-1 and 1" if signs else f"{low:.6g} to {high:.6g}"
    return Found(
        cause=wished.cause,
        severity="warning",
        component=name,
        summary=f"{rows.count:,} of {target.rows:,} rows of {name} hold targets that "
        f"{loss.name if loss else 'the loss'} is not made for: it takes {wished.words}; {wished.comes}.",
        rows=rows,
        facts=(Fact(text=f"{name}: {values}", values={"min": low, "max": high}),),
        repair=repair,
        code=code,
        drop=code is None,
    )


def _repair(name: str, kind: TargetKind, otherwise: str, target: ComponentProfile) -> tuple[str, str | None]:
    """With the numbers, where two values, or bytes, say what they stand for."""
    values = set() if target.classes is None else set(target.classes.elements)
    if kind == "probabilities" and values == {-1, 1}:
        return "Map -1 and 1 to 0 and 1.", f"{name} = ({name} + 1) / 2"
    if kind == "probabilities" and values and min(values) >= 0 and max(values) == 255:
        return "Bring the values of 0 .. 255 to 0 .. 1.", f"{name} = {name} / 255.0"
    if kind == "probabilities" and len(values) == 2:
        return "Map the two classes to 0 and 1.", f"{name} = {name} == {max(values)}"
    if kind == "signs" and len(values) == 2:
        return "Map the two classes to -1 and 1.", f"{name} = numpy.where({name} == {max(values)}, 1, -1)"
    return otherwise, None


def _mixed_signs(examined: Examined, name: str, target: ComponentProfile) -> Iterator[Found]:
    """Keras takes 0 for -1, but only in a batch that holds nothing but 0 and 1."""
    elements = {} if target.classes is None else target.classes.elements
    if not {-1, 0} <= set(elements):
        return
    yield Found(
        cause="label-out-of-range",
        severity="warning",
        component=name,
        summary=f"{name} holds -1 as well as 0: a hinge loss takes -1 and 1, or 0 and 1. A target of 0 adds a "
        "constant, and nothing is learnt from it.",
        facts=(Fact(text=f"{elements[0]:,} are 0, {elements[-1]:,} are -1", values={"zero": elements[0]}),),
        repair="Map the two classes to -1 and 1.",
    )


CHECK = Check(_examine, _probes)
