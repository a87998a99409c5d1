"""A profile on disk, to compare other data with: what the data are like, never the data, nor which rows are which.

The file is JSON, `{"schema": 1, "kind": "profile", ...}`. Sums are whole numbers in hexadecimal, so nothing is rounded
and kept profiles can be added to others; the sketch of the quantiles is the bytes of Apache DataSketches, in base64.
Not kept are the names of files, the numbers of rows, the rows' hashes, and how many different numbers there are.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from nandoctor import __version__
from nandoctor.audit.kept_sketch import sketch_of
from nandoctor.audit.kernels.scan import ChannelFacts
from nandoctor.audit.profile.channels import CHANNELS
from nandoctor.audit.profile.classes import MOST, Classes
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.exact import ExactMoments
from nandoctor.audit.profile.profile import Profile
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.profile.sketches import Quantiles
from nandoctor.audit.source import Role
from nandoctor.errors import NandoctorError

SCHEMA = 1
LARGEST = 64 << 20
"""Bytes of a file that is read: a profile is a few kilobytes, some hundred thousand columns are 64 MiB."""
_FORMS = 10_000
"""Shapes and dtypes that are kept, the most frequent; of images of any size there may be as many as images."""
_WIDEST_SUM = 2300
"""Digits of a sum: the square of the largest float64, in units of the square of the smallest, 2 ** 63 times."""

Digits = str


class KeptMoments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`ExactMoments`: the sums as hexadecimal."""

    count: int
    total: Digits
    squares: Digits


class KeptChannel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one channel holds; the extremes are null where no element is finite."""

    count: int
    nan: int = 0
    posinf: int = 0
    neginf: int = 0
    zero: int = 0
    subnormal: int = 0
    beyond_half: int = 0
    minimum: float | None = None
    maximum: float | None = None
    moments: KeptMoments


class KeptForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows of one shape and dtype."""

    shape: tuple[int, ...]
    dtype: str
    rows: int


