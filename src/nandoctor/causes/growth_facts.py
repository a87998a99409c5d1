"""What growth before the fault looks like in words, and the scale of the data; shared by the causes of dynamics."""

from __future__ import annotations

import numpy as np

from nandoctor.causes.case import Case, Growth, Trial
from nandoctor.findings import Fact, real
from nandoctor.trace.graph import as_float64

OVERFLOWS = frozenset(
    {"square", "mul", "matmul", "sum", "add", "sub", "pow", "prod", "mean", "l2loss", "batchnorm", "div", "exp", "write"}
)
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
    """The largest magnitude among the floating arrays of a role, with its name; None where there is none."""
    found = []
    for role, array in arrays:
        if array.dtype.kind in "fiu" and array.size:
            values = np.abs(as_float64(array))
            finite = values[np.isfinite(values)]
            if finite.size:
                found.append((role, float(finite.max())))
    return max(found, key=lambda item: item[1], default=None)


def overflowed(case: Case) -> bool:
    """Whether finite numbers became too large at the origin."""
    node = case.node
    if node is None or node.kind not in OVERFLOWS or case.origin is None:
        return False
    return not any(v.bad for v in node.inputs) and not case.origin.value.has_nan


def _plain(value: float) -> float | str:
    return value if np.isfinite(value) else str(value)
