"""What is known of one component."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.kernels.scan import ChannelFacts, Scan, scan
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.channels import CHANNELS, Numbers, flattened, merge_channels, numbers_of
from nandoctor.audit.profile.classes import Classes, classes_in
from nandoctor.audit.profile.files import Files
from nandoctor.audit.profile.rows import NAMED, Rows
from nandoctor.audit.profile.sketches import Distinct, Quantiles, sample
from nandoctor.audit.source import Column, Role

Form = tuple[tuple[int, ...], str]
"""Shape and dtype of a row."""

HASHED = 1 << 24
"""Rows whose hashes are kept, to find the ones that occur twice: 128 MiB."""

SCANNED = 1 << 16
"""Rows that are looked at in one go: what is found of each is more than a row of a few numbers."""


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
        distinct: of all numbers; see `distinct_numbers`.
        probes: the rows that each probe holds for.
        hashes: of the rows, in order, up to 16 million: `(n,) uint64`; with `hashed`, the numbers of those rows.
        files: of all rows.
        names: of the channels or features, where the data say; else empty.
    """

    role: Role
    rows: int = 0
    readable: int = 0
    forms: Mapping[Form, Rows] = field(default_factory=dict)
    channels: ChannelFacts | None = None
    bins: NDArray[np.int64] | None = None
    classes: Classes | None = None
    quantiles: Quantiles = field(default_factory=Quantiles)
    distinct: Distinct = field(default_factory=Distinct)
    probes: Mapping[str, Rows] = field(default_factory=dict)
    hashes: tuple[NDArray[np.uint64], ...] = ()
    hashed: tuple[NDArray[np.int64], ...] = ()
    files: Files = field(default_factory=Files)
    names: tuple[str, ...] = ()

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
            distinct=self.distinct + other.distinct,
            probes=_both(self.probes, other.probes, self.rows),
            hashes=_first(HASHED, self.hashes + other.hashes),
            hashed=_first(HASHED, self.hashed + tuple(h + self.rows for h in other.hashed)),
            files=self.files + other.files,
            names=self.names or other.names,
        )

    @property
    def distinct_numbers(self) -> int | None:
        """How many different numbers there are: exact of uint8, of class ids and of few elements.

        Of more, how many there are in a sample, exact up to 4,096 and estimated beyond. None of what is no number.
        """
        if self.channels is None:
            return None
        if self.bins is not None and self.bins.sum() == self.channels.count.sum():
            return int(np.count_nonzero(self.bins))
        if self.classes is not None and self.classes.whole and not self.classes.many:
            return len(self.classes.elements)
        return self.distinct.count

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

    def channel_name(self, channel: int) -> str:
        """What the data call it, else its number."""
        named = self.channels is not None and len(self.names) == len(self.channels.count)
        return self.names[channel] if named else str(channel)


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
        names=column.names,
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
    known = ComponentProfile(role=column.role, forms={form: Rows(len(at), at[:NAMED])})
    values = _as_numbers(values)
    if values.dtype.kind not in "biuf" or not values.size:
        return known
    values = np.ascontiguousarray(
        values if column.channels == "last" or values.ndim < 3 else np.moveaxis(values, 1, -1)
    )
    width = values.shape[-1] if values.ndim > 1 and values.shape[-1] <= CHANNELS else 1
    target = column.role == "target"
    starts = range(0, len(values), SCANNED)
    found = [scan(values[n : n + SCANNED], width, binned_rows=target) for n in starts]
    some, every = sample(values)
    return replace(
        known,
        channels=functools.reduce(merge_channels, (part.channels for part in found)),
        bins=_or_none([part.bins for part in found]),
        classes=classes_in(values, found[0].rows.bins if len(found) == 1 else None) if target else None,
        quantiles=Quantiles.of_sample(some, every),
        distinct=Distinct.of_sample(some, every),
        probes={probe.name: _answers(probe, found, at) for probe in probes},
        hashes=(np.concatenate([part.rows.hash for part in found]) ^ _form_hash(form),),
        hashed=(at,),
    )


def _as_numbers(values: NDArray[Any]) -> NDArray[Any]:
    """In a dtype that the kernels take, where they are numbers: of objects those that all are, None being NaN."""
    if values.dtype.name == "bfloat16":  # of ml_dtypes, which NumPy takes for bytes
        return values.astype(np.float32)
    if values.dtype.kind == "O":
        return _of_objects(values)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _of_objects(values: NDArray[Any]) -> NDArray[Any]:
    if all(value is None or isinstance(value, str | bytes) for value in values.flat):
        return values  # text, and what is missing of it: "1.5" is no number to a loss either
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        return values


def _or_none(bins: Sequence[NDArray[np.int64] | None]) -> NDArray[np.int64] | None:
    """Their sum; None where there are none."""
    return functools.reduce(lambda one, other: _or_merged(one, other, np.add), bins)


def _answers(probe: Probe, found: Sequence[Scan], at: NDArray[np.int64]) -> Rows:
    holds = [probe.holds(part.rows) for part in found]
    return Rows.where(holds[0] if len(holds) == 1 else np.concatenate(holds), at)


def _form_hash(form: Form) -> np.uint64:
    """Rows of the same bytes are not the same if their shapes or dtypes differ."""
    return np.uint64(int.from_bytes(hashlib.blake2b(repr(form).encode(), digest_size=8).digest()))


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
