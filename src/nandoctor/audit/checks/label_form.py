"""Class ids for a loss of one-hot rows, and the other way round; one-hot rows that are none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.audit.checks.targets import class_limit, has_class_ids, is_single, only_target, row_shapes, target_kind
from nandoctor.audit.kernels.scan import RowFacts
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.wishes import Wishes
from nandoctor.findings import Fact

_HOT = "one-hot"
_OFF = "not-one-hot"
_ZERO = "all-zero"
_ROUNDING = 1e-3
"""By how much a row of float16 probabilities may miss 1."""


def _is_hot(rows: RowFacts) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (rows.zero == rows.size - 1) & (rows.maximum == 1) & (rows.total == 1)
    return found


def _is_off(rows: RowFacts) -> NDArray[np.bool_]:
    """Of a row of numbers: whether one is negative, or they do not sum to 1. Smoothed labels do."""
    off = (np.abs(rows.total - 1) > _ROUNDING) | (rows.minimum < 0)
    found: NDArray[np.bool_] = off & (rows.nonfinite == 0) & ~_is_zero(rows)
    return found


def _is_zero(rows: RowFacts) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = rows.zero == rows.size
    return found


def _probes(wishes: Wishes) -> tuple[Probe, ...]:
    if target_kind(wishes) == "ids" and has_class_ids(wishes):
        return (Probe(_HOT, "target", _is_hot),)
    if target_kind(wishes) == "one-hot":
        return (Probe(_OFF, "target", _is_off), Probe(_ZERO, "target", _is_zero))
    return ()


def _examine(examined: Examined) -> Iterator[Found]:
    target = only_target(examined)
    if target is None or not target[1].readable:
        return
    if target[1].numbers is None:
        yield from _no_numbers(*target, examined.wishes)
        return
    if target_kind(examined.wishes) == "ids" and has_class_ids(examined.wishes):
        yield from _hot_for_ids(*target, examined.wishes)
    if target_kind(examined.wishes) == "one-hot":
        yield from _ids_for_hot(*target, examined.wishes)
        yield from _wrong_width(*target, examined.wishes)
        yield from _rows_off(*target)


def _vector(target: ComponentProfile) -> int | None:
    """How many numbers each row has, where it is a vector of more than one."""
    shapes = row_shapes(target)
    shape = next(iter(shapes)) if len(shapes) == 1 else ()
    return shape[0] if len(shape) == 1 and shape[0] > 1 else None


def _no_numbers(name: str, component: ComponentProfile, wishes: Wishes) -> Iterator[Found]:
    if wishes.loss is None or wishes.loss.targets is None:
        return
    dtype = next((dtype for _, dtype in component.forms), "")
    yield Found(
        cause="label-out-of-range",
        severity="error",
        component=name,
        summary=f"The targets {name} are no numbers ({dtype}), and {wishes.loss.name} takes numbers.",
        facts=(Fact(text=f"dtype {dtype}", values={"dtype": dtype}),),
        repair="Give each class a number from 0 on.",
        code=f"classes, {name} = np.unique({name}, return_inverse=True)",
    )


def _hot_for_ids(name: str, target: ComponentProfile, wishes: Wishes) -> Iterator[Found]:
    width, hot = _vector(target), target.probes.get(_HOT)
    limit = class_limit(wishes)
    if width is None or hot is None or hot.count < target.readable or wishes.loss is None or limit != width:
        return  # a sequence of ids has such rows too, but not all of them, and not as many steps as there are classes
    yield Found(
        cause="label-out-of-range",
        severity="error",
        component=name,
        summary=f"All {target.rows:,} rows of {name} are one-hot, {width:,} wide, and {wishes.loss.name} takes one "
        "class id for each: their shapes do not fit.",
        facts=(Fact(text=f"one 1 in each row of {width:,}", values={"width": width}),),
        repair="Give the ids, or the loss for one-hot rows.",
        code=f"{name} = {name}.argmax(axis=-1)   # or keras.losses.CategoricalCrossentropy()",
    )


def _ids_for_hot(name: str, target: ComponentProfile, wishes: Wishes) -> Iterator[Found]:
    known, limit = target.classes, class_limit(wishes)
    if not is_single(target) or known is None or not known.whole or wishes.loss is None:
        return
    highest = max(known.elements, default=0)
    if limit is None and highest < 2:
        return
    yield Found(
        cause="label-out-of-range",
        severity="error" if limit is not None else "warning",
        component=name,
        summary=f"The rows of {name} are class ids, one number each, and {wishes.loss.name} takes one-hot rows: their "
        "shapes do not fit.",
        facts=(Fact(text=f"whole numbers up to {highest:,}", values={"max": highest}),),
        repair="Give the loss for class ids, or one-hot rows.",
        code=f"keras.losses.SparseCategoricalCrossentropy()   # or keras.ops.one_hot({name}, {limit or highest + 1})",
    )


def _wrong_width(name: str, target: ComponentProfile, wishes: Wishes) -> Iterator[Found]:
    width = _vector(target)
    outputs = None if wishes.model is None else wishes.model.outputs
    if width is None or outputs is None or outputs == width or wishes.loss is None:
        return
    yield Found(
        cause="label-out-of-range",
        severity="error",
        component=name,
        summary=f"The rows of {name} are {width:,} wide, and the model has {outputs:,} outputs: {wishes.loss.name} "
        "needs as many.",
        facts=(Fact(text=f"{width:,} against {outputs:,}", values={"width": width, "outputs": outputs}),),
        repair=f"Give the last layer {width:,} units, or the targets {outputs:,} classes.",
    )


def _rows_off(name: str, target: ComponentProfile) -> Iterator[Found]:
    if _vector(target) is None:
        return
    off, zero = target.probes.get(_OFF), target.probes.get(_ZERO)
    if off is not None and off.count:
        yield Found(
            cause="label-out-of-range",
            severity="warning",
            component=name,
            summary=f"{off.count:,} of {target.rows:,} rows of {name} do not sum to 1, or hold a negative number: they "
            "are no distribution over the classes, and the loss has another minimum than it should.",
            rows=off,
            repair="Divide each row by its sum; for several classes at once take a binary cross-entropy.",
            code=f"{name} = {name} / {name}.sum(axis=-1, keepdims=True)",
            drop=True,
        )
    if zero is not None and zero.count:
        yield Found(
            cause="no-valid-label",
            severity="warning",
            component=name,
            summary=f"{zero.count:,} of {target.rows:,} rows of {name} are all 0: no class is marked, and their loss "
            "is 0 whatever the model says. A loss that divides by the sum of the row gives 0/0.",
            rows=zero,
            repair="Leave these rows out, or mark a class.",
            drop=True,
        )


CHECK = Check(_examine, _probes)
