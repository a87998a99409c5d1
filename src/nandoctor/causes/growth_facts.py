"""What growth before the fault looks like in words, and the scale of the data; shared by the causes of dynamics."""

from __future__ import annotations

import numpy as np

from nandoctor.causes.case import Case, Growth, Trial
from nandoctor.findings import Fact, real
from nandoctor.trace.graph import as_float64

OVERFLOWS = frozenset({"square", "mul", "matmul", "sum", "add", "sub", "pow", "prod", "mean", "batchnorm", "write"})
"""Operations in which numbers that have grown too large first become infinite."""

ABNORMAL_SCALE = 10.0
"""Standard initial weights and rates are made for data of about unit scale; tenfold is still ordinary."""


def growth_fact(case: Case) -> Fact:
    """The loss and the norms of the last steps before the fault."""
    tail = case.history[-6:]
    losses = ", ".join("?" if r.loss is None else f"{real(r.loss):.3g}" for r in tail)
    growth = case.growth or Growth(1.0, 1.0, 1.0, 0)
    return Fact(
        text=f"loss over the last {len(tail)} steps: {losses}; weights grew {growth.weights:.3g}x, "
        f"gradients {growth.gradient:.3g}x",
        values={"loss_ratio": _plain(growth.loss), "weight_ratio": _plain(growth.weights)},
    )


def trial_facts(growth: Growth) -> tuple[Fact, ...]:
    """One fact for each experiment that was made."""
    return tuple(Fact(text=f"replayed with {t.change}: {_outcome(t)}") for t in growth.trials)


def _outcome(trial: Trial) -> str:
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
    if node is None or node.kind not in OVERFLOWS or case.origin is None:
        return False
    return not any(v.bad for v in node.inputs) and not case.origin.value.has_nan


def _plain(value: float) -> float | str:
    return value if np.isfinite(value) else str(value)
