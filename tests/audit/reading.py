"""Auditing real objects of real frameworks in a fork: a process that has used TensorFlow cannot be forked any more."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import corpus

from nandoctor.audit.auditing import Audited, examine, wishes_of
from nandoctor.audit.readers.table import Request


def forked(test: Callable[..., None]) -> Callable[..., None]:
    """The test, run in a fork of a process that has imported the frameworks and not used them."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        import datasets  # noqa: F401
        import torch  # noqa: F401

        corpus.in_fork(functools.partial(test, *args, **kwargs))

    return run


def seen(data: Any, labels: Any = None, **more: Any) -> Audited:
    """What an audit sees of data."""
    wishes = {name: more.pop(name) for name in ("loss", "model", "batch_size") if name in more}
    return examine(Request(data, labels), wishes_of(**wishes), **more)


def roles(audited: Audited) -> dict[str, str]:
    """The role of each component."""
    return {component.name: component.role for component in audited.result.components}


def forms(audited: Audited, name: str) -> dict[tuple[tuple[int, ...], str], int]:
    """How many rows of a component have each shape and dtype."""
    [component] = [c for c in audited.result.components if c.name == name]
    return {(shape, dtype): rows for shape, dtype, rows in component.forms}


def findings(audited: Audited) -> list[tuple[str, str, tuple[int, ...]]]:
    """The cause, the component and the first rows of each finding that is more than a note."""
    return [(f.cause, f.component, f.rows) for f in audited.result.findings if f.severity != "note"]
