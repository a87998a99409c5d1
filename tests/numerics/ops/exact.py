"""What elementwise operations and their slopes are, in mpmath, with the conventions of their pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath

from nandoctor import ops

mpmath.mp.dps = 40
BEYOND = 2000
"""From here on an exponential is 0 or infinite in every dtype; mpmath would compute it to the last digit."""


@dataclass(frozen=True)
class Elementwise:
    """An operation, how many operands it has, and its exact value and slopes for a smallest positive number."""

    function: Callable[..., Any]
    operands: int
    exact: Callable[..., tuple[Any, ...]]
    condition: Callable[..., Any] = lambda *x: 0
    """By how many more roundings than a few the result may be off: how ill it is conditioned."""


def _log(smallest, x):
    return (mpmath.log(x), 1 / x) if x >= smallest else (mpmath.log(smallest), 0)


def _sqrt(smallest, x):
    return (mpmath.sqrt(x), 1 / (2 * mpmath.sqrt(x))) if x >= smallest else (0, 0)


def _softplus(smallest, x):
    if abs(x) > BEYOND:
        return max(x, 0), int(x > 0)
    return mpmath.log1p(mpmath.exp(x)), 1 / (1 + mpmath.exp(-x))


def _logcosh(smallest, x):
    if abs(x) > BEYOND:
        return abs(x) - mpmath.log(2), mpmath.sign(x)
    return mpmath.log(mpmath.cosh(x)) if abs(x) > 1e-9 else x * x / 2, mpmath.tanh(x)


def _log1mexp(smallest, x):
    if x < smallest:
        return mpmath.log(smallest), 0
    if x > BEYOND:
        return 0, 0
    return mpmath.log(-mpmath.expm1(-x)) if x < 1 else mpmath.log1p(-mpmath.exp(-x)), 1 / mpmath.expm1(x)


def _acos(smallest, x):
    if abs(x) >= 1:
        return (0, 0) if x > 0 else (mpmath.pi, 0)
    return mpmath.acos(x), -1 / mpmath.sqrt((1 - x) * (1 + x))


def _xlogy(smallest, x, y):
    if y < smallest:
        return (x * mpmath.log(smallest), mpmath.log(smallest) if x else 0, 0)
    return x * mpmath.log(y), mpmath.log(y), x / y


def _divide(smallest, x, y):
    return (x / y, 1 / y, -x / y / y) if abs(y) >= smallest else (0, 0, 0)


def _power(smallest, x, y):
    whole = y == mpmath.floor(y)
    if abs(x) < smallest or (x < 0 and not whole):
        return (1 if y == 0 else mpmath.inf if y < 0 else 0), int(y == 1), 0
    if abs(y * mpmath.log(abs(x))) > BEYOND:
        size = mpmath.inf if y * mpmath.log(abs(x)) > 0 else mpmath.mpf(0)
    else:
        size = abs(x) ** y
    sign = -1 if x < 0 and y % 2 == 1 else 1
    by_exponent = sign * size * mpmath.log(abs(x)) if size and abs(x) != 1 else 0
    return sign * size, sign * y * size / x, by_exponent


def _power_of(number):
    return Elementwise(
        lambda x: ops.power(x, number),
        1,
        lambda smallest, x: _power(smallest, x, mpmath.mpf(number))[:2],
        lambda x: abs(number * mpmath.log(abs(x))) + 1 if x else 0,
    )


ELEMENTWISE = {
    "log": Elementwise(ops.log, 1, _log),
    "sqrt": Elementwise(ops.sqrt, 1, _sqrt),
    "softplus": Elementwise(ops.softplus, 1, _softplus, lambda x: min(abs(x), 1000)),
    "log1p_exp": Elementwise(ops.log1p_exp, 1, _softplus, lambda x: min(abs(x), 1000)),
    "logcosh": Elementwise(ops.logcosh, 1, _logcosh),
    "log1mexp": Elementwise(ops.log1mexp, 1, _log1mexp, lambda x: min(abs(x), 1000)),
    "acos": Elementwise(ops.acos, 1, _acos),
    "xlogy": Elementwise(ops.xlogy, 2, _xlogy),
    "divide": Elementwise(ops.divide, 2, _divide),
    "power": Elementwise(ops.power, 2, _power, lambda x, y: abs(y * mpmath.log(abs(x))) + 1 if x else 0),
    **{f"power {number}": _power_of(number) for number in (-3, -2, -0.75, 2.0**-12, 0.5, 1, 1.5, 2, 3)},
}
