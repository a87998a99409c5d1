"""What clipping costs: `fit` with the plain optimizer, with Keras's own clipping, and with `nandoctor.clip`, in turns.

Every variant trains the same compiled model on the same batches; after each turn of a few steps the next one goes on,
so that whatever else the machine does falls on all alike. The table gives the median over the turns of a step's time
divided by that of Keras's `global_clipnorm` in the same round. `--cpu` counts the processor's time in place of the
clock's, for a machine that is busy.

    python benchmarks/clipping.py [--backend tensorflow] [--rounds 25] [--steps 30] [--jit] [--cpu]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from turns import in_turns

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def variants() -> dict[str, Callable[[], Any]]:
    """The one that the others are compared with first."""
    import keras

    from nandoctor import clip

    adam = keras.optimizers.Adam
    return {
        "Keras global_clipnorm": lambda: adam(1e-3, global_clipnorm=1.0),
        "no clipping": lambda: adam(1e-3),
        "by_global_norm": lambda: clip.by_global_norm(adam(1e-3), 1.0),
        "Keras clipnorm": lambda: adam(1e-3, clipnorm=1.0),
        "by_norm": lambda: clip.by_norm(adam(1e-3), 1.0),
        "Keras clipvalue": lambda: adam(1e-3, clipvalue=0.1),
        "by_value": lambda: clip.by_value(adam(1e-3), 0.1),
        "plain agc": lambda: plain_agc(1e-3),
        "agc": lambda: clip.agc(adam(1e-3)),
        "autoclip": lambda: clip.autoclip(adam(1e-3)),
        "zclip": lambda: clip.zclip(adam(1e-3)),
    }


def plain_agc(rate: float) -> Any:
    """Adam behind adaptive gradient clipping as the paper has it, in a dozen lines and without a guard."""
    import keras
    from keras import ops

    def norm(x: Any) -> Any:
        return ops.sqrt(ops.sum(ops.square(x), axis=tuple(range(max(len(x.shape) - 1, 1))), keepdims=True))

    def clipped(gradient: Any, weight: Any) -> Any:
        limit, size = 0.01 * ops.maximum(norm(ops.convert_to_tensor(weight)), 1e-3), norm(gradient)
        return ops.where(size > limit, gradient * (limit / ops.maximum(size, 1e-6)), gradient)

    class Plain(keras.optimizers.Adam):  # type: ignore[misc]
        def apply(self, grads: Any, trainable_variables: Any = None) -> None:
            weights = self._trainable_variables if trainable_variables is None else trainable_variables
            super().apply([clipped(g, w) for g, w in zip(grads, weights, strict=True)], trainable_variables)

    return Plain(rate)


def model(optimizer: Any, jit: bool) -> Any:
    """A perceptron with 0.7 million weights: much update for little else, the worst case for a clipping."""
    import keras

    layers = [keras.Input((784,)), *(keras.layers.Dense(512, "relu") for _ in range(2)), keras.layers.Dense(10)]
    made = keras.Sequential(layers)
    made.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=jit)
    return made


def measure(rounds: int, steps: int, batch: int, jit: bool, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Seconds a step of each variant in each round."""
    import numpy as np

    random = np.random.default_rng(0)
    x = random.normal(size=(steps * batch, 784)).astype("float32")
    y = random.integers(0, 10, steps * batch)
    models = {name: model(make(), jit) for name, make in variants().items()}
    fits = [partial(trained.fit, x, y, batch_size=batch, shuffle=False, verbose=0) for trained in models.values()]
    return dict(zip(models, in_turns(fits, rounds, steps, clock), strict=True))


def table(seconds: dict[str, list[float]]) -> str:
    """Markdown: the median step, the median ratio to the first variant in the same round, and its quartiles."""
    base = next(iter(seconds.values()))
    lines = ["| variant | median step | ratio to global_clipnorm | quartiles |", "| --- | --- | --- | --- |"]
    for name, taken in seconds.items():
        ratios = [a / b for a, b in zip(taken, base, strict=True)]
        low, _, high = statistics.quantiles(ratios, n=4)
        step = statistics.median(taken) * 1e3
        lines.append(f"| {name} | {step:.2f} ms | {statistics.median(ratios):.3f} | {low:.3f} to {high:.3f} |")
    return "\n".join(lines)


def main() -> int:
    """Measure what was asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("tensorflow", "jax", "torch"), default="tensorflow")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--steps", type=int, default=30, help="steps of a turn")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--jit", action="store_true", help="compile with XLA (JAX always does)")
    parser.add_argument("--cpu", action="store_true", help="count the processor's time")
    given = parser.parse_args()
    os.environ["KERAS_BACKEND"] = given.backend
    jit = given.jit or given.backend == "jax"
    clock = time.process_time if given.cpu else time.perf_counter
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {given.backend}, XLA: {jit}\n")
    print(table(measure(given.rounds, given.steps, given.batch, jit, clock)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
