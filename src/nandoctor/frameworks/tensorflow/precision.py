"""An experiment on a loop of the user's own: what it computes in half precision is computed in float32."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.data.ops.iterator_ops import OwnedIterator
from tensorflow.python.eager.polymorphic_function.polymorphic_function import Function
from tensorflow.python.ops.resource_variable_ops import ResourceVariable

from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.tensorflow.recorder import not_converted

HALF = ("float16", "bfloat16")


def widening(function: Callable[..., Any], place: int) -> Callable[..., Any]:
    """A function that takes a dtype, given float32 where half precision was asked for."""

    def called(*args: Any, **kwargs: Any) -> Any:
        if len(args) > place:
            args = (*args[:place], wider(args[place]), *args[place + 1 :])
        if "dtype" in kwargs:
            kwargs["dtype"] = wider(kwargs["dtype"])
        return function(*args, **kwargs)

    return called


def wider(dtype: Any) -> Any:
    """float32 for a dtype of half precision; any other as it is."""
    return tf.float32 if dtype is not None and _name(dtype) in HALF else dtype


def _name(dtype: Any) -> str:
    return str(getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype))


@contextlib.contextmanager
def in_single_precision() -> Iterator[None]:
    """While inside, whoever asks for half precision gets float32, and data in half precision is widened as it enters.

    The names themselves (`tf.float16`) mean float32: whatever is cast, drawn or made with them.
    """
    with contextlib.ExitStack() as stack:
        for module in (tf, tf.dtypes):
            for name in ("float16", "half", "bfloat16"):
                stack.enter_context(patched(module, name, tf.float32))
            stack.enter_context(patched(module, "cast", not_converted(widening(tf.cast, place=1))))
        for name in ("constant", "convert_to_tensor"):
            stack.enter_context(patched(tf, name, _converting(getattr(tf, name))))
        stack.enter_context(patched(ResourceVariable, "_init_from_args", _making(ResourceVariable._init_from_args)))
        stack.enter_context(patched(OwnedIterator, "_next_internal", _giving(OwnedIterator._next_internal)))
        stack.enter_context(patched(Function, "__call__", _called(Function.__call__)))
        yield


def _converting(original: Callable[..., Any]) -> Callable[..., Any]:
    convert = widening(original, place=1)

    @not_converted
    def converting(value: Any, *args: Any, **kwargs: Any) -> Any:
        return convert(_widened(value), *args, **kwargs)

    return converting


def _making(original: Callable[..., Any]) -> Callable[..., Any]:
    def init(variable: Any, initial_value: Any = None, *args: Any, **kwargs: Any) -> None:
        given = (lambda: _widened(initial_value())) if callable(initial_value) else _widened(initial_value)
        if "dtype" in kwargs:
            kwargs["dtype"] = wider(kwargs["dtype"])
        original(variable, given, *args, **kwargs)

    return init


def _giving(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda iterator: _all_widened(original(iterator))


def _called(original: Callable[..., Any]) -> Callable[..., Any]:
    def call(function: Any, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = _all_widened((args, kwargs))
        return original(function, *args, **kwargs)

    return call


def _all_widened(structure: Any) -> Any:
    return tf.nest.map_structure(_widened, structure)


def _widened(value: Any) -> Any:
    """An array or tensor of half precision in float32; anything else as it is."""
    if not isinstance(value, (tf.Tensor, np.ndarray)) or _name(value.dtype) not in HALF:
        return value
    return value.astype(np.float32) if isinstance(value, np.ndarray) else tf.cast(value, tf.float32)
