"""Replacing an attribute for a while, and putting back exactly what was there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

_ABSENT = object()


@contextlib.contextmanager
def patched(target: Any, name: str, value: Any) -> Iterator[None]:
    """While inside, `target.name` is `value`.

    On an instance the entry is made in its `__dict__`, past the `__setattr__` with which frameworks track
    what a model owns, so that nothing of ours is ever tracked or saved; on a class, `setattr` serves.
    """
    if isinstance(target, type):
        before = target.__dict__.get(name, _ABSENT)
        setattr(target, name, value)
        try:
            yield
        finally:
            delattr(target, name) if before is _ABSENT else setattr(target, name, before)
        return
    before = target.__dict__.get(name, _ABSENT)
    target.__dict__[name] = value
    try:
        yield
    finally:
        if before is _ABSENT:
            target.__dict__.pop(name, None)
        else:
            target.__dict__[name] = before
