"""Functions with a gradient that is written down instead of derived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from nandoctor.numerics.ops.precision import Tensor

Function = Callable[..., Tensor]
Gradient = Callable[..., tuple[Tensor | None, ...]]


def with_gradient(value: Function, gradient: Gradient) -> Function:
    """The function `value`, whose vector-Jacobian product is `gradient(upstream, *operands)`, one for each operand.

    `gradient` uses the operands alone, nothing of the forward pass: that is what it is differentiated through when it
    is differentiated again. It gives None for an operand that has been made from the others for it to use.
    """
    return _on_jax(value, gradient) if keras.backend.backend() == "jax" else _on_others(value, gradient)


def remembering(value: Function, gradient: Gradient) -> Function:
    """The function `value`, whose vector-Jacobian product is `gradient(upstream, found, *operands)`.

    `found` is what the forward pass gave, so that the backward pass need not compute it again. Differentiated again,
    it is the function with this gradient.
    """
    backend = keras.backend.backend()
    if backend == "jax":
        return _remembering_on_jax(value, gradient)
    return _remembering_on_torch(value, gradient) if backend == "torch" else _remembering_on_tensorflow(value, gradient)


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


def _remembering_on_jax(value: Function, gradient: Gradient) -> Function:
    import jax

    function: Any = jax.custom_vjp(value)

    def forward(*operands: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        found = function(*operands)
        return found, (found, *operands)

    def backward(saved: tuple[Tensor, ...], upstream: Tensor) -> tuple[Tensor, ...]:
        return gradient(upstream, *saved)

    function.defvjp(forward, backward)
    remembered: Function = function
    return remembered


def _remembering_on_torch(value: Function, gradient: Gradient) -> Function:
    # keras.ops.custom_gradient saves the operands alone.
    import torch

    class Remembering(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, *operands: Tensor) -> Tensor:
            found = value(*operands)
            ctx.save_for_backward(found, *operands)
            return found

        @staticmethod
        def backward(ctx: Any, upstream: Tensor) -> Any:
            return gradient(upstream, *ctx.saved_tensors)

    found: Function = Remembering.apply
    return found


def _remembering_on_tensorflow(value: Function, gradient: Gradient) -> Function:
    def again(upstream: Tensor, *operands: Tensor) -> tuple[Tensor, ...]:
        return gradient(upstream, found(*operands), *operands)

    # The tape sees what is inside a custom gradient too: the forward pass gives a result that has a gradient of its
    # own, for when the backward pass, which uses it, is differentiated.
    inner = _on_others(value, again)

    def function(*operands: Tensor) -> Any:
        result = inner(*operands)

        def backward(upstream: Tensor) -> Any:
            slopes = gradient(upstream, result, *operands)
            return slopes if len(slopes) > 1 else slopes[0]

        return result, backward

    found: Function = keras.ops.custom_gradient(function)
    return found
