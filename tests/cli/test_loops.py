"""`nandoctor run` on loops that users write themselves: nothing is changed, nothing stays, and a fault is met again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import corpus
import pytest

HEAD = """\
import hashlib
import os
import random
import sys

import keras
import numpy as np
import tensorflow as tf
from keras import layers

"""

DATA = """
tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(7)
x = np.random.default_rng(0).normal(size=(96, 6)).astype("float32")
y = np.tanh(x[:, :1])
model = keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dropout(0.2), layers.Dense(1)])
optimizer = keras.optimizers.Adam(1e-2)
batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(96, seed=1).batch(16)


def update(xb, yb):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(xb, training=True) - yb))
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
    return loss

"""

DIGEST = """
print(hashlib.sha256(b"".join(np.asarray(v).tobytes() for v in model.variables + optimizer.variables)).hexdigest())
print(float(loss).hex(), random.random(), np.random.random(), tf.random.uniform(()).numpy())
"""

TWO = """
def noisy(xb, yb):
    update(xb, yb)
    return update(xb + tf.random.normal(xb.shape), yb)


step = tf.function(noisy)
for _ in range(3):
    for xb, yb in batches:
        loss = step(xb, yb)
"""

LOOPS = {
    "eager": "for _ in range(2):\n    for xb, yb in batches:\n        loss = update(xb, yb)\n",
    "compiled": "step = tf.function(update)\n"
    "for _ in range(2):\n    for xb, yb in batches:\n        loss = step(xb, yb)\n",
    "xla": "optimizer.build(model.trainable_variables)\nstep = tf.function(update, jit_compile=True)\n"
    "for _ in range(2):\n    for xb, yb in batches:\n        loss = step(xb, yb)\n",
    "noise": TWO,
    "epoch": "@tf.function\ndef epoch():\n    loss = 0.0\n    for xb, yb in batches:\n        loss = update(xb, yb)\n"
    "    return loss\n\n\nfor _ in range(2):\n    loss = epoch()\n",
}

ZERO = """
w = tf.Variable([1.0, 1.0])
data = np.ones((20, 4, 2), "float32")
data[5, 3, 1] = 0.0


def update(xb):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.math.log(xb) * w)  # <- here
    w.assign_sub(0.01 * tape.gradient(loss, w))
    return loss

"""

FAULTS = {
    "eager": "for xb in data:\n    update(xb)\n",
    "compiled": "step = tf.function(update)\nfor xb in data:\n    step(tf.constant(xb))\n",
    "epoch": "@tf.function\ndef epoch(batches):\n    for xb in batches:\n        update(xb)\n\n\n"
    "epoch(tf.data.Dataset.from_tensor_slices(data))\n",
}


@pytest.fixture(scope="module", autouse=True)
def _preloaded() -> None:
    corpus.preload()


def written(tmp_path: Path, text: str) -> Path:
    script = tmp_path / "train.py"
    script.write_text(HEAD + text)
    return script


def plainly(script: Path) -> str:
    """What Python prints for a script, without nandoctor."""
    shown = script.with_suffix(".txt")

    def work() -> None:
        with open(shown, "w") as output, contextlib.redirect_stdout(output):
            runpy.run_path(str(script), run_name="__main__")

    corpus.in_fork(work)
    return shown.read_text()


def guarded(script: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """`nandoctor run`: its exit code, its JSON, and what it showed."""
    report = script.with_suffix(".json")
    code, shown = corpus.typed(
        "run", "--no-treat", "--json", str(report), "--out", str(script.parent / "out"), *options, str(script)
    )
    return code, json.loads(report.read_bytes()) if report.exists() else {}, shown


def others_of_session(session: int) -> list[str]:
    """Processes (zombies too) of a session, except its leader."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = stat.read_text()
            if int(text.rpartition(")")[2].split()[3]) == session and int(stat.parent.name) != session:
                found.append(text)
    return found


@pytest.mark.parametrize("way", LOOPS)
def test_a_healthy_loop_ends_with_the_same_bits(tmp_path: Path, way: str) -> None:
    script = written(tmp_path, DATA + LOOPS[way] + DIGEST)
    code, result, shown = guarded(script)
    assert (code, result["status"], result["steps"]) == (0, "healthy", 36 if way == "noise" else 12), shown
    own = [line for line in shown.splitlines() if "nandoctor" not in line]
    assert own == plainly(script).splitlines()
    assert len(own) == 2


