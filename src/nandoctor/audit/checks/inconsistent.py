"""Images that differ from what nearly all others share, and masks of another size than their image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.checks.check import NAMED, Check, Examined, Found
from nandoctor.audit.checks.forms import (
    JUDGED,
    are_pictures,
    joined,
    odd_forms,
    odd_rows,
    picture_of,
    sizes_of_rows,
)
from nandoctor.audit.checks.places import place_of
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.source import Role
from nandoctor.findings import Fact

_LEAST_PAIRS = 3
"""Masks that have the size of their image, for others to be the odd ones."""


def _examine(examined: Examined) -> Iterator[Found]:
    roles: tuple[Role, ...] = ("input", "target")
    for role in roles:
        for name, component in examined.components(role):
            if are_pictures(component):
                yield from _odd(name, component)
    yield from _mismatched(examined)


def _odd(name: str, component: ComponentProfile) -> Iterator[Found]:
    forms = odd_forms(component, JUDGED[component.role])
    if not forms:
        return
    rows, whose = joined([component.forms[form] for form in forms]), place_of(component)
    aspects = [aspect for aspect in JUDGED[component.role] if any(aspect in differs for differs in forms.values())]
    kept = max((form for form in component.forms if form not in forms), key=lambda form: component.forms[form].count)
    facts = [
        Fact(text=f"{whose(row)}: {picture_of(form)}", values={"row": row, "shape": list(form[0]), "dtype": form[1]})
        for row, form in sorted((int(row), form) for form in forms for row in component.forms[form].first[:NAMED])
    ]
    yield Found(
        cause="inconsistent-sample",
        severity="warning",
        component=name,
        summary=f"{rows.count:,} of {component.rows:,} rows of {name} {'differs' if rows.count == 1 else 'differ'} "
        f"in {' and '.join(aspects)} from what nearly all others share ({picture_of(kept)} is the most frequent).",
        rows=rows,
        facts=tuple(facts[:NAMED]),
        repair="Bring them to the form of the others, or leave them out.",
        drop=True,
    )


# -- masks ----------------------------------------------------------------------------------------


def _mismatched(examined: Examined) -> Iterator[Found]:
    """Not where all masks are of another size: a model may give smaller ones, or larger."""
    inputs = [component for _, component in examined.components("input") if are_pictures(component)]
    targets = [(name, component) for name, component in examined.components("target") if are_pictures(component)]
    if len(inputs) != 1 or len(targets) != 1:
        return
    (name, masks), images = targets[0], inputs[0]
    of_images, of_masks = sizes_of_rows(images), sizes_of_rows(masks)
    if of_images is None or of_masks is None or len(of_images) != len(of_masks):
        return
    wrong = _wrong(of_images, of_masks)
    rows = np.setdiff1d(wrong, np.union1d(odd_rows(images), odd_rows(masks)))  # those have been told
    if not len(rows):
        return
    whose = place_of(masks)
    yield Found(
        cause="inconsistent-sample",
        severity="warning",
        component=name,
        summary=f"{len(rows):,} of {masks.rows:,} rows of {name} {'has' if len(rows) == 1 else 'have'} another size "
        "than the image: the labels are those of other pixels, or the loss raises.",
        rows=Rows.of(rows),
        facts=tuple(
            Fact(
                text=f"{whose(row)}: {_by(of_masks[row])}, the image {_by(of_images[row])}",
                values={"row": row, "mask": of_masks[row].tolist(), "image": of_images[row].tolist()},
            )
            for row in rows[:NAMED].tolist()
        ),
        repair="Make these masks anew from their images; resize one only with nearest neighbours.",
        drop=True,
    )


def _wrong(images: NDArray[np.int32], masks: NDArray[np.int32]) -> NDArray[np.int64]:
    """The rows where they differ, where most do not."""
    both = (images > 0).all(axis=1) & (masks > 0).all(axis=1)
    same = both & (images == masks).all(axis=1)
    wrong = np.flatnonzero(both & ~same).astype(np.int64)
    return wrong if same.sum() >= max(_LEAST_PAIRS, len(wrong)) else wrong[:0]


def _by(size: NDArray[np.int32]) -> str:
    return f"{size[1]} x {size[0]}"


CHECK = Check(_examine)
