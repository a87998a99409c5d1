"""What watching costs: steps of the same `fit`, plain and watched by each tool, in turns in one process.

Each variant trains in a thread of its own; the threads take turns of a few steps, so that whatever else the machine
does falls on all of them alike. The table gives the median over the turns of a step's time divided by that of the plain
step in the same round.

    python benchmarks/overhead.py [--rounds 30] [--only mlp]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import models
import numpy as np
import tensorflow as tf

import nandoctor

WARM_UP = 2
"""Turns that are not counted: functions are traced and compiled in them."""


class Turns:
    """Lets one of several threads run at a time, in order."""

    def __init__(self, names: list[str]) -> None:
        self._order = list(names)
        self._now = 0
        self._changed = threading.Condition()

    def wait_for(self, name: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: name in self._order and self._order[self._now % len(self._order)] == name)

    def pass_on(self, name: str, *, leave: bool = False) -> None:
        with self._changed:
            place = self._order.index(name)
            self._now = place if leave else place + 1
            if leave:
                self._order.remove(name)
            if self._order:
                self._now %= len(self._order)
            self._changed.notify_all()


@dataclass
class Variant:
    """One way to train: what it sets up in its thread, and its callbacks."""

    name: str
    prepare: Callable[[], list[Any]]
    seconds: list[float] = field(default_factory=list)
    error: str | None = None


class Stopwatch(keras.callbacks.Callback):
    """Times turns of `steps` steps, and hands over after each."""

    def __init__(self, variant: Variant, turns: Turns, steps: int) -> None:
        super().__init__()
        self._variant, self._turns, self._steps = variant, turns, steps

    def on_train_begin(self, logs: Any = None) -> None:
        self._count = 0
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._count += 1
        if self._count % self._steps == 0:
            self._variant.seconds.append((time.perf_counter() - self._began) / self._steps)
            self._turns.pass_on(self._variant.name)
            self._turns.wait_for(self._variant.name)
            self._began = time.perf_counter()


def _dump(mode: str) -> list[Any]:
    tf.debugging.experimental.enable_dump_debug_info(
        tempfile.mkdtemp(), tensor_debug_mode=mode, circular_buffer_size=-1
    )
    return []


def _check_numerics() -> list[Any]:
    tf.debugging.enable_check_numerics()
    return []


def variants() -> list[Variant]:
    """The plain step first."""
    return [
        Variant("plain", list),
        Variant("nandoctor", lambda: [nandoctor.Guard(out=None, quiet=True)]),
        Variant("nandoctor, spikes", lambda: [nandoctor.Guard(out=None, quiet=True, spike=1e6)]),
        Variant("TerminateOnNaN", lambda: [keras.callbacks.TerminateOnNaN()]),
        Variant("enable_check_numerics", _check_numerics),
        Variant("dump CONCISE_HEALTH", lambda: _dump("CONCISE_HEALTH")),
        Variant("dump FULL_HEALTH", lambda: _dump("FULL_HEALTH")),
    ]


def measure(make: Callable[..., Any], rounds: int, steps: int, chosen: list[Variant], **options: Any) -> None:
    """Train each variant for so many rounds of so many steps, in turns."""
    turns = Turns([v.name for v in chosen])

    def train(variant: Variant) -> None:
        turns.wait_for(variant.name)
        try:
            callbacks = variant.prepare()
            model, dataset = make(**options)
            watch = Stopwatch(variant, turns, steps)
            model.fit(
                dataset, epochs=1, steps_per_epoch=(rounds + WARM_UP) * steps, verbose=0, callbacks=[*callbacks, watch]
            )
        except Exception as error:
            variant.error = f"{type(error).__name__}: {str(error).splitlines()[0][:60]}"
            if os.environ.get("NANDOCTOR_BENCH_TRACEBACK"):
                traceback.print_exc()
        finally:
            turns.pass_on(variant.name, leave=True)

    threads = [threading.Thread(target=train, args=(v,)) for v in chosen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def table(title: str, found: list[Variant]) -> str:
    """Markdown: the median step, the median ratio to the plain step of the same round, and its quartiles."""
    lines = [f"### {title}", "", "| variant | median step | ratio to plain | quartiles |", "| --- | --- | --- | --- |"]
    plain = found[0].seconds[WARM_UP:]
    for variant in found:
        counted = variant.seconds[WARM_UP:]
        if variant.error is not None or not counted:
            lines.append(f"| {variant.name} | fails | | {variant.error or 'no step'} |")
            continue
        ratios = [a / b for a, b in zip(counted, plain, strict=False)]
        low, _, high = statistics.quantiles(ratios, n=4)
        step = statistics.median(counted) * 1e3
        lines.append(f"| {variant.name} | {step:.2f} ms | {statistics.median(ratios):.3f} | {low:.3f} to {high:.3f} |")
    return "\n".join(lines)


CASES = {
    "resnet": ("ResNet for CIFAR, batch 64", models.resnet, 12, 3, {}),
    "mlp": ("Two-layer perceptron", models.mlp, 40, 40, {}),
    "resnet-xla": ("ResNet for CIFAR, batch 64, jit_compile=True", models.resnet, 12, 3, {"jit_compile": True}),
    "mlp-xla": ("Two-layer perceptron, jit_compile=True", models.mlp, 40, 40, {"jit_compile": True}),
}


def main() -> int:
    """Measure what was asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CASES, action="append", help="one case, may be repeated")
    parser.add_argument("--variant", action="append", help="one variant beside the plain one, may be repeated")
    parser.add_argument("--rounds", type=int, help="turns of each variant (default: by case)")
    given = parser.parse_args()
    keras.utils.set_random_seed(0)
    np.random.seed(0)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, TensorFlow {tf.__version__}\n")
    for name in given.only or CASES:
        title, make, rounds, steps, options = CASES[name]
        chosen = [v for v in variants() if not given.variant or v.name in ("plain", *given.variant)]
        measure(make, given.rounds or rounds, steps, chosen, **options)
        print(table(title, chosen), flush=True)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
