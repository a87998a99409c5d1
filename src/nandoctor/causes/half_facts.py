"""What half precision does to numbers, and what the experiments in float32 say; shared by the causes of precision."""

from __future__ import annotations

import numpy as np

from nandoctor.causes.case import Case, Trial
from nandoctor.findings import Fact
from nandoctor.trace.graph import Node, Value, as_float64

IN_SINGLE = "half precision computed in float32"
LARGEST = 65504.0
ROOM = LARGEST / 16
"""Data of this size leave a layer of ordinary width no room in float16."""

HALF = ("float16", "bfloat16")

_ARITHMETIC = ("matmul", "mul", "add", "sub", "sum", "mean", "square", "batchnorm")
"""Sums and products of numbers up to 65504 never reach the end of float32."""


def in_half(*values: Value) -> bool:
    """Whether all of them are in half precision."""
    return bool(values) and all(value.dtype in HALF for value in values)


def fits_single(node: Node) -> bool:
    """Whether an operation on finite numbers of half precision is certain to be finite in float32."""
    if any(value.bad for value in node.inputs) or not node.inputs:
        return False
    if node.kind == "exp":
        operand = node.inputs[0].array
        return operand is not None and operand.size > 0 and float(as_float64(operand).max()) < np.log(3.4e38)
    return node.op == "Cast" or node.kind in _ARITHMETIC


def is_tiny(value: Value) -> bool:
    """Whether an element of it is 0, or so small that one over it is beyond float16."""
    return value.array is not None and bool((np.abs(as_float64(value.array)) < 1.0 / LARGEST).any())


def weight_of_evidence(case: Case, *, certain: bool) -> float:
    """How sure it is that precision, and not growth, is the root; 0 where the experiments speak against it."""
    growth = case.growth
    trial = growth.trial(IN_SINGLE) if growth is not None else None
    if trial is not None and trial.settles:
        return 0.965
    if case.single is not None and case.single.losses and not case.single.stays_finite:
        return 0.0
    if growth is not None and growth.settled is not None:
        return 0.6
    if growth is not None and growth.steps > 2 and (growth.loss > 10 or growth.weights > 10):
        return 0.6
    return 0.965 if case.single is not None and case.single.stays_finite else 0.9 if certain else 0.0


def single_facts(case: Case) -> tuple[Fact, ...]:
    """What this step, and a short training, came to in float32."""
    found = [] if case.single is None or not case.single.losses else [_this_step(case.single, loop=case.loop)]
    trial = case.growth.trial(IN_SINGLE) if case.growth is not None else None
    if trial is not None and trial.stays_finite:
        course = f"loss {trial.losses[0]:.3g} to {trial.losses[-1]:.3g} in {len(trial.losses)} steps"
        found.append(Fact(text=f"trained in float32: {course}"))
    return tuple(found)


def _this_step(single: Trial, *, loop: bool) -> Fact:
    outcome = f"loss {single.losses[0]:.4g}, gradients finite" if single.stays_finite else "not finite either"
    what = "the script computed in float32, a little past this step" if loop else "this step computed in float32"
    return Fact(text=f"{what}: {outcome}", values={"finite": single.stays_finite})
