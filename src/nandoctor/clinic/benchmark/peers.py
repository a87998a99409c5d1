"""What TensorFlow and Keras bring themselves, run on a script that does not ask for it.

    python -m nandoctor.clinic.benchmark.peers TerminateOnNaN|check_numerics FILE SCRIPT

The script runs as it is. `TerminateOnNaN` is added to the callbacks of every `fit`; `check_numerics` is
`tf.debugging.enable_check_numerics()`, switched on before the script begins. What they say goes to FILE, in the form of
`tools.py`. Neither names a cause or a row; the line is that of the script, innermost, in the stack that the message of
`check_numerics` has.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Found = dict[str, Any]

_FRAME = re.compile(r"\+ (\S+) \(L(\d+)\)")


def terminate_on_nan(run: Callable[[], None], script: Path) -> list[Found]:
    """Run with `keras.callbacks.TerminateOnNaN` in every `fit`: a fault where it ended one."""
    import keras

    ended: list[Found] = []

    class Terminate(keras.callbacks.TerminateOnNaN):  # type: ignore[misc]
        def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
            super().on_batch_end(batch, logs)
            if self.model.stop_training and not ended:
                ended.append({})

    fit = keras.Model.fit

    def watched(self: Any, *args: Any, callbacks: Any = None, **kwargs: Any) -> Any:
        own = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks] if callbacks else []
        return fit(self, *args, callbacks=[*own, Terminate()], **kwargs)

    keras.Model.fit = watched
    try:
        run()
    finally:
        keras.Model.fit = fit
    return ended


def check_numerics(run: Callable[[], None], script: Path) -> list[Found]:
    """Run with TensorFlow's check of every operation: a fault where it raised, at the line of the script it shows."""
    import tensorflow as tf

    tf.debugging.enable_check_numerics()
    try:
        run()
    except tf.errors.InvalidArgumentError as error:
        if "Detected Infinity or NaN" not in str(error):
            raise
        return [_shown(str(error), script)]
    finally:
        tf.debugging.disable_check_numerics()
    return []


def _shown(message: str, script: Path) -> Found:
    """The innermost line of the script in the stack of the message."""
    lines = [int(line) for file, line in _FRAME.findall(message) if os.path.basename(file) == script.name]
    return {"location": {"file": str(script), "line": lines[-1]}} if lines else {}


PEERS = {"TerminateOnNaN": terminate_on_nan, "check_numerics": check_numerics}


def main(name: str, report: str, path: str) -> None:
    """Run a script under one of them and write what it found; an error of the script itself is no finding."""
    script = Path(path)
    sys.argv = [path]
    sys.path[0] = str(script.parent)
    found: list[Found] = []
    try:
        found = PEERS[name](lambda: _execute(path), script)
    finally:
        Path(report).write_text(json.dumps({"diagnoses": found}), encoding="utf-8")


def _execute(path: str) -> None:
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit:
        return


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    finally:
        # TensorFlow may wait for ever for a generator's data set that the interpreter took down before it.
        os._exit(0)