@pytest.mark.parametrize("way", FAULTS)
def test_each_way_of_looping_names_the_same_fault(tmp_path: Path, way: str) -> None:
    script = written(tmp_path, ZERO + FAULTS[way])
    code, result, shown = guarded(script)
    assert code == 3, shown
    (found,) = result["diagnoses"]
    lines = script.read_text().splitlines()
    assert (found["cause"], found["phase"], found["step"]) == ("log-of-zero", "forward", 6)
    assert lines[found["location"]["line"] - 1].endswith("# <- here")
    assert (found["location"]["code"], result["verdict"]) == ("tf.math.log(xb)", "reproduced")


ENDINGS = {"healthy": (ZERO + "for xb in data[:5]:\n    update(xb)\n", 0), "fault": (ZERO + FAULTS["compiled"], 3)}


@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_stays_patched_and_no_process_behind(tmp_path: Path, ending: str) -> None:
    text, expected = ENDINGS[ending]
    script = written(tmp_path, text)

    def work() -> None:
        import keras
        import numpy as np
        import tensorflow as tf
        from keras.src.optimizers.base_optimizer import BaseOptimizer
        from tensorflow.python.eager.polymorphic_function.polymorphic_function import Function
        from tensorflow.python.ops.parallel_for import control_flow_ops

        from nandoctor.cli.main import main

        os.setsid()
        owners = (tf.GradientTape, Function, BaseOptimizer, keras.optimizers.LossScaleOptimizer, keras.Model)
        owners += (control_flow_ops, np.random, keras.optimizers.Optimizer, keras.optimizers.SGD, keras.Sequential)
        before = [dict(vars(owner)) for owner in owners]
        assert main(["run", "--no-treat", "--out", str(tmp_path / "out"), str(script)]) == expected
        for owner, names in zip(owners, before, strict=True):
            assert {n: v for n, v in vars(owner).items() if names.get(n) is not v} == {}, owner
        assert others_of_session(os.getpid()) == []

    corpus.in_fork(work)


DRAWS = """
with open("draws.txt", "a") as file:
    print(np.random.default_rng().random(3), np.random.rand(2), random.random(), file=file)
    print(np.random.default_rng().random(3), np.random.default_rng(3).random(), file=file)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dropout(0.5)])
    print([w.tolist() for w in model.get_weights()], file=file)
    print(model(tf.ones((2, 4)), training=True).numpy().tolist(), keras.random.uniform((2,)).numpy(), file=file)
    print(tf.random.normal((3,)).numpy(), tf.function(lambda: tf.random.uniform((2,)))().numpy(), file=file)
    print(list(tf.data.Dataset.range(9).shuffle(9).as_numpy_iterator()), file=file)
    print(hash("a string"), list({"alpha", "beta", "gamma"}), file=file)
    print("end", file=file)
"""


def test_a_script_without_a_seed_draws_the_same_again(tmp_path: Path) -> None:
    script = written(tmp_path, DRAWS + ZERO + FAULTS["eager"])
    script.write_text(script.read_text().replace('"draws.txt"', repr(str(tmp_path / "draws.txt"))))
    seen = []
    for _ in range(2):
        (tmp_path / "draws.txt").write_text("")
        code, result, shown = guarded(script)
        assert (code, result["verdict"]) == (3, "reproduced"), shown
        first, second, rest = (tmp_path / "draws.txt").read_text().split("end\n")
        assert (first, rest) == (second, "")
        seen.append(first)
    assert not set(seen[0].splitlines()[:-1]) & set(seen[1].splitlines()[:-1])  # the runs are as random as before


CODES = {
    "number": ("    if n == 3:\n        sys.exit(7)\n", 7),
    "message": ("    if n == 3:\n        sys.exit('the disk is full')\n", 1),
    "error": ("    if n == 3:\n        raise ValueError(f'what a batch: {n}')\n", 1),
    "shapes": ("    if n == 3:\n        update(tf.ones((2, 3)))\n", 1),
}


@pytest.mark.parametrize("way", CODES)
def test_a_script_that_ends_in_its_loop_keeps_code_and_words(tmp_path: Path, way: str) -> None:
    text, expected = CODES[way]
    script = written(tmp_path, ZERO + "for n, xb in enumerate(data):\n    update(xb)\n" + text)
    code, result, shown = guarded(script)
    assert (code, result["status"], result["steps"]) == (expected, "script-error", 4), shown
    assert result["diagnoses"] == []
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}  # of which TensorFlow tells
    command = [sys.executable, str(script)]
    plain = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert plain.returncode == expected
    assert plain.stderr.splitlines()[-1:] == [line for line in shown.splitlines() if "nandoctor" not in line][-1:]
    assert [line for line in plain.stderr.splitlines() if "train.py" in line] == [
        line for line in shown.splitlines() if "train.py" in line
    ]
    assert "src/nandoctor/" not in shown


