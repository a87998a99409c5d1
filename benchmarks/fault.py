"""What a fault costs: the seconds from the step that broke to its report, and the memory of it all.

Each training runs in a process of its own: plain and healthy, guarded and healthy, guarded and with one NaN in its
fourth batch. The table gives the peak of each process's memory, and the time in which the step was replayed, diagnosed
and reported, with its page and capsule written.

    python benchmarks/fault.py [--only resnet50]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

STEPS = 5
WAYS = ("plain", "guarded", "fault")
CASES = {
    "mlp": "Two-layer perceptron, batch 256",
    "resnet": "ResNet for CIFAR, batch 64",
    "resnet50": "ResNet50, 224x224, batch 16",
}


def _built(case: str) -> tuple[Any, Any, Any, int]:
    """A compiled model, its data, and the size of a batch."""
    import keras
    import models
    import numpy as np

    rng = np.random.default_rng(0)
    if case == "resnet50":
        model = keras.applications.ResNet50(weights=None, input_shape=(224, 224, 3), classes=10)
        model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy")
        shape, batch = (224, 224, 3), 16
    else:
        model, _ = {"mlp": models.mlp, "resnet": models.resnet}[case]()
        shape, batch = model.input_shape[1:], 256 if case == "mlp" else 64
    x = rng.normal(size=(STEPS * batch, *shape)).astype("float32")
    return model, x, rng.integers(0, 10, STEPS * batch), batch


def train(case: str, way: str) -> None:
    """One training; prints the peak of its memory in MiB, and the seconds that the fault took."""
    import keras

    import nandoctor

    keras.utils.set_random_seed(0)
    model, x, y, batch = _built(case)
    spent = [0.0]

    class Timed(nandoctor.Guard):
        def on_step(self, reading: Any, batch: Any) -> Any:
            began = time.perf_counter()
            verdict = super().on_step(reading, batch)
            spent[0] = time.perf_counter() - began
            return verdict

    if way == "fault":
        x[3 * batch + 2].flat[7] = float("nan")
    with tempfile.TemporaryDirectory() as out:
        guards = [] if way == "plain" else [Timed(out=out, quiet=True)]
        model.fit(x, y, batch_size=batch, shuffle=False, verbose=0, callbacks=guards)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak:.0f} {spent[0] if way == 'fault' else 0:.1f}")


def measured(case: str, way: str) -> tuple[float, float]:
    """The same in a process of its own."""
    done = subprocess.run([sys.executable, __file__, case, way], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    peak, seconds = done.stdout.split()[-2:]
    return float(peak), float(seconds)


def main() -> int:
    """Measure what was asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CASES, action="append", help="one case, may be repeated")
    parser.add_argument("one", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        train(*given.one)
        return 0
    print("| case | plain, peak | guarded, peak | with the fault, peak | fault to report |")
    print("| --- | --- | --- | --- | --- |")
    for case in given.only or CASES:
        (plain, _), (guarded, _), (fault, seconds) = (measured(case, way) for way in WAYS)
        print(
            f"| {CASES[case]} | {plain:.0f} MiB | {guarded:.0f} MiB | {fault:.0f} MiB | {seconds:.1f} s |", flush=True
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
