"""Methods of callbacks that look like hooks and are none: Keras never calls them."""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
from collections.abc import Iterator, Sequence
from types import CodeType, FrameType, FunctionType
from typing import Any

import keras

from nandoctor.findings import Location
from nandoctor.trace.locations import is_user_code, parsed


def callbacks_in_call() -> tuple[Any, ...]:
    """The callbacks of the `fit` that is about to begin, asked from inside one of their hooks."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        listed = frame.f_locals.get("self")
        if isinstance(listed, keras.callbacks.CallbackList):
            return tuple(listed.callbacks)
        frame = frame.f_back
    return ()


def uncalled_clipping(callbacks: Sequence[Any]) -> Location | None:
    """Where a callback of the user's defines a hook that clips and that nobody calls; None where there is none."""
    for callback in callbacks:
        for name, function in _own_methods(type(callback)):
            if not hasattr(keras.callbacks.Callback, name) and _clips(function) and not _is_called(name, function):
                return _definition(function)
    return None


def _own_methods(kind: type) -> Iterator[tuple[str, FunctionType]]:
    """The methods named like hooks that the user's own code defines."""
    for name, function in inspect.getmembers(kind, inspect.isfunction):
        if name.startswith("on_") and is_user_code(function.__code__.co_filename):
            yield name, function


def _clips(function: FunctionType) -> bool:
    return any("clip" in name for code in _codes(function.__code__) for name in code.co_names)


def _is_called(name: str, function: FunctionType) -> bool:
    """Whether the name is used anywhere in the file that defines it, or in the script."""
    files = {function.__code__.co_filename, getattr(sys.modules.get("__main__"), "__file__", None)}
    return any(name in _attributes(file) for file in files if file)


def _attributes(file: str) -> set[str]:
    """The names that a file looks up in objects; all of them could be calls."""
    tree = parsed(file)
    looked_up = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return looked_up | words  # `getattr(callback, "on_...")`, too


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _definition(function: FunctionType) -> Location | None:
    """The first line of a function's definition."""
    file = function.__code__.co_filename
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__ and _begins(node, function):
            return _header(node, file)
    return None


def _begins(node: ast.FunctionDef, function: FunctionType) -> bool:
    first = min((d.lineno for d in node.decorator_list), default=node.lineno)
    return first == function.__code__.co_firstlineno


def _header(node: ast.FunctionDef, file: str) -> Location:
    signature = f"def {node.name}({ast.unparse(node.args)})"
    return Location(
        file=file,
        line=node.lineno,
        column=node.col_offset,
        end_line=node.lineno,
        end_column=len(linecache.getline(file, node.lineno).rstrip()),
        function=node.name,
        code=signature,
    )
