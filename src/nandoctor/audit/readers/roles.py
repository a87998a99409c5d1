"""What the named components of a file are in the training: as the user says, or by their names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nandoctor.audit.source import Role
from nandoctor.errors import NandoctorError

_ROLES: Mapping[str, Role] = {
    **dict.fromkeys(("y", "label", "labels", "target", "targets", "mask", "masks"), "target"),
    **dict.fromkeys(("sample_weight", "sample_weights"), "weight"),
}
_SPLITS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
MOST_NAMED = 30


def named_labels(labels: Any) -> tuple[str, ...]:
    """The names that `--labels` gives: one, several with commas, or a list of them.

    Raises:
        NandoctorError: it is no name.
    """
    if labels is None:
        return ()
    if isinstance(labels, str):
        return tuple(name.strip() for name in labels.split(",") if name.strip())
    if isinstance(labels, (list, tuple)) and all(isinstance(name, str) for name in labels):
        return tuple(labels)
    raise NandoctorError(
        f"labels of a file are the name of a component in it, not {type(labels).__name__}: labels='y'."
    )


def roles_of(source: str, names: Sequence[str], labels: Any, *, table: bool = False) -> dict[str, Role]:
    """The role of each component that is no input.

    Args:
        source: what an error calls the data.
        names: of all components.
        labels: what the user named as targets; None: the roles are told by the names.
        table: whether these are columns of a table: there `mask` is no target, nor is the `y` of `x, y, z`.

    Raises:
        NandoctorError: a label that is the name of no component.
    """
    wanted = named_labels(labels)
    guessed = {name: role for name in names if (role := _role_by_name(name, names, table)) is not None}
    if not wanted:
        return guessed
    for name in wanted:
        if name not in names:
            raise NandoctorError(no_such_name(source, name, names))
    return {**{n: r for n, r in guessed.items() if r == "weight"}, **dict.fromkeys(wanted, "target")}


def no_such_name(source: str, name: str, names: Sequence[str]) -> str:
    """What to say of a label that names nothing."""
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{source} has no {name!r} to take for the labels.{hint} It has: {', '.join(names[:MOST_NAMED])}{more}."


def roles_note(roles: Mapping[str, Role], labels: Any) -> tuple[str, ...]:
    """What was guessed."""
    targets = [name for name, role in roles.items() if role == "target"]
    if labels is not None or not targets:
        return ()
    return (f"{', '.join(targets)}: taken for the targets by name; --labels NAME names others.",)


def split_of(name: str) -> str | None:
    """The share of the data that a name belongs to: train, test or validation.

    >>> split_of("x_train"), split_of("val/images"), split_of("x")
    ('train', 'validation', None)
    """
    return next((_SPLITS[word] for word in _words(name) if word in _SPLITS), None)


def one_split(
    source: str, counts: Mapping[str, int], roles: Mapping[str, Role], labels: Any
) -> tuple[list[str], tuple[str, ...]]:
    """The components that are rows of the same samples, and a note of those that were left out.

    Where their numbers of rows differ, a file holds several data sets: the one that has the named labels
    counts, else the training data.

    Raises:
        NandoctorError: nothing says which of them belong together.
    """
    names = list(counts)
    if len(set(counts.values())) < 2 and len({split_of(name) for name in names}) < 2:
        return names, ()
    targets = [name for name in names if roles.get(name) == "target"]
    anchor = targets[0] if named_labels(labels) else _trained(targets or names)
    split = split_of(anchor)
    kept = [n for n in names if (split_of(n) == split if split is not None else counts[n] == counts[anchor])]
    told = ", ".join(f"{name} {counts[name]:,}" for name in names[:MOST_NAMED])
    if len({counts[name] for name in kept}) > 1 or (split is None and not targets):
        raise NandoctorError(
            f"{source}: different numbers of rows ({told}). Name the labels of those to audit: --labels NAME."
        )
    if split is None and all(roles.get(name) == "target" for name in kept):
        raise NandoctorError(f"{source}: different numbers of rows ({told}). Give inputs and targets that match.")
    if missing := [name for name in named_labels(labels) if name not in kept]:
        raise NandoctorError(
            f"{source}: {missing[0]} has other rows than {anchor} ({told}). Name labels of one data set."
        )
    left = [name for name in names if name not in kept]
    other = next((name for name in left if roles_hint(name) == "target"), None)
    hint = f"; --labels {other} audits those" if other else ""
    return kept, (f"{', '.join(kept)} are audited; {', '.join(left)} are another data set{hint}.",) if left else ()


def roles_hint(name: str) -> Role | None:
    """The role that a name tells.

    >>> roles_hint("y_test"), roles_hint("train/labels"), roles_hint("x")
    ('target', 'target', None)
    """
    return _ROLES.get("_".join(word for word in _words(name.rsplit("/", 1)[-1]) if word not in _SPLITS))


def _role_by_name(name: str, names: Iterable[str], table: bool) -> Role | None:
    role = roles_hint(name)
    if table and (name.lower() in {"mask", "masks"} or (name.lower() == "y" and "z" in {n.lower() for n in names})):
        return None
    return role


def _trained(names: Sequence[str]) -> str:
    return next((name for name in names if split_of(name) == "train"), names[0])


def _words(name: str) -> list[str]:
    return re.split(r"[/_.\-\s]+", name.lower())
