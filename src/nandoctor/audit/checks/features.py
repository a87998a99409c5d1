"""The features, or channels, of the inputs: which they are, their size, and how they are brought to unit scale."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nandoctor.audit.checks.check import Examined
from nandoctor.audit.profile.channels import Numbers
from nandoctor.audit.profile.component import ComponentProfile

WRITTEN = 16
"""Features whose numbers are written out; for more, a layer that adapts itself is shorter."""
_PIXELS = 64
"""A flat row of so many bytes is an image; a short one may be categories."""


@dataclass(frozen=True, slots=True)
class Group:
    """Numbers that enter a layer together.

    Attributes:
        component: its name; empty of columns, which are components of one number a row.
        names: of the features; empty where they have none of their own.
        numbers: of each feature or channel.
        shape: of a row; `()` of columns.
        dtype: of the numbers; of columns with several, the first one's.
        merged: how many features each of `numbers` stands for; 1 unless there are too many to tell apart.
    """

    component: str
    names: tuple[str, ...]
    numbers: tuple[Numbers, ...]
    shape: tuple[int, ...]
    dtype: str
    merged: int = 1

    @property
    def whose(self) -> str:
        """What it is called in a sentence."""
        return self.component or f"the {len(self.names):,} columns"


def input_groups(examined: Examined) -> Iterator[Group]:
    """Of the inputs that are numbers and no ids; columns are one group."""
    columns: list[tuple[str, ComponentProfile]] = []
    for name, component in examined.components("input"):
        if component.numbers is None or not _is_measured(component, component.numbers):
            continue
        if {shape for shape, _ in component.forms} == {()}:
            columns.append((name, component))
        else:
            yield _group(name, component)
    if columns:
        yield _of_columns(columns)


def _is_measured(component: ComponentProfile, numbers: Numbers) -> bool:
    """Whether they are measured numbers. Whole ones from 0 up may be ids, of which only the images are told apart."""
    for shape, dtype in component.forms:
        kind = np.dtype(dtype)
        if kind.kind == "b":
            return False
        pixels = kind in (np.uint8, np.uint16) and math.prod(shape) >= _PIXELS
        if kind.kind in "iu" and not pixels and len(shape) < 3 and (numbers.minimum or 0) >= 0:
            return False
    return True


def _group(name: str, component: ComponentProfile) -> Group:
    numbers, (shape, dtype) = component.channel_numbers, next(iter(component.forms))
    flat = len(shape) == 1 and len(component.forms) == 1
    columns = _column_names(component, len(numbers)) if flat and shape[0] == len(numbers) else ()
    return Group(name, columns, numbers, shape, dtype, shape[0] if flat and not columns else 1)


def _column_names(component: ComponentProfile, columns: int) -> tuple[str, ...]:
    names = map(component.channel_name, range(columns))
    return tuple(names if component.names else (f"column {name}" for name in names))


def _of_columns(columns: list[tuple[str, ComponentProfile]]) -> Group:
    numbers = tuple(numbers for _, component in columns for numbers in component.channel_numbers)
    dtype = next(iter(columns[0][1].forms))[1]
    if len(columns) == 1:
        return Group(columns[0][0], (columns[0][0],), numbers, (), dtype)
    return Group("", tuple(name for name, _ in columns), numbers, (), dtype)


def mean_square(numbers: Numbers) -> float:
    """Of the finite elements; 0 of none."""
    mean, std = numbers.mean or 0.0, numbers.std or 0.0
    return mean * mean + std * std


def curvature(group: Group) -> float:
    """A number that the largest eigenvalue of `E[x x']` is not below, for a row x of the group.

    It is at least each of its diagonal elements, `E[x_i^2]`, and at least `|E[x]|^2`, what it is along the mean. Of an
    image only one pixel is taken, since what enters a convolution is not known.
    """
    along = sum((n.mean or 0.0) ** 2 * group.merged for n in group.numbers)
    return max([along, *map(mean_square, group.numbers)])


def scaling_code(group: Group, extra: str = "") -> str:
    """A layer that brings it to unit scale, with the numbers that were found; `extra` are arguments beside them."""
    top = _top(group)
    if top is not None:
        return f"keras.layers.Rescaling(1 / {top}{extra})"
    if len(group.numbers) > WRITTEN:
        return f"norm = keras.layers.Normalization({extra.removeprefix(', ')}); norm.adapt(x_train)"
    if not group.component:
        each = zip(group.names, group.numbers, strict=True)
        return "\n".join(f"{_layer('None', [n], extra)}   # {name}" for name, n in each)
    return _layer(_axis(group), group.numbers, extra)


def _top(group: Group) -> int | None:
    """The largest value that a pixel can have, where these look like pixels."""
    low = min((n.minimum for n in group.numbers if n.minimum is not None), default=0.0)
    high = max((n.maximum for n in group.numbers if n.maximum is not None), default=0.0)
    if low < 0 or not group.shape or math.prod(group.shape) < _PIXELS:
        return None
    if group.dtype == "uint8" or 200 < high <= 255:
        return 255
    return 65535 if group.dtype == "uint16" else None


def _axis(group: Group) -> str:
    if len(group.numbers) == 1:
        return "None"
    first = len(group.shape) == 3 and group.shape[0] == len(group.numbers) != group.shape[-1]
    return "1" if first else "-1"


def _layer(axis: str, numbers: Sequence[Numbers], extra: str) -> str:
    mean = [rounded(n.mean or 0.0) for n in numbers]
    variance = [rounded((n.std or 0.0) ** 2) for n in numbers]
    if axis == "None":
        return f"keras.layers.Normalization(axis=None, mean={mean[0]}, variance={variance[0]}{extra})"
    return f"keras.layers.Normalization(axis={axis}, mean={mean}, variance={variance}{extra})"


def rounded(value: float) -> float:
    """In six digits, as it is written by hand."""
    return float(f"{value:.6g}")