def test_max_steps_ends_a_loop(tmp_path: Path) -> None:
    script = written(tmp_path, ZERO + "for n, xb in enumerate(data):\n    print('batch', n)\n    update(xb)\n")
    code, result, shown = guarded(script, "--max-steps", "4")
    assert (code, result["status"], result["steps"]) == (0, "healthy", 4), shown
    assert re.findall(r"batch (\d+)", shown) == ["0", "1", "2", "3"]


def test_a_failure_of_the_watch_is_one_warning(tmp_path: Path) -> None:
    script = written(tmp_path, DATA + LOOPS["compiled"] + DIGEST)

    def work() -> None:
        from nandoctor.cli.main import main
        from nandoctor.frameworks.tensorflow.notes import Notes

        def broken(*_: Any) -> None:
            raise KeyError("no such note")

        Notes.event = broken  # type: ignore[method-assign, assignment]
        shown = tmp_path / "guarded.txt"
        with warnings.catch_warnings(record=True) as caught, open(shown, "w") as output:
            warnings.simplefilter("always")
            with contextlib.redirect_stdout(output):
                assert main(["run", "--no-treat", "--out", str(tmp_path / "out"), str(script)]) == 0
        told = [str(w.message) for w in caught if "nandoctor" in str(w.message)]
        assert len(told) == 1, told
        assert "the watch over loops failed (KeyError: 'no such note') and has switched itself off" in told[0]

    corpus.in_fork(work)
    assert (tmp_path / "guarded.txt").read_text() == plainly(script)


ONCE = """
marker = os.path.join(os.path.dirname(os.path.abspath(__file__)), "marker")
first = not os.path.exists(marker)
open(marker, "w").close()
"""

OTHERWISE = {
    "finite": ("for xb in data if first else np.ones_like(data):\n    update(xb)\n", "this step was finite"),
    "shorter": ("for xb in data if first else data[:2]:\n    update(xb)\n", "did not reach that step again"),
    "error": (
        "for n, xb in enumerate(data):\n    update(xb)\n    if n == 4 and not first:\n        raise OSError('gone')\n",
        "OSError: gone",
    ),
}


@pytest.mark.parametrize("way", OTHERWISE)
def test_a_loop_that_goes_otherwise_the_second_time_says_so(tmp_path: Path, way: str) -> None:
    text, note = OTHERWISE[way]
    script = written(tmp_path, ONCE + ZERO + text)
    code, result, shown = guarded(script)
    assert (code, result["status"], result["diagnoses"]) == (3, "fault", []), shown
    assert result["verdict"] in {"not-reproduced", "not-replayed"}
    assert any(note in said for said in result["notes"]), result["notes"]
    assert "the loss is not finite at step 6;" in shown
    assert "at another step" not in shown
    assert "Traceback" not in shown


SLOW = """
marker = os.path.join(os.path.dirname(os.path.abspath(__file__)), "marker")
again = os.path.exists(marker)
open(marker, "w").close()
import time
for n, xb in enumerate(data):
    update(xb)
    if again:
        open(marker + "-again", "w").close()
        time.sleep(0.5)
"""


