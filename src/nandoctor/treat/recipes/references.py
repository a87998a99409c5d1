"""A function that is passed on instead of called: `layers.Lambda(tf.sqrt)`, `Dense(1, activation=tf.exp)`.

There is no argument to put a guard into, so the function is wrapped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import libcst as cst

from nandoctor.treat.draft import Draft
from nandoctor.treat.source import Splice

Guard = Callable[[Draft, str, str, str], str | None]
"""From our name of a function, its argument as written, and a bound, to the argument with its guard."""


def wrapped(draft: Draft, guard: Guard, bound: str = "") -> list[Splice]:
    """Each function in the expression at the site that has a guard, in a lambda with it."""
    return list(_wrapped(draft, guard, bound))


def _wrapped(draft: Draft, guard: Guard, bound: str) -> Iterator[Splice]:
    for call in draft.source.inside(draft.site.node, cst.Call):
        for arg in call.args:
            name = draft.reader.reference(arg.value)
            argument = None if name is None else guard(draft, name, "x", bound)
            if argument is not None:
                yield draft.source.put(arg.value, f"lambda x: {draft.code(arg.value)}({argument})")
