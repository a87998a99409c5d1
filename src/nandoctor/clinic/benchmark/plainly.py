"""A script run as it is, and what an onlooker sees of it: its losses, and its weights in the end.

    python -m nandoctor.clinic.benchmark.plainly FILE SCRIPT

Nothing of nandoctor's own watching is used: this is what its proofs are held against. The losses are what the script
differentiates, and those of each validation.
"""

from __future__ import annotations

import gc
import json
import math
import os
import runpy
import statistics
import sys
from pathlib import Path
from types import FrameType
from typing import Any

Seen = dict[str, Any]


def observe(path: str) -> Seen:
    """Run the script to its end."""
    losses: list[float] = []
    validations: list[float] = []
    _listen(losses, validations)
    error = None
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as ended:
        error = None if ended.code in (None, 0) else f"exit code {ended.code}"
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    return {"losses": losses, "validations": validations, "spoilt": _spoilt(), "error": error}


def _listen(losses: list[float], validations: list[float]) -> None:
    """Have each loss that is differentiated, and that of each validation, appended."""
    import keras
    import tensorflow as tf

    differentiate, fit = tf.GradientTape.gradient, keras.Model.fit

    def note(loss: Any) -> None:
        losses.append(float(loss))

    def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        given = differentiate(tape, target, sources, *args, **kwargs)
        if not tape._recording and not _in_xla():
            total = tf.add_n([tf.reduce_sum(tf.cast(t, tf.float32)) for t in tf.nest.flatten(target)])
            tf.py_function(note, [total], [])
        return given

    def fitted(model: Any, *args: Any, **kwargs: Any) -> Any:
        history = fit(model, *args, **kwargs)
        if not losses:  # XLA lets nothing out of the step
            losses.extend(map(float, history.history.get("loss", [])))
        validations.extend(float(v) for v in history.history.get("val_loss", []))
        return history

    tf.GradientTape.gradient, keras.Model.fit = gradient, fitted
    _listen_to_results(losses)


def _listen_to_results(losses: list[float]) -> None:
    """Have the numbers appended that a step of a loop returns, where XLA lets nothing else out of it."""
    import tensorflow as tf

    compiled = type(tf.function(lambda: None))
    call = compiled.__call__

    def called(function: Any, *args: Any, **kwargs: Any) -> Any:
        given = call(function, *args, **kwargs)
        if function._jit_compile and tf.executing_eagerly():
            numbers = [t for t in tf.nest.flatten(given) if isinstance(t, tf.Tensor) and t.dtype.is_floating]
            losses.extend(float(t) for t in numbers if t.shape.rank == 0)
        return given

    compiled.__call__ = called


def _in_xla() -> bool:
    """Whether what is being traced will be compiled by XLA, which lets nothing out."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if getattr(frame.f_locals.get("self"), "_jit_compile", False) is True:  # a tf.function that is being traced
            return True
        frame = frame.f_back
    return False


def _spoilt() -> list[str]:
    """The weights that are not finite."""
    import tensorflow as tf

    alive = [v for v in gc.get_objects() if isinstance(v, tf.Variable)]
    return [str(v.name) for v in alive if v.trainable and not _finite(v)]


def _finite(variable: Any) -> bool:
    import numpy as np

    try:
        array = np.asarray(variable.numpy())
    except Exception:  # a variable of a graph that is gone
        return True
    return array.dtype.kind in "iubOSU" or bool(np.isfinite(array.astype(np.float32)).all())


def verdict(seen: Seen) -> str | None:
    """Why what was seen is no healthy training; None where it is one."""
    if seen["error"]:
        return str(seen["error"])
    losses, spoilt = seen["losses"], seen["spoilt"]
    if not losses:
        return "no loss was seen"
    bad = next((n for n, loss in enumerate(losses, 1) if not math.isfinite(loss)), None)
    if bad is not None:
        return f"the loss is {losses[bad - 1]} in step {bad} of {len(losses)}"
    if not all(map(math.isfinite, seen["validations"])):
        return f"a validation loss is not finite: {seen['validations']}"
    if spoilt:
        return f"in the end {spoilt[0]} is not finite"
    return _rise(losses)


def _rise(losses: list[float]) -> str | None:
    """That the loss is larger in the end, by more than batches differ from one another; None where it is not."""
    part = len(losses) // 3
    if part < 2:
        return None
    first, last = losses[:part], losses[-part:]
    before, after = statistics.fmean(first), statistics.fmean(last)
    chance = 2 * math.sqrt((statistics.variance(first) + statistics.variance(last)) / part)
    if after > before + 0.1 * abs(before) + 1e-3 + chance:
        return f"the loss rises from {before:.4g} to {after:.4g}"
    return None


def main(report: str, path: str) -> None:
    """Run a script and write what was seen."""
    sys.argv = [path]
    sys.path[0] = str(Path(path).parent)
    Path(report).write_text(json.dumps(observe(path)), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    finally:
        # TensorFlow may wait for ever for a generator's data set that the interpreter took down before it.
        os._exit(0)
