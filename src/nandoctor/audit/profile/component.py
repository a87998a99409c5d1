"""What is known of one component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.kernels.scan import ChannelFacts, scan
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.channels import CHANNELS, Numbers, flattened, merge_channels, numbers_of
from nandoctor.audit.profile.classes import Classes, classes_in
from nandoctor.audit.profile.files import Files
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.profile.sketches import Quantiles
from nandoctor.audit.source import Column, Role

Form = tuple[tuple[int, ...], str]
"""Shape and dtype of a row."""

HASHED = 1 << 24
"""Rows whose hashes are kept, to find the ones that occur twice: 128 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class ComponentProfile:
    """One component after one pass over some rows.

    Attributes:
        role: what it is in the training.
        rows: rows of the data, unreadable ones too.
        readable: rows that could be read.
        forms: rows of each shape and dtype.
        channels: of each channel or feature; None of what is no number.
        channels_last: whether the channels are the last axis.
        bins: how often each value of an integer of one byte occurs.
        classes: of a target of whole numbers.
        quantiles: of all numbers.
        probes: the rows that each probe holds for.
        hashes: of the rows, in order, up to 16 million: `(n,) uint64`; with `hashed`, the numbers of those rows.
        files: of all rows.
    """

    role: Role
    rows: int = 0
    readable: int = 0
    forms: Mapping[Form, Rows] = field(default_factory=dict)
    channels: ChannelFacts | None = None
    bins: NDArray[np.int64] | None = None
    classes: Classes | None = None
    quantiles: Quantiles = field(default_factory=Quantiles)
    probes: Mapping[str, Rows] = field(default_factory=dict)
    hashes: tuple[NDArray[np.uint64], ...] = ()
    hashed: tuple[NDArray[np.int64], ...] = ()
    files: Files = field(default_factory=Files)

    def __add__(self, other: ComponentProfile) -> ComponentProfile:
        return ComponentProfile(
            role=self.role,
            rows=self.rows + other.rows,
            readable=self.readable + other.readable,
            forms=_both(self.forms, other.forms, self.rows),
            channels=_or_merged(self.channels, other.channels, merge_channels),
            bins=_or_merged(self.bins, other.bins, np.add),
            classes=_or_merged(self.classes, other.classes, Classes.__add__),
            quantiles=self.quantiles + other.quantiles,
            probes=_both(self.probes, other.probes, self.rows),
            hashes=_first(HASHED, self.hashes + other.hashes),
            hashed=_first(HASHED, self.hashed + tuple(h + self.rows for h in other.hashed)),
            files=self.files + other.files,
        )

    @property
    def numbers(self) -> Numbers | None:
        """Of all elements together."""
        return None if self.channels is None else numbers_of(flattened(self.channels), 0)

    @property
    def channel_numbers(self) -> tuple[Numbers, ...]:
        """Of each channel or feature."""
        return (
            ()
            if self.channels is None
            else tuple(numbers_of(self.channels, n) for n in range(len(self.channels.count)))
        )


def profile_column(column: Column, rows: int, probes: Sequence[Probe]) -> ComponentProfile:
    """Of one component of a chunk of `rows` rows."""
    asked = [probe for probe in probes if probe.role == column.role]
    numbers = np.arange(rows, dtype=np.int64) if column.rows is None else column.rows
    parts = [_profile_rows(column, values, at, asked) for values, at in _uniform(column.values, numbers)]
    whole = sum(parts, ComponentProfile(role=column.role))
    return replace(
        whole,
        rows=rows,
        readable=len(numbers),
        probes={name: found.rising() for name, found in whole.probes.items()},
        files=Files.of(column.files, rows),
    )


def _uniform(values: Any, rows: NDArray[np.int64]) -> list[tuple[NDArray[Any], NDArray[np.int64]]]:
    """The rows as arrays of one shape and dtype, and the numbers of those rows."""
    if isinstance(values, np.ndarray):
        return [(values, rows)] if len(values) else []
    groups: dict[tuple[Any, ...], list[int]] = {}
    for n, value in enumerate(values):
        groups.setdefault((value.shape, value.dtype), []).append(n)
    return [(np.stack([values[n] for n in group]), rows[group]) for group in groups.values()]


def _profile_rows(
    column: Column, values: NDArray[Any], at: NDArray[np.int64], probes: Sequence[Probe]
) -> ComponentProfile:
    form: Form = (values.shape[1:], str(values.dtype))
    known = ComponentProfile(role=column.role, forms={form: Rows(len(at), at)})
    if values.dtype.kind not in "biuf" or not values.size:
        return known
    values = np.ascontiguousarray(
        values if column.channels == "last" or values.ndim < 3 else np.moveaxis(values, 1, -1)
    )
    width = values.shape[-1] if values.ndim > 1 and values.shape[-1] <= CHANNELS else 1
    target = column.role == "target"
    found = scan(values, width, binned_rows=target)
    return replace(
        known,
        channels=found.channels,
        bins=found.bins,
        classes=classes_in(values, found.rows.bins) if target else None,
        quantiles=Quantiles.of(values),
        probes={probe.name: Rows.where(probe.holds(found.rows), at) for probe in probes},
        hashes=(found.rows.hash,),
        hashed=(at,),
    )


def _both(one: Mapping[Any, Rows], other: Mapping[Any, Rows], before: int) -> dict[Any, Rows]:
    both = dict(one)
    for key, rows in other.items():
        both[key] = both.get(key, Rows()) + rows.after(before)
    return both


def _first(most: int, arrays: tuple[NDArray[Any], ...]) -> tuple[NDArray[Any], ...]:
    """So many elements of them all, from the first on."""
    lengths = [len(array) for array in arrays]
    if sum(lengths) <= most:
        return arrays
    room = most - np.cumsum([0, *lengths[:-1]])
    return tuple(array[:left].copy() for array, left in zip(arrays, room.tolist(), strict=True) if left > 0)


def _or_merged(one: Any, other: Any, merge: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return merge(one, other)