@contextlib.contextmanager
def started(script: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "nandoctor", "run", "--no-treat", "--out", str(script.parent / "out"), str(script)]
    with open(script.with_suffix(".txt"), "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(happened: Callable[[], bool], seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < limit
        time.sleep(0.05)


def test_an_interrupt_during_the_second_run_ends_all_and_keeps_the_fault(tmp_path: Path) -> None:
    script = written(tmp_path, ZERO + SLOW)
    with started(script) as process:
        until((tmp_path / "marker-again").exists)
        assert len(others_of_session(process.pid)) >= 2  # the one in waiting, and the one at work
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 3, script.with_suffix(".txt").read_text()
        assert "finding out why was interrupted" in script.with_suffix(".txt").read_text()
        until(lambda: others_of_session(process.pid) == [], 10)
    out = tmp_path / "out"
    assert not out.exists() or list(out.iterdir()) == []


VALIDATION = """
keras.utils.set_random_seed(3)
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
y = np.abs(x[:, :1])
xv, yv = x[:16].copy(), y[:16]
model = keras.Sequential([keras.Input((4,)), layers.Dense(8, "tanh"), layers.Dense(1, "softplus")])
optimizer = keras.optimizers.SGD(1e-2)
train = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)


@tf.function
def step(xb, yb):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(tf.math.log(model(xb) + 1) - tf.math.log(yb + 1)))
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    return loss

"""

EPOCHS = "for epoch in range(2):\n    for xb, yb in train:\n        step(xb, yb)\n"

WRITTEN_AGAIN = """
yv = yv.copy()
yv[5] = -1.0


@tf.function
def validate(inputs, targets):
    target = tf.math.log(targets + 1)  # <- here
    return tf.reduce_mean(tf.square(tf.math.log(model(inputs) + 1) - target))

"""


def test_a_validation_inside_a_loop_is_traced_though_it_is_written_out_again(tmp_path: Path) -> None:
    reads = "    print(epoch, float(validate(xv, yv)))\n"
    script = written(tmp_path, VALIDATION + WRITTEN_AGAIN + EPOCHS + reads)
    code, result, shown = guarded(script)
    assert code == 3, shown
    (found,) = result["diagnoses"]
    lines = script.read_text().splitlines()
    assert (found["cause"], found["phase"], found["step"], found["samples"]) == ("log-of-zero", "validation", 4, [5])
    assert lines[found["location"]["line"] - 1].endswith("# <- here")
    assert "training is healthy, its validation is not (after step 4)" in shown
    assert shown.count("nan") >= 2  # the script went on to its second epoch


def test_a_metric_that_is_not_finite_is_mentioned_and_not_accused(tmp_path: Path) -> None:
    reads = "    print(float(tf.reduce_mean(tf.abs(model(x[:0]) - y[:0]))), float(tf.math.log(0.0 * model(x)[0, 0])))\n"
    code, result, shown = guarded(written(tmp_path, VALIDATION + EPOCHS + reads))
    assert (code, result["status"], result["diagnoses"]) == (0, "healthy", []), shown
    assert len(result["notes"]) == 2
    assert all("it is a metric, not the loss" in note for note in result["notes"])


def test_a_validation_over_nothing_is_named_at_its_pass(tmp_path: Path) -> None:
    over_nothing = (
        "\n\ndef validate(batches):\n"
        "    losses = []\n"
        "    for xb, yb in batches:  # <- here\n"
        "        losses.append(float(tf.reduce_mean(model(xb) - yb)))\n"
        "    return np.mean(losses)\n\n\n"
    )
    reads = "    print(validate(train.take(0)))\n"
    script = written(tmp_path, VALIDATION + over_nothing + EPOCHS + reads)
    code, result, shown = guarded(script)
    assert code == 3, shown
    (found,) = result["diagnoses"]
    lines = script.read_text().splitlines()
    assert (found["cause"], found["phase"], found["location"]["code"]) == ("empty-validation", "validation", "batches")
    assert lines[found["location"]["line"] - 1].endswith("# <- here")


def test_a_data_set_that_may_be_empty_is_no_fault(tmp_path: Path) -> None:
    reads = "    for xb, yb in train.take(0):\n        print(step(xb, yb))\n"
    before = "ratio = np.array([0.0, 1.0]) / np.array([0.0, 1.0])\n"
    code, result, shown = guarded(written(tmp_path, VALIDATION + before + EPOCHS + reads))
    assert (code, result["diagnoses"]) == (0, []), shown


def test_what_a_kernel_refuses_and_xla_makes_nan_of_is_explained(tmp_path: Path) -> None:
    classes = """
model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
labels = np.arange(64) % 3
labels[37] = 3


@tf.function(jit_compile=True)
def classify(xb, yb):
    with tf.GradientTape() as tape:
        logits = model(xb)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=yb, logits=logits))  # <- here
    for v, g in zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables)):
        v.assign_sub(0.1 * g)
    return loss


for i in range(0, 64, 16):
    classify(tf.constant(x[i : i + 16]), tf.constant(labels[i : i + 16], tf.int32))
"""
    script = written(tmp_path, VALIDATION + classes)
    code, result, shown = guarded(script)
    assert code == 3, shown
    (found,) = result["diagnoses"]
    lines = script.read_text().splitlines()
    assert (found["cause"], found["step"], found["samples"]) == ("label-out-of-range", 3, [5])
    assert lines[found["location"]["line"] - 1].endswith("# <- here")
    assert result["verdict"] == "reproduced"
