"""The form of images and masks: size, channels and dtype, and which of these nearly all of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.profile.component import ComponentProfile, Form
from nandoctor.audit.profile.rows import NAMED, Rows
from nandoctor.audit.source import Role

Aspect = Literal["size", "channels", "dtype"]

SHARED = 0.9
"""What so many have is what all were meant to have."""
LEAST = 10
"""Fewer say nothing of what the others are meant to be."""

JUDGED: Mapping[Role, tuple[Aspect, ...]] = {"input": ("size", "channels", "dtype"), "target": ("channels",)}
"""A mask has the size of its image, and what its numbers are matters, not how wide they are."""

_COLOURS = {(): "grey", (2,): "grey with alpha", (3,): "RGB", (4,): "RGBA"}
_MOST_COLOURS = 4


@dataclass(frozen=True, slots=True)
class Picture:
    """What a form is as an image. `channels` is as the shape has it: `()` of two axes.

    A bool is taken for a byte: an image of one bit a pixel is grey, however it is stored.
    """

    size: tuple[int, int]
    channels: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        colours = _COLOURS.get(self.channels, f"{self.channels[0]} channels" if self.channels else "")
        return f"{self.size[1]} x {self.size[0]} {colours} {self.dtype}"


def picture_of(form: Form) -> Picture:
    """Of a form with two or three axes."""
    shape, dtype = form
    kind = "uint8" if dtype == "bool" else dtype
    if len(shape) == 3 and shape[0] <= _MOST_COLOURS < shape[2]:
        return Picture((shape[1], shape[2]), (shape[0],), kind)
    return Picture((shape[0], shape[1]), shape[2:], kind)


def are_pictures(component: ComponentProfile) -> bool:
    """Whether its rows are images: most look so, and no row has another number of axes than an image may have."""
    if not component.forms or any(len(shape) not in (2, 3) for shape, _ in component.forms):
        return False
    alike = sum(rows.count for form, rows in component.forms.items() if _looks_so(form))
    return 2 * alike > component.readable


def _looks_so(form: Form) -> bool:
    """Three axes, one of them of colours; of two axes only pixels: a sequence of vectors has as many."""
    shape, dtype = form
    if len(shape) == 3:
        return min(shape[0], shape[2]) <= _MOST_COLOURS
    return np.dtype(dtype).kind in "biu" and np.dtype(dtype).itemsize <= 2


def shared(component: ComponentProfile, aspect: Aspect) -> object | None:
    """What nearly all images have in common; None where they have nothing."""
    counts: dict[object, int] = {}
    for form, rows in component.forms.items():
        value = getattr(picture_of(form), aspect)
        counts[value] = counts.get(value, 0) + rows.count
    value, count = max(counts.items(), key=lambda item: item[1])
    return value if count >= LEAST and count >= SHARED * component.readable else None


def odd_forms(component: ComponentProfile, aspects: Sequence[Aspect]) -> dict[Form, tuple[Aspect, ...]]:
    """The forms that differ from what nearly all images share, and in which of these."""
    common = {aspect: value for aspect in aspects if (value := shared(component, aspect)) is not None}
    found = {form: tuple(a for a in common if getattr(picture_of(form), a) != common[a]) for form in component.forms}
    return {form: differs for form, differs in found.items() if differs}


def odd_rows(component: ComponentProfile) -> NDArray[np.int64]:
    """The rows of odd forms, as `inconsistent-sample` names them; rising. None of what are no images."""
    if not are_pictures(component):
        return np.empty(0, np.int64)
    return joined([component.forms[form] for form in odd_forms(component, JUDGED.get(component.role, ()))]).first


def joined(several: Sequence[Rows]) -> Rows:
    """Rows of different forms, in order."""
    first = np.sort(np.concatenate([np.empty(0, np.int64), *(rows.first for rows in several)]))
    return Rows(sum(rows.count for rows in several), first[:NAMED])


def without(rows: Rows, others: NDArray[np.int64]) -> Rows:
    """Those that are not among the others."""
    left = rows.first[~np.isin(rows.first, others)]
    return Rows(rows.count - (len(rows.first) - len(left)), left)


def sizes_of_rows(component: ComponentProfile) -> NDArray[np.int32] | None:
    """`(rows, 2)`, height and width of each, 0 of one that could not be read; None where not all rows are known."""
    if any(rows.count > len(rows.first) for rows in component.forms.values()):
        return None
    found = np.zeros((component.rows, 2), np.int32)
    for form, rows in component.forms.items():
        found[rows.first] = picture_of(form).size
    return found
