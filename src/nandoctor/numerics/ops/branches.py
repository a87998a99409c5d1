"""A choice between two expressions of which only one is differentiated."""

from __future__ import annotations

from collections.abc import Callable

import keras

from nandoctor.numerics.ops.precision import Tensor

Branch = Callable[..., Tensor] | Tensor


def where(condition: Tensor, taken: Branch, other: Branch, *operands: Tensor, fill: float = 1.0) -> Tensor:
    """`taken` where the condition holds and `other` elsewhere, each differentiated only where it is chosen.

    Replaces `where(x > 0, log(x), 0)`: its value is right, its gradient is NaN at x = 0. Both branches are evaluated
    and differentiated everywhere, and the slope of the branch that is not chosen, infinite, is multiplied by 0.
    Here each branch gets its operands with `fill` where it is not chosen, so that it is harmless there.

    Args:
        condition: bool, of a shape that broadcasts with the operands.
        taken: a function of the operands, elementwise or along axes on which the condition has length 1; or a tensor.
        other: the same for where the condition does not hold.
        operands: tensors that the functions are differentiated by. What a function takes from elsewhere is
            not made harmless.
        fill: a number at which both functions and their gradients are finite.

    Returns:
        What the chosen branches give.

    Raises:
        TypeError: there are operands, and neither branch is a function.

    Example:
        >>> import keras, numpy as np
        >>> from nandoctor import ops
        >>> x = np.array([0.0, 1.0])
        >>> np.asarray(ops.where(x > 0, keras.ops.log, 0.0, x)).tolist()
        [0.0, 0.0]
    """
    if operands and not callable(taken) and not callable(other):
        raise TypeError(
            "where(condition, taken, other, *operands): operands were given, but neither branch is a function of them. "
            "Pass the function itself, as in where(x > 0, keras.ops.log, 0.0, x)"
        )
    ops = keras.ops
    condition = ops.cast(ops.convert_to_tensor(condition), "bool")
    given = [ops.convert_to_tensor(o) for o in operands]
    first = taken(*(ops.where(condition, o, _fill(fill, o)) for o in given)) if callable(taken) else taken
    second = other(*(ops.where(condition, _fill(fill, o), o) for o in given)) if callable(other) else other
    return ops.where(condition, first, second)


def _fill(fill: float, operand: Tensor) -> Tensor:
    return keras.ops.cast(fill, operand.dtype)
