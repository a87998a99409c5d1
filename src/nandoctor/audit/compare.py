"""Two profiles: what has changed from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nandoctor.audit.checks.check import Found
from nandoctor.audit.checks.targets import class_limit
from nandoctor.audit.drift import classes, numbers, schema
from nandoctor.audit.drift.pair import CAUSE, Changes, Pair
from nandoctor.audit.drift.shared import shared_rows
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.profile import Profile
from nandoctor.audit.wishes import Wishes

CHANGES: tuple[Callable[[Pair], Changes], ...] = (
    schema.roles,
    schema.columns,
    schema.dtypes,
    schema.shapes,
    classes.classes,
    numbers.numbers,
)


def compare(
    base: Profile, new: Profile, *, called: str, wishes: Wishes | None = None, classes: tuple[str, ...] = ()
) -> Iterator[Found]:
    """What has changed, and the rows that are in both.

    What chance does to two samples of the same is not told: of few rows only large differences are.

    Args:
        base: how the data were, or those that are trained on.
        new: how they are, or those that the training is judged by.
        called: what the base is called in a sentence: "the training data", "base.json".
        wishes: what the data are meant for.
        classes: the names of the class ids of the base.
    """
    wishes = wishes or Wishes()
    known = class_limit(wishes) or len(classes) or None
    for name, component in base.components.items():
        if name not in new.components and component.readable:
            yield _missing(name, component, called)
    for name, component in new.components.items():
        before = base.components.get(name)
        if before is None:
            yield _new(name, component, called)
        elif before.readable and component.readable:
            pair = Pair(name, before, component, called, wishes, known)
            yield from (found for change in CHANGES for found in change(pair))
    yield from shared_rows(base, new, called)


def _missing(name: str, component: ComponentProfile, called: str) -> Found:
    return Found(
        cause=CAUSE,
        severity="warning" if component.role == "weight" else "error",
        component=name,
        summary=f"There is no {name}; {called} has it as {component.role}, in {component.readable:,} rows.",
        names=(name,),
        repair=f"Add {name}, or train without it.",
    )


def _new(name: str, component: ComponentProfile, called: str) -> Found:
    return Found(
        cause=CAUSE,
        severity="note",
        component=name,
        summary=f"{name} is new ({component.role}): {called} has no such component.",
        names=(name,),
    )
