"""What safety costs: a compiled training step with each operation of `nandoctor.ops`, and with its plain formula.

The step computes the loss and the gradient of a perceptron and takes a step of SGD; the operation stands between the
last layer and the loss. Both variants are compiled first, then take turns of a few steps in one process, so that
whatever else the machine does falls on both alike. The table gives the median over the turns.

    python benchmarks/numerics.py [--backend tensorflow|jax|torch] [--only norm] [--turns 30]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BACKENDS = ("tensorflow", "jax", "torch")
if "--backend" in sys.argv:  # Keras reads it when it is imported
    os.environ["KERAS_BACKEND"] = sys.argv[sys.argv.index("--backend") + 1]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from turns import in_turns, repeated  # noqa: E402

from nandoctor import ops  # noqa: E402

k = keras.ops
BATCH, INPUTS, HIDDEN, OUTPUTS = 512, 784, 512, 128
RATE = 1e-3
STEPS = 5
"""Steps in a turn."""

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Pair:
    """An expression of `(BATCH, OUTPUTS)` activations as users write it, and ours."""

    name: str
    plain: Function
    ours: Function


def _probability(x: Any) -> Any:
    return k.sigmoid(x)


def _plain_distance(x: Any) -> Any:
    squares = k.sum(k.square(x), axis=1, keepdims=True)
    return k.sqrt(k.maximum(squares - 2 * k.matmul(x, k.transpose(x)) + k.transpose(squares), 1e-12))


def _mask(x: Any) -> Any:
    return k.cast(k.stop_gradient(x) > -0.5, x.dtype)


def _plain_masked_mean(x: Any) -> Any:
    return k.sum(x * _mask(x), axis=-1) / k.maximum(k.sum(_mask(x), axis=-1), 1)


PAIRS = [
    Pair("log", lambda x: k.log(_probability(x) + 1e-7), lambda x: ops.log(_probability(x))),
    Pair("softplus", k.softplus, ops.softplus),
    Pair("xlogy", lambda x: x * k.log(_probability(x)), lambda x: ops.xlogy(x, _probability(x))),
    Pair("divide", lambda x: x / (k.square(x) + 1), lambda x: ops.divide(x, k.square(x) + 1)),
    Pair("sqrt", lambda x: k.sqrt(k.square(x) + 1e-7), lambda x: ops.sqrt(k.square(x))),
    Pair("norm", lambda x: k.sqrt(k.sum(k.square(x), axis=-1)), ops.norm),
    Pair("normalize", lambda x: x / k.sqrt(k.sum(k.square(x), axis=-1, keepdims=True)), ops.normalize),
    Pair("std", lambda x: k.std(x, axis=-1), lambda x: ops.std(x, axis=-1)),
    Pair("power", lambda x: k.power(_probability(x), 1.5), lambda x: ops.power(_probability(x), 1.5)),
    Pair("acos", lambda x: k.arccos(0.99 * k.tanh(x)), lambda x: ops.acos(k.tanh(x))),
    Pair("logcosh", lambda x: k.log(k.cosh(x)), ops.logcosh),
    Pair("log1mexp", lambda x: k.log(1 - k.exp(-k.exp(x))), lambda x: ops.log1mexp(k.exp(x))),
    Pair("logsumexp", lambda x: k.logsumexp(x, axis=-1), lambda x: ops.logsumexp(x, axis=-1)),
    Pair("masked_mean", _plain_masked_mean, lambda x: ops.masked_mean(x, _mask(x), axis=-1)),
    Pair(
        "masked_softmax",
        lambda x: k.square(k.softmax(x - 1e9 * (1 - _mask(x)), axis=-1)),
        lambda x: k.square(ops.masked_softmax(x, _mask(x))),
    ),
    Pair("pairwise_distance", _plain_distance, ops.pairwise_distance),
    Pair(
        "where",
        lambda x: k.where(x > 0, k.log(x + 1), 0 * x),
        lambda x: ops.where(x > 0, lambda x: k.log(x + 1), lambda x: 0 * x, x),
    ),
]
"""One line for each row of the table."""


def _loss(function: Function, weights: list[Any], x: Any) -> Any:
    hidden = k.relu(k.matmul(x, weights[0]))
    return k.mean(function(k.matmul(hidden, weights[1])))


def _tensorflow_step(function: Function, weights: list[Any], x: Any) -> Callable[[], Any]:
    import tensorflow as tf

    variables, x = [tf.Variable(w) for w in weights], tf.constant(x)

    @tf.function(autograph=False)  # it cannot read two lambdas on one line
    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = _loss(function, [v.value() for v in variables], x)
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(RATE * gradient)
        return loss

    return lambda: step().numpy()


def _jax_step(function: Function, weights: list[Any], x: Any) -> Callable[[], Any]:
    import jax

    state = [[jax.numpy.asarray(w) for w in weights]]
    x = jax.numpy.asarray(x)

    @jax.jit
    def update(weights: list[Any]) -> tuple[list[Any], Any]:
        loss, gradients = jax.value_and_grad(lambda w: _loss(function, w, x))(weights)
        return [w - RATE * g for w, g in zip(weights, gradients, strict=True)], loss

    def step() -> Any:
        state[0], loss = update(state[0])
        return jax.block_until_ready(loss)

    return step


def _torch_step(function: Function, weights: list[Any], x: Any) -> Callable[[], Any]:
    import torch

    parameters, x = [torch.tensor(w, requires_grad=True) for w in weights], torch.tensor(x)

    def step() -> Any:
        loss = _loss(function, parameters, x)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.sub_(RATE * gradient)
        return loss.item()

    return step


STEP_OF = {"tensorflow": _tensorflow_step, "jax": _jax_step, "torch": _torch_step}


def measure(pair: Pair, turns: int) -> list[list[float]]:
    """Seconds of a step in each turn, plain and ours."""
    random = np.random.default_rng(0)
    weights = [random.normal(0, 0.03, s).astype("float32") for s in ((INPUTS, HIDDEN), (HIDDEN, OUTPUTS))]
    x = random.normal(size=(BATCH, INPUTS)).astype("float32")
    make = STEP_OF[keras.backend.backend()]
    steps = [make(function, weights, x) for function in (pair.plain, pair.ours)]
    return in_turns([repeated(step, STEPS) for step in steps], turns, STEPS)


def row(pair: Pair, turns: int) -> str:
    """A row of the table: the median steps, and the median ratio within a turn with its quartiles."""
    plain, ours = measure(pair, turns)
    ratios = [b / a for a, b in zip(plain, ours, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    times = " | ".join(f"{statistics.median(seconds) * 1e3:.2f} ms" for seconds in (plain, ours))
    return f"| {pair.name} | {times} | {middle:.3f} | {low:.3f} to {high:.3f} |"


def main() -> int:
    """Measure what was asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=BACKENDS, help="default: that of Keras")
    parser.add_argument("--only", choices=[p.name for p in PAIRS], action="append", help="one row, may be repeated")
    parser.add_argument("--turns", type=int, default=30, help=f"turns of {STEPS} steps of each variant")
    given = parser.parse_args()
    print(f"{keras.backend.backend()}, {os.cpu_count()} cores, batch {BATCH}\n")
    print("| operation | plain | ours | ratio | quartiles |\n| --- | --- | --- | --- | --- |")
    for pair in PAIRS:
        if not given.only or pair.name in given.only:
            print(row(pair, given.turns), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
