"""Functions with a gradient that is written down instead of derived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from nandoctor.numerics.ops.precision import Tensor

Function = Callable[..., Tensor]
Gradient = Callable[..., tuple[Tensor, ...]]


def with_gradient(value: Function, gradient: Gradient) -> Function:
    """The function `value`, whose vector-Jacobian product is `gradient(upstream, *operands)`, one for each operand.

    `gradient` uses the operands alone, nothing of the forward pass: that is what it is differentiated through when it
    is differentiated again.
    """
    return _on_jax(value, gradient) if keras.backend.backend() == "jax" else _on_others(value, gradient)


def _on_others(value: Function, gradient: Gradient) -> Function:
    def function(*operands: Tensor) -> Any:
        def backward(*arguments: Tensor, upstream: Tensor = None) -> Any:
            # TensorFlow passes the upstream gradient alone; torch the saved operands, and the former by name.
            saved, upstream = (operands, arguments[0]) if upstream is None else (arguments, upstream)
            found = gradient(upstream, *saved)
            return found if len(found) > 1 else found[0]

        return value(*operands), backward

    found: Function = keras.ops.custom_gradient(function)
    return found


def _on_jax(value: Function, gradient: Gradient) -> Function:
    # keras.ops.custom_gradient (jax.custom_gradient) runs `value` itself in the forward pass: differentiated twice,
    # that is the derived gradient again. Here the forward pass calls the function with its gradient.
    import jax

    function: Any = jax.custom_vjp(value)

    def forward(*operands: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        return function(*operands), operands

    def backward(operands: tuple[Tensor, ...], upstream: Tensor) -> tuple[Tensor, ...]:
        return gradient(upstream, *operands)

    function.defvjp(forward, backward)
    found: Function = function
    return found
