"""Values and derivatives on whichever backend Keras runs, NumPy in and NumPy out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

BACKEND = keras.backend.backend()

Function = Callable[..., Any]


def array(x: Any) -> Any:
    """A tensor as a NumPy array; bfloat16, which NumPy lacks, as float32 (which holds all its values)."""
    name = keras.backend.standardize_dtype(x.dtype)
    return keras.ops.convert_to_numpy(keras.ops.cast(x, "float32") if name == "bfloat16" else x)


def value_and_grad(f: Function, *arrays: Any, upstream: Any = None, dtype: str | None = None) -> tuple[Any, list[Any]]:
    """The value of `f(*arrays)`, and the gradient of its sum (or of its product with `upstream`) by each array.

    `dtype` is that of the tensors, for bfloat16, which no array has.
    """

    def total(*tensors: Any) -> Any:
        found = f(*tensors)
        found = keras.ops.cast(found, _wide(found))
        weight = 1.0 if upstream is None else keras.ops.convert_to_tensor(upstream, found.dtype)
        return keras.ops.sum(found * weight)

    tensors = [_tensor(a, dtype) for a in arrays]
    return array(f(*tensors)), [array(g) for g in _gradients(total, tensors)]


def second(f: Function, x: Any, dtype: str | None = None) -> Any:
    """The second derivative of an elementwise `f` at each entry of `x`."""
    return array(_twice(f, _tensor(x, dtype)))


def gradient_penalty(f: Function, x: Any) -> Any:
    """The gradient of the sum of the squared gradient of `f`, which goes through f twice for any `f`."""
    return array(_twice(f, _tensor(x, None), keras.ops.square))


def compiled(f: Function) -> Function:
    """`f` as it runs in a compiled training step: `tf.function`, `jax.jit`; torch has none."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(f)
    if BACKEND == "jax":
        import jax

        return jax.jit(f)
    return f


def compiled_value_and_grad(f: Function, *arrays: Any, dtype: str | None = None) -> tuple[Any, list[Any]]:
    """As `value_and_grad`, with value and gradient made in one compiled function (by XLA on TensorFlow and JAX)."""
    tensors = [_tensor(a, dtype) for a in arrays]

    def both(*given: Any) -> Any:
        def total(*t: Any) -> Any:
            found = f(*t)
            return keras.ops.sum(keras.ops.cast(found, _wide(found)))

        return f(*given), _gradients(total, list(given))

    if BACKEND == "tensorflow":
        import tensorflow as tf

        value, gradients = tf.function(both, jit_compile=True)(*tensors)
    else:
        value, gradients = compiled(both)(*tensors)
    return array(value), [array(g) for g in gradients]


def _wide(x: Any) -> str:
    return "float64" if keras.backend.standardize_dtype(x.dtype) == "float64" else "float32"


def _tensor(a: Any, dtype: str | None) -> Any:
    return keras.ops.convert_to_tensor(np.asarray(a) if dtype is None else np.asarray(a, "float64"), dtype)


def _gradients(total: Function, tensors: list[Any]) -> list[Any]:
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(tensors)
            found = total(*tensors)
        return list(tape.gradient(found, tensors, unconnected_gradients="zero"))
    if BACKEND == "jax":
        import jax

        return list(jax.grad(total, argnums=tuple(range(len(tensors))))(*tensors))
    import torch

    leaves = [t.detach().clone().requires_grad_() for t in tensors]
    found = torch.autograd.grad(total(*leaves), leaves, allow_unused=True)
    return [torch.zeros_like(t) if g is None else g for g, t in zip(found, leaves, strict=True)]


def _twice(f: Function, x: Any, then: Function = lambda gradient: gradient) -> Any:
    def total(x: Any) -> Any:
        return keras.ops.sum(f(x))

    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = total(x)
            slope = keras.ops.sum(then(inner.gradient(value, x)))
        return outer.gradient(slope, x, unconnected_gradients="zero")
    if BACKEND == "jax":
        import jax

        return jax.grad(lambda x: keras.ops.sum(then(jax.grad(total)(x))))(x)
    import torch

    x = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(total(x), x, create_graph=True)
    if not gradient.requires_grad:
        return torch.zeros_like(x)
    (found,) = torch.autograd.grad(then(gradient).sum(), x, allow_unused=True)
    return torch.zeros_like(x) if found is None else found