class KeptClasses(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`(id, elements, rows)` of each class; see `Classes`."""

    whole: bool = True
    many: bool = False
    counts: tuple[tuple[int, int, int], ...] = ()


class KeptQuantiles(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sketch in base64, and how many elements each of its items is for."""

    sketch: str
    weight: int = 1


class KeptComponent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One component: `ComponentProfile` without its rows."""

    role: Role
    rows: int
    readable: int
    forms: tuple[KeptForm, ...] = ()
    names: tuple[str, ...] = ()
    channels: tuple[KeptChannel, ...] = ()
    bins: tuple[int, ...] = ()
    classes: KeptClasses | None = None
    quantiles: KeptQuantiles | None = None


class KeptProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The document that `--save-profile` writes.

    Attributes:
        version: of nandoctor, that wrote it.
        data: what was profiled, as the user named it.
        rows: of it; `partial`: not all of them were read.
        classes: the names of the class ids, from 0, where the format gives them.
    """

    schema: int = SCHEMA
    kind: Literal["profile"] = "profile"
    version: str = ""
    data: str = ""
    rows: int
    partial: bool = False
    classes: tuple[str, ...] = ()
    components: dict[str, KeptComponent]


@dataclass(frozen=True, slots=True)
class Kept:
    """A profile that was read: the file, as the user named it, and the names of the classes."""

    file: str
    profile: Profile
    classes: tuple[str, ...] = ()


class _Head(msgspec.Struct):
    """What is read first: it says whether the rest can be."""

    schema: int
    kind: str


def kept_bytes(profile: Profile, *, data: str, classes: tuple[str, ...] = (), partial: bool = False) -> bytes:
    """The profile as JSON, a line for each component."""
    document = KeptProfile(
        version=__version__,
        data=data,
        rows=profile.rows,
        partial=partial,
        classes=classes,
        components={name: _kept(component) for name, component in profile.components.items()},
    )
    return msgspec.json.encode(document) + b"\n"


def read_kept(file: str, option: str = "--against") -> Kept:
    """The profile that `kept_bytes` wrote. The file is not trusted.

    Raises:
        NandoctorError: it cannot be read, or is no profile.
    """
    document = _document(_content(file, option), f"{option} {file}")
    try:
        components = {name: _component(kept) for name, kept in document.components.items()}
    except ValueError as error:
        raise _wrong(f"{option} {file}", str(error)) from error
    return Kept(file, Profile(rows=document.rows, components=components), document.classes)


def _content(file: str, option: str) -> bytes:
    try:
        if not Path(file).is_file():
            raise NandoctorError(f"{option} {file}: there is no such file. Write one with --save-profile.")
        size = os.path.getsize(file)
        if size > LARGEST:
            raise _wrong(f"{option} {file}", f"it has {size:,} bytes, and no profile has more than {LARGEST:,}")
        return Path(file).read_bytes()
    except OSError as error:
        raise NandoctorError(f"{option} {file} cannot be read: {error.strerror}.") from error


def _document(content: bytes, where: str) -> KeptProfile:
    try:
        head = msgspec.json.decode(content, type=_Head)
        if head.kind != "profile":
            raise _wrong(where, f"it is of kind {head.kind!r}")
        if head.schema != SCHEMA:
            raise NandoctorError(
                f"{where}: its schema is {head.schema}, and this nandoctor reads {SCHEMA}. Write it anew."
            )
        return msgspec.json.decode(content, type=KeptProfile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(where, str(error)) from error


def _wrong(where: str, why: str) -> NandoctorError:
    return NandoctorError(f"{where} is no profile ({why}). Name a file that --save-profile wrote.")


def _kept(component: ComponentProfile) -> KeptComponent:
    forms = sorted(component.forms.items(), key=lambda item: -item[1].count)[:_FORMS]
    quantiles = component.quantiles
    sketch = base64.b64encode(quantiles.sketch.serialize()).decode()
    return KeptComponent(
        role=component.role,
        rows=component.rows,
        readable=component.readable,
        forms=tuple(KeptForm(shape=shape, dtype=dtype, rows=rows.count) for (shape, dtype), rows in forms),
        names=component.names,
        channels=() if component.channels is None else _kept_channels(component.channels),
        bins=() if component.bins is None else tuple(component.bins.tolist()),
        classes=None if component.classes is None else _kept_classes(component.classes),
        quantiles=None if quantiles.sketch.is_empty() else KeptQuantiles(sketch=sketch, weight=quantiles.weight),
    )


_COUNTS = ("count", "nan", "posinf", "neginf", "zero", "subnormal", "beyond_half")


def _kept_channels(facts: ChannelFacts) -> tuple[KeptChannel, ...]:
    return tuple(_kept_channel(facts, n) for n in range(len(facts.count)))


def _kept_channel(facts: ChannelFacts, n: int) -> KeptChannel:
    moments = facts.moments[n]
    return KeptChannel(
        **{name: int(getattr(facts, name)[n]) for name in _COUNTS},
        minimum=float(facts.minimum[n]) if moments.count else None,
        maximum=float(facts.maximum[n]) if moments.count else None,
        moments=KeptMoments(count=moments.count, total=f"{moments.total:x}", squares=f"{moments.squares:x}"),
    )


def _kept_classes(classes: Classes) -> KeptClasses:
    counts = tuple((k, n, classes.rows[k]) for k, n in sorted(classes.elements.items()))
    return KeptClasses(whole=classes.whole, many=classes.many, counts=counts)


def _component(kept: KeptComponent) -> ComponentProfile:
    """Raises ValueError for what cannot be."""
    _check(0 <= kept.readable <= kept.rows, f"{kept.readable} of {kept.rows} rows are readable")
    _check(len(kept.channels) <= CHANNELS, f"there are {len(kept.channels)} channels")
    _check(len(kept.bins) in (0, 256), f"there are {len(kept.bins)} bins")
    for form in kept.forms:
        _check(form.rows >= 0 and all(0 <= n < 1 << 48 for n in form.shape), f"a shape is {form.shape}")
        _dtype(form.dtype)
    return ComponentProfile(
        role=kept.role,
        rows=kept.rows,
        readable=kept.readable,
        forms={(form.shape, form.dtype): Rows(form.rows) for form in kept.forms},
        channels=_channels(kept.channels) if kept.channels else None,
        bins=np.array(kept.bins, np.int64) if kept.bins else None,
        classes=None if kept.classes is None else _classes(kept.classes),
        quantiles=Quantiles() if kept.quantiles is None else _quantiles(kept.quantiles),
        names=kept.names,
    )


def _check(holds: bool, why: str) -> None:
    if not holds:
        raise ValueError(why)


def _dtype(name: str) -> None:
    try:
        known = name == "bfloat16" or np.dtype(name) is not None
    except TypeError:
        known = False
    _check(known, f"no dtype is {name[:40]!r}")


def _channels(kept: tuple[KeptChannel, ...]) -> ChannelFacts:
    counts: dict[str, Any] = {name: np.array([getattr(c, name) for c in kept], np.int64) for name in _COUNTS}
    _check(all(bool((column >= 0).all()) for column in counts.values()), "a count is below 0")
    for channel in kept:
        _check((channel.minimum is None) == (channel.moments.count == 0), "there is a minimum of nothing")
        _check((channel.maximum is None) == (channel.minimum is None), "there is one extreme without the other")
        rest = channel.nan + channel.posinf + channel.neginf + channel.moments.count
        _check(rest == channel.count, f"{rest} elements of {channel.count} are accounted for")
    return ChannelFacts(
        **counts,
        minimum=np.array([np.inf if c.minimum is None else c.minimum for c in kept]),
        maximum=np.array([-np.inf if c.maximum is None else c.maximum for c in kept]),
        moments=tuple(ExactMoments(c.moments.count, _whole(c.moments.total), _whole(c.moments.squares)) for c in kept),
    )


def _whole(digits: Digits) -> int:
    plain = digits.removeprefix("-")
    _check(plain.isascii() and plain.isalnum() and len(plain) <= _WIDEST_SUM, f"no whole number is {digits[:40]!r}")
    return int(digits, 16)


def _classes(kept: KeptClasses) -> Classes:
    _check(len(kept.counts) <= MOST, f"there are {len(kept.counts):,} classes")
    _check(all(0 < rows <= elements for _, elements, rows in kept.counts), "a class has fewer elements than rows")
    return Classes(
        {k: elements for k, elements, _ in kept.counts},
        {k: rows for k, _, rows in kept.counts},
        whole=kept.whole,
        many=kept.many,
    )


def _quantiles(kept: KeptQuantiles) -> Quantiles:
    weight = kept.weight
    _check(0 < weight < 1 << 40 and weight & (weight - 1) == 0, f"no weight is {weight}")
    try:
        content = base64.b64decode(kept.sketch, validate=True)
    except binascii.Error as error:
        raise ValueError(f"a sketch is no base64: {error}") from error
    return Quantiles(sketch_of(content), weight)
