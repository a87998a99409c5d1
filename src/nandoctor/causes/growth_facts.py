"""What growth before the fault looks like in words, and the scale of the data; shared by the causes of dynamics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nandoctor.causes.case import Case, Growth, Trial, expression
from nandoctor.findings import Fact, Location, StepRecord, real
from nandoctor.trace.graph import Node, Value, as_float64

OVERFLOWS = frozenset({"square", "mul", "matmul", "sum", "add", "sub", "pow", "prod", "mean", "batchnorm", "write"})
"""Operations in which numbers that have grown too large first become infinite."""

_LARGEST = {"float16": float(np.finfo(np.float16).max), "float64": float(np.finfo(np.float64).max)}

ABNORMAL_SCALE = 10.0
"""Standard initial weights and rates are made for data of about unit scale; tenfold is still ordinary."""


def growth_fact(case: Case) -> Fact:
    """The loss and the norms of the last steps before the fault."""
    tail = case.history[-6:]
    losses = ", ".join("?" if r.loss is None else f"{real(r.loss):.3g}" for r in tail)
    growth = case.growth or Growth(1.0, 1.0, 1.0, 0)
    steps = "step" if len(tail) == 1 else f"{len(tail)} steps"
    return Fact(
        text=f"loss over the last {steps}: {losses}; weights grew {_times(growth.weights)}, "
        f"gradients {_times(growth.gradient)}",
        values={"loss_ratio": _plain(growth.loss), "weight_ratio": _plain(growth.weights)},
    )


def last_rate(history: Sequence[StepRecord]) -> float | None:
    """The learning rate of the last step that had one."""
    return next((r.learning_rate for r in reversed(history) if r.learning_rate is not None), None)


def trial_facts(growth: Growth) -> tuple[Fact, ...]:
    """One fact for each experiment that was made."""
    return tuple(Fact(text=f"replayed with {t.change}: {_outcome(t)}", values=_reached(t)) for t in growth.trials)


def _reached(trial: Trial) -> dict[str, float | bool]:
    """Whether a trial stopped the growth, and the loss that it came to if it did."""
    return {"settles": True, "loss": trial.losses[-1]} if trial.settles else {"settles": False}


def _outcome(trial: Trial) -> str:
    if not trial.losses:
        return "it does not run"
    if not trial.stays_finite:
        return f"not finite after {len(trial.losses)} steps"
    course = f"loss {trial.losses[0]:.3g} to {trial.losses[-1]:.3g} in {len(trial.losses)} steps"
    return course if trial.settles else f"{course}, still growing"


def scale_of(arrays: list[tuple[str, np.ndarray]]) -> tuple[str, float] | None:
    """The array of a role with the largest scale, and that scale; None where there is none."""
    found = [(role, scale) for role, array in arrays if (scale := typical_magnitude(array)) is not None]
    return max(found, key=lambda item: item[1], default=None)


def typical_magnitude(array: np.ndarray) -> float | None:
    """The median over the rows of each row's largest magnitude: one row that stands out does not move it."""
    if array.dtype.kind not in "fiu" or not array.size or not array.ndim:
        return None
    rows = np.abs(as_float64(array).reshape(len(array), -1)).max(axis=1)
    finite = rows[np.isfinite(rows)]
    return float(np.median(finite)) if finite.size else None


def can_be_scaled(array: np.ndarray) -> bool:
    """Real numbers, and integers that are pixels; not the integers that are ids."""
    return array.dtype.kind == "f" or (array.dtype.kind in "iu" and array.ndim >= 3)


def overflowed(case: Case) -> bool:
    """Whether finite numbers became too large at the origin."""
    node = case.node
    return node is not None and case.origin is not None and overflows(node, case.origin.value)


def overflows(node: Node, value: Value) -> bool:
    """Whether plain arithmetic took finite numbers beyond their dtype.

    Inside one operation that adds products, infinities of both signs may have met and become NaN.
    """
    if node.kind not in OVERFLOWS or any(v.bad for v in node.inputs):
        return False
    return not value.has_nan or _largest_possible(node) > _LARGEST.get(value.dtype, float(np.finfo(np.float32).max))


def _largest_possible(node: Node) -> float:
    """A bound on what an operation's sums of products can reach."""
    sizes = [v.stats.absmax or 0.0 for v in node.inputs if v.stats is not None]
    counts = [float(v.stats.count) for v in node.inputs if v.stats is not None]
    if node.kind in ("sum", "mean", "add", "sub"):
        return max(sizes, default=0.0) * max(counts, default=1.0)
    return float(np.prod(sizes)) * max(counts, default=1.0) if sizes else 0.0


def quoted(location: Location | None) -> str:
    """The user's expression behind a penalty."""
    return expression(location, "of the loss")


def _times(ratio: float) -> str:
    return f"{ratio:.3g}x" if np.isfinite(ratio) else "without bound"


def _plain(value: float) -> float | str:
    return value if np.isfinite(value) else str(value)
