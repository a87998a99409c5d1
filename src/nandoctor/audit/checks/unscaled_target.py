"""Targets of a regression far from unit scale, under a loss that squares the error."""

from __future__ import annotations

import math
from collections.abc import Iterator

from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.audit.checks.features import WRITTEN, mean_square, rounded
from nandoctor.audit.checks.targets import only_target
from nandoctor.audit.checks.unscaled_input import ORDINARY, is_adaptive
from nandoctor.audit.profile.channels import Numbers
from nandoctor.findings import Fact, Severity

_LARGE = 100.0
_LARGEST_ROOT = math.sqrt(3.4028234663852886e38)
"""The square of more is beyond float32."""


def _examine(examined: Examined) -> Iterator[Found]:
    target, loss = only_target(examined), examined.wishes.loss
    if target is None or loss is None or not loss.squares or target[1].numbers is None:
        return
    name, component = target
    numbers = component.channel_numbers
    size = math.sqrt(max(map(mean_square, numbers), default=0.0))
    if size <= ORDINARY:
        return
    low = min(n.minimum for n in numbers if n.minimum is not None)
    high = max(n.maximum for n in numbers if n.maximum is not None)
    beyond = max(-low, high) > _LARGEST_ROOT
    told = "beyond float32: it is infinite" if beyond else f"of the order of {size * size:.3g} at the start"
    yield Found(
        cause="unscaled-target",
        severity=_severity(examined, size, beyond=beyond),
        component=name,
        summary=f"The numbers in {name} are of the order of {size:.3g}, and {loss.name} squares the error: the loss is "
        f"{told}, and so are the first gradients large.",
        facts=(
            Fact(text=f"{name}: {low:.6g} to {high:.6g}, typical size {size:.4g}", values={"min": low, "max": high}),
        ),
        repair="Standardise the targets, and undo it for predictions; or take a loss that grows linearly (Huber).",
        code=_code(name, numbers),
    )


def _severity(examined: Examined, size: float, *, beyond: bool) -> Severity:
    if beyond:
        return "error"
    return "note" if size <= _LARGE or is_adaptive(examined.wishes) else "warning"


def _code(name: str, numbers: tuple[Numbers, ...]) -> str:
    if not 1 <= len(numbers) <= WRITTEN:
        return f"{name} = ({name} - {name}.mean(axis=0)) / {name}.std(axis=0)"
    mean, std = [rounded(n.mean or 0.0) for n in numbers], [rounded(n.std or 0.0) or 1.0 for n in numbers]
    if len(numbers) == 1:
        return f"{name} = ({name} - {mean[0]}) / {std[0]}"
    return f"{name} = ({name} - numpy.array({mean})) / numpy.array({std})"


CHECK = Check(_examine)
