"""Inputs far from unit scale, and what that means at the learning rate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.audit.checks.features import Group, curvature, input_groups, mean_square, scaling_code
from nandoctor.audit.checks.targets import only_target, row_shapes
from nandoctor.audit.wishes import Wishes
from nandoctor.findings import Fact, Severity

ORDINARY = 10.0
"""Standard initial weights and rates are made for data of about unit scale; tenfold is still ordinary."""
LARGE = 50.0
"""From here on, which is that of pixels, numbers are named even where nothing is known of the model."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A step of plain gradient descent: its rate, and the least that the curvature along the inputs is."""

    rate: float
    curvature: float

    @property
    def factor(self) -> float:
        """By which the error along the inputs is multiplied, if it is above 1; a step is stable below 1."""
        return self.rate * self.curvature - 1

    @property
    def stable_rate(self) -> float:
        """None above it is stable; where the stable ones begin, the curvature itself would tell."""
        return 2 / self.curvature


def is_adaptive(wishes: Wishes) -> bool:
    """Whether the optimizer divides by the size of the gradient, which hides the scale of the data."""
    optimizer = None if wishes.model is None else wishes.model.optimizer
    return optimizer is not None and not optimizer.lower().startswith("sgd")


def _examine(examined: Examined) -> Iterator[Found]:
    wishes = examined.wishes
    if wishes.model is not None and wishes.model.rescales:
        return
    for group in input_groups(examined):
        size = math.sqrt(max(map(mean_square, group.numbers), default=0.0))
        if size > ORDINARY:
            yield _found(examined, group, size)


def _found(examined: Examined, group: Group, size: float) -> Found:
    low = min(n.minimum for n in group.numbers if n.minimum is not None)
    high = max(n.maximum for n in group.numbers if n.maximum is not None)
    step = _step(examined, group)
    facts: tuple[Fact, ...] = (
        Fact(
            text=f"{group.whose}: {low:.6g} to {high:.6g}, typical size {size:.4g}",
            values={"min": low, "max": high, "size": size},
        ),
    )
    summary = f"The numbers in {group.whose} are of the order of {size:.3g}; weights and learning rates are made for "
    summary += "about 1."
    if step is not None and step.factor > 1:
        told = f"no rate above {step.stable_rate:.2g} is stable on a linear layer; at {step.rate:g} its error grows at "
        told += f"least {step.factor:.3g}-fold in each step"
        facts += (Fact(text=told, values={"stable_rate": step.stable_rate, "factor": step.factor}),)
        summary += f" On a linear layer plain gradient descent of a squared error diverges at the rate {step.rate:g}."
    elif is_adaptive(examined.wishes):
        summary += " An optimizer that adapts hides it, but learns the slower."
    return Found(
        cause="unscaled-input",
        severity=_severity(examined.wishes, group, size, step),
        component=group.component,
        summary=summary,
        names=_large(group),
        facts=facts,
        repair="Bring the inputs to about unit scale, in the first layer of the model.",
        code=scaling_code(group),
    )


def _large(group: Group) -> tuple[str, ...]:
    """The features that are meant, where they have names."""
    each = zip(group.names, group.numbers, strict=bool(group.names))
    return tuple(name for name, n in each if mean_square(n) > ORDINARY**2)


def _step(examined: Examined, group: Group) -> _Step | None:
    """None where the step is not that of plain gradient descent on a squared error."""
    wishes = examined.wishes
    squared = wishes.loss is None or wishes.loss.squares
    normed = wishes.model is not None and wishes.model.batch_norm
    if wishes.rate is None or not squared or is_adaptive(wishes) or normed:
        return None
    # The mean over outputs of (w x - y)^2 is curved by twice the moment of x, over the number of outputs.
    return _Step(wishes.rate, 2 / _outputs(examined) * curvature(group))


def _outputs(examined: Examined) -> int:
    if examined.wishes.model is not None and examined.wishes.model.outputs:
        return examined.wishes.model.outputs
    target = only_target(examined)
    widths = [math.prod(shape) for shape in row_shapes(target[1])] if target is not None else []
    return max([1, *widths])


def _severity(wishes: Wishes, group: Group, size: float, step: _Step | None) -> Severity:
    """Only a rate at which steps overshoot, or a model that is known not to scale, is more than a note for bytes."""
    if step is not None:
        return "warning" if step.factor > 1 else "note"
    if wishes.model is not None:
        return "note" if wishes.model.batch_norm or is_adaptive(wishes) else "warning"
    return "note" if group.dtype == "uint8" or size <= LARGE else "warning"


CHECK = Check(_examine)
