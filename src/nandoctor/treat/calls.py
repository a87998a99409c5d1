"""A call with one argument more, another or less, its other arguments and its lines as they were written."""

from __future__ import annotations

import libcst as cst

from nandoctor.treat.source import Source, Splice


def with_argument(source: Source, call: cst.Call, name: str, code: str, *, place: int | None = None) -> Splice:
    """`name=code` in a call: in place of what it is given already, by its name or by its place, or behind the rest."""
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == name:
            return source.put(arg.value, code)
    plain = [arg for arg in call.args if arg.keyword is None and not arg.star]
    if place is not None and place < len(plain):
        return source.put(plain[place].value, code)
    return added(source, call, f"{name}={code}")


def added(source: Source, call: cst.Call, code: str) -> Splice:
    """One argument more, behind the last."""
    if not call.args:
        end = source.span(call)[1] - 1
        return Splice(end, end, code)
    end = source.outer_span(call.args[-1].value)[1]
    return Splice(end, end, f", {code}")


def renamed(source: Source, call: cst.Call, old: str, code: str) -> Splice | None:
    """A named argument, with its name, written anew."""
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == old:
            return Splice(source.span(arg.keyword)[0], source.outer_span(arg.value)[1], code)
    return None


def without_argument(source: Source, call: cst.Call, name: str) -> Splice | None:
    """The call without a named argument; None where it has none."""
    for n, arg in enumerate(call.args):
        if arg.keyword is not None and arg.keyword.value == name:
            start, end = source.span(arg.keyword)[0], source.outer_span(arg.value)[1]
            if n > 0:
                return Splice(source.outer_span(call.args[n - 1].value)[1], end, "")
            return Splice(start, source.span(call.args[1])[0] if len(call.args) > 1 else end, "")
    return None


def names(call: cst.Call) -> set[str]:
    """The arguments that are given by name."""
    return {arg.keyword.value for arg in call.args if arg.keyword is not None}
