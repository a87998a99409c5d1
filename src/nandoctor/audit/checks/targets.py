"""What several checks ask of targets."""

from __future__ import annotations

from nandoctor.audit.checks.check import Examined
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.wishes import TargetKind, Wishes


def only_target(examined: Examined) -> tuple[str, ComponentProfile] | None:
    """The target and its name; None of several: which of them the loss is for is not known."""
    found = list(examined.components("target"))
    return found[0] if len(found) == 1 else None


def target_kind(wishes: Wishes) -> TargetKind | None:
    """What the loss takes for targets."""
    return None if wishes.loss is None else wishes.loss.targets


def row_shapes(component: ComponentProfile) -> set[tuple[int, ...]]:
    """All shapes that its rows have."""
    return {shape for shape, _ in component.forms}


def is_single(component: ComponentProfile) -> bool:
    """Whether each row is one number: of shape `()` or `(1,)`."""
    return bool(component.forms) and row_shapes(component) <= {(), (1,)}


def is_flat(component: ComponentProfile) -> bool:
    """Whether no row has two axes, as a mask has."""
    return bool(component.forms) and all(len(shape) <= 1 for shape in row_shapes(component))


def class_limit(wishes: Wishes) -> int | None:
    """The first id that is none: how many classes there are."""
    if wishes.classes is not None:
        return wishes.classes
    outputs = None if wishes.model is None else wishes.model.outputs
    return outputs if outputs is not None and outputs > 1 else None  # one unit may stand for two classes


def has_class_ids(wishes: Wishes) -> bool:
    """Whether the targets are ids of the outputs: those of pairs are any labels, those of sequences are padded."""
    if wishes.loss is None or wishes.loss.targets is None:
        return wishes.classes is not None
    return wishes.loss.targets == "ids" and not wishes.loss.pairs and not wishes.loss.sequence


def listed(numbers: list[int], most: int = 6) -> str:
    """`0, 1, 2 and 7 more`.

    >>> listed([3, 1]), listed(list(range(9)), most=2)
    ('1, 3', '0, 1 and 7 more')
    """
    first = ", ".join(str(n) for n in sorted(numbers)[:most])
    return first if len(numbers) <= most else f"{first} and {len(numbers) - most:,} more"
