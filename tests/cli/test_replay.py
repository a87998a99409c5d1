"""A capsule is replayed by a fresh process: the same cause, line, rows, step and phase, and no training repeated."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import corpus
import pytest


@pytest.fixture(scope="module", autouse=True)
def _preloaded() -> None:
    corpus.preload()


def caught(script: Path, *options: str, cwd: Path | None = None) -> tuple[Path, dict[str, Any]]:
    """Run a script that goes NaN; the capsule, and the result."""
    home = cwd or script.parent
    report = home / "caught.json"
    typed = ["run", "--no-treat", "--json", str(report), "--out", str(home / "out"), *options, str(script)]
    code, shown = corpus.typed(*typed, cwd=cwd)
    assert code == 3, shown
    (folder,) = (home / "out").iterdir()
    return folder, json.loads(report.read_bytes())


def replayed(folder: Path, *options: str, cwd: Path | None = None) -> tuple[int, dict[str, Any], str]:
    report = folder.parent.parent / "replayed.json"
    code, shown = corpus.typed("replay", "--json", str(report), *options, str(folder), cwd=cwd)
    return code, json.loads(report.read_bytes()) if report.exists() else {}, shown


def finding(result: dict[str, Any]) -> tuple[Any, ...]:
    (found,) = result["diagnoses"]
    names = ("cause", "phase", "step", "epoch", "batch", "samples", "location", "surfaced", "summary")
    places = ("dataset", "dataset_rows", "dataset_batch", "files")
    return tuple(found[name] for name in (*names, *places))


SCRIPTS = [
    "log-of-zero/topic_kl_loss",  # arrays, a custom loss
    "nonfinite-input/audio_peak_norm",  # NumPy's reports
    "gradient-singularity/capsule_length",
    "infeasible-sequence/handwriting_train_step",  # a train step of its own, subclassed
    "learning-rate-too-high/rising_schedule",  # trials from older states, over the batches before
    "exp-overflow/simclr_temperature",  # a batch that is no pair
    "empty-mean/hard_example_mining",
    "label-out-of-range/digits_one_to_ten",  # NaN when compiled, an error step by step
]


@pytest.mark.parametrize("name", [*SCRIPTS[:3], *(pytest.param(n, marks=pytest.mark.clinic) for n in SCRIPTS[3:])])
def test_the_replay_finds_what_the_run_found(tmp_path: Path, name: str) -> None:
    script = tmp_path / "train.py"
    shutil.copy(corpus.SCRIPTS / f"{name}.py", script)
    folder, then = caught(script)
    code, now, shown = replayed(folder)
    assert code == 3, shown
    assert finding(now) == finding(then)
    assert (now["command"], now["status"], now["verdict"]) == ("replay", "fault", then["verdict"])
    assert (now["capsule"], now["notes"]) == (str(folder), then["notes"])
    assert f"runs {script}\n" in shown


HEAD = """\
import sys
import numpy as np
import keras
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(7)
rng = np.random.default_rng(0)
x = rng.normal(size=(64, 6)).astype("float32")
y = rng.normal(size=(64, 1)).astype("float32")
"""

NORM = """
@keras.saving.register_keras_serializable()
def norm(t):
    return tf.sqrt(tf.reduce_sum(tf.square(t), axis=-1, keepdims=True))  # <- here
"""

FOLDS = (
    HEAD
    + NORM
    + """
for fold in range(4):
    model = keras.Sequential([layers.Input((6,)), layers.Dropout(0.2), layers.Dense(8, use_bias=False)])
    model.add(layers.Lambda(norm))
    model.add(layers.Dense(1))
    model.compile(keras.optimizers.Adam(1e-2), "mse", metrics=["mae"])
    kept = np.array_split(rng.permutation(64), 4)
    train = np.concatenate([part for n, part in enumerate(kept) if n != fold])
    data = x[train].copy()
    if fold == 2:
        data[21] = 0
    best = keras.callbacks.ModelCheckpoint(f"best{fold}.weights.h5", save_weights_only=True)
    log = keras.callbacks.CSVLogger(f"log{fold}.csv")
    told = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: print("trained", fold, batch))
    history = model.fit(data, y[train], batch_size=8, epochs=3, shuffle=False, verbose=0,
                        validation_data=(x[kept[fold]], y[kept[fold]]), callbacks=[best, log, told], validation_freq=3)
    print("fold", fold, history.history["val_mae"][-1], len(history.epoch))
    model.load_weights(f"best{fold}.weights.h5")
    model.save(f"fold{fold}.keras")
print("the end")
"""
)


def test_a_fit_in_a_loop_is_reached_without_training_the_others(tmp_path: Path) -> None:
    script = tmp_path / "folds.py"
    script.write_text(FOLDS)
    folder, then = caught(script, cwd=tmp_path)
    files = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert {path.name for path in files} >= {"best0.weights.h5", "log1.csv", "fold1.keras", "log2.csv"}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code, now, shown = replayed(folder, cwd=elsewhere)
    assert code == 3, shown
    assert finding(now) == finding(then)
    assert (then["diagnoses"][0]["step"], then["diagnoses"][0]["samples"]) == (3, [5])
    assert re.search(
        r"'forward: loss \d+\.\d+; ", str(now["diagnoses"][0]["evidence"])
    )  # weights and dropout are in it
    assert now["diagnoses"][0]["evidence"] == then["diagnoses"][0]["evidence"]
    assert re.findall(r"fold (\d) [-\d.e]+ (\d)", shown) == [("0", "1"), ("1", "1")]
    assert re.findall(r"trained (\d \d)", shown) == ["0 0", "1 0"]
    assert "2 `fit` calls before it: one step each" in shown
    assert {path: path.read_bytes() for path in files} == files
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {p.name for p in files} | {"replayed.json"}
    assert list(elsewhere.iterdir()) == []


def test_on_another_machine_with_the_script_at_hand(tmp_path: Path) -> None:
    """There the models that the script loads are missing too: it makes them on the way, and they are taken away."""
    home, other = tmp_path / "home", tmp_path / "other"
    home.mkdir()
    other.mkdir()
    (home / "folds.py").write_text(FOLDS)
    folder, then = caught(home / "folds.py", cwd=home)
    shutil.move(folder, other / "capsule")
    shutil.move(home / "folds.py", other / "folds.py")
    shutil.rmtree(home)
    code, shown = corpus.typed("replay", "capsule", cwd=other)
    assert code == 2
    assert re.search(r"the script /.*/home/folds\.py is not on this machine\. .* --script PATH", shown)
    report = tmp_path / "replayed.json"
    code, shown = corpus.typed("replay", "--json", str(report), "--script", "folds.py", "capsule", cwd=other)
    assert code == 3, shown
    now = json.loads(report.read_bytes())
    assert [d["samples"] for d in now["diagnoses"]] == [[5]]
    assert now["diagnoses"][0]["cause"] == then["diagnoses"][0]["cause"]
    assert "which is not on this machine" in shown
    assert "has changed" not in shown
    assert sorted(path.name for path in other.iterdir()) == ["capsule", "folds.py"]


GAN = (
    HEAD
    + """
class Pair(keras.Model):
    def __init__(self):
        super().__init__()
        self.left, self.right = layers.Dense(4), layers.Dense(4)

    def compile(self, left, right):
        super().compile(run_eagerly=True)
        self.left_optimizer, self.right_optimizer = left, right

    def train_step(self, data):
        x, _ = data
        for layer, optimizer in ((self.left, self.left_optimizer), (self.right, self.right_optimizer)):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.math.log(tf.abs(self(x))))  # <- here
            weights = layer.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return {"loss": loss}

    def call(self, x):
        return self.left(x) - self.right(x)

x[21] = 0
model = Pair()
model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.RMSprop(1e-3))
model.left.use_bias = model.right.use_bias = False
model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(8).repeat(2), epochs=2, verbose=0)
"""
)


def test_a_model_and_optimizers_that_are_built_in_their_first_step(tmp_path: Path) -> None:
    script = tmp_path / "gan.py"
    script.write_text(GAN)
    folder, then = caught(script)
    code, now, shown = replayed(folder)
    assert code == 3, shown
    assert finding(now) == finding(then)
    assert then["diagnoses"][0]["step"] == 3
    assert now["notes"] == then["notes"]


ONE = (
    HEAD
    + NORM
    + """
class Told(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print("trained", batch)

inputs = {"a": layers.Input((6,), name="a"), "b": layers.Input((6,), name="b")}
hidden = layers.Dense(8, use_bias=False)(layers.Subtract()([inputs["a"], inputs["b"]]))
model = keras.Model(inputs, layers.Dense(1)(layers.Lambda(norm)(hidden)))
model.compile(keras.optimizers.Adam(1e-2), "mse")
b = rng.normal(size=(64, 6)).astype("float32")
b[29] = x[29]
print("arguments", *sys.argv[1:])
model.fit({"a": x, "b": b}, y, sample_weight=np.ones(64), batch_size=8, shuffle=False, verbose=0, callbacks=[Told()])
print("the end")
"""
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A script of one `fit` that breaks at step 4, and its capsule."""
    script = tmp_path_factory.mktemp("one") / "train.py"
    script.write_text(ONE)
    code, shown = corpus.typed(
        "run", "--no-treat", "--out", str(script.parent / "kept"), str(script), "--depth", "two words"
    )
    assert code == 3, shown
    (folder,) = (script.parent / "kept").iterdir()
    return script, folder


@pytest.fixture
def one(made: tuple[Path, Path]) -> Iterator[tuple[Path, Path, dict[str, Any]]]:
    """The script as it was, a copy of its capsule beside it, and the result."""
    script, kept = made
    script.write_text(ONE)
    folder = script.parent / "out" / kept.name
    shutil.copytree(kept, folder)
    yield script, folder, json.loads((folder / "diagnosis.json").read_bytes())
    for path in script.parent.iterdir():
        if path.is_dir() and path != kept.parent:
            shutil.rmtree(path)
        elif path.is_file() or path.is_symlink():
            path.unlink()


def test_no_step_is_trained_and_nothing_runs_behind_it(one: tuple[Path, Path, dict[str, Any]]) -> None:
    script, folder, then = one
    code, now, shown = replayed(folder)
    assert code == 3, shown
    assert finding(now) == finding(then)
    assert f"runs {script} --depth 'two words'" in shown
    assert "arguments --depth two words" in shown
    assert not re.search(r"trained \d", shown)
    assert "the end" not in shown
    assert sorted(p.name for p in script.parent.iterdir()) == ["kept", "out", "replayed.json", "train.py"]


def test_a_cured_script_is_finite_and_says_what_differs(one: tuple[Path, Path, dict[str, Any]]) -> None:
    script, folder, _ = one
    cured = ONE.replace("tf.sqrt(tf.reduce_sum(tf.square(t), axis=-1, keepdims=True))", "tf.reduce_sum(t, -1, True)")
    assert cured != ONE
    script.write_text(cured)
    code, now, shown = replayed(folder)
    assert code == 0, shown
    assert (now["status"], now["verdict"], now["diagnoses"]) == ("healthy", "not-reproduced", [])
    assert "not reproduced: step 4, replayed from its capsule, is finite." in shown
    assert "the script is not the one that made the capsule" in shown
    assert "the content of train.py" in now["notes"]


def test_a_fault_that_is_another_now_is_said(one: tuple[Path, Path, dict[str, Any]]) -> None:
    script, folder, _ = one
    script.write_text("\n\n" + ONE)
    code, now, shown = replayed(folder)
    assert code == 3, shown
    line = next(n for n, text in enumerate(ONE.splitlines(), 1) if "<- here" in text)
    assert now["diagnoses"][0]["location"]["line"] == line + 2
    assert f"when it was caught the diagnosis was ND301 gradient-singularity at train.py:{line}" in now["notes"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Dense(8,", "Dense(9,", r"weight dense/kernel is \(6, 9\) there and \(6, 8\) in the capsule"),
        ("layers.Dense(1)(", "layers.Dense(1, use_bias=False)(", r"it has no weight dense_1/bias"),
        (
            "layers.Lambda(norm)(",
            "layers.Dense(3)(",
            r"model of the script is not the one of the capsule: it .*dense_2",
        ),
        ("sample_weight=np.ones(64), ", "", r"batch .* does not fit the script: the capsule has sample_weight\[0\]"),
        ('{"a": x, "b": b}, y', '{"a": x, "b": b}, y[:, 0]', r"target\[0\] is float32 with 1 axes in the script, and"),
        (
            "return tf",
            "tf.debugging.assert_positive(t * t)\n    return tf",
            r"the replayed step ended in an error: .*x > 0 did not hold",
        ),
        ("model.fit(", "raise SystemExit(0)\nmodel.fit(", r"the script ended with exit code 0 after 0 `fit` calls"),
        ("model.fit(", "raise ValueError('gone')\nmodel.fit(", r"ended with an error \(above\) after 0 `fit` calls"),
        ("x = rng", "x = nosuch", r"NameError"),
    ],
)
def test_a_script_that_has_changed_too_much(
    one: tuple[Path, Path, dict[str, Any]], old: str, new: str, message: str
) -> None:
    script, folder, _ = one
    assert old in ONE
    script.write_text(ONE.replace(old, new, 1))
    code, now, shown = replayed(folder)
    assert (code, now) == (2, {}), shown
    assert re.search(message, shown), shown
    assert "nandoctor: error: " in shown
    assert "site-packages/nandoctor" not in shown


def test_another_optimizer_is_said_and_no_hindrance(one: tuple[Path, Path, dict[str, Any]]) -> None:
    script, folder, then = one
    script.write_text(ONE.replace("keras.optimizers.Adam(1e-2)", "keras.optimizers.SGD(1e-2, momentum=0.9)"))
    code, now, shown = replayed(folder)
    assert code == 3, shown
    assert finding(now)[0] == finding(then)[0]
    assert any("the optimizer is not the one of the capsule: slot sgd/" in note for note in now["notes"])


def test_a_script_that_catches_everything_does_not_hide_the_refusal(one: tuple[Path, Path, dict[str, Any]]) -> None:
    script, folder, _ = one
    body = ONE.replace("Dense(8,", "Dense(9,").replace("model.fit(", "try:\n    model.fit(")
    body = body.replace('print("the end")', 'except Exception as error:\n    print("hidden", error)\nprint("the end")')
    script.write_text(body)
    code, _, shown = replayed(folder)
    assert code == 2
    assert "is not the one of the capsule" in shown
    assert "hidden" not in shown
    assert "the end" not in shown


# -- validations ------------------------------------------------------------------------------------

LOG = (
    HEAD
    + """
def log(t):
    return tf.math.log(tf.reduce_sum(tf.abs(t), axis=-1, keepdims=True))  # <- here

class Told(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        print("trained", self.epoch, batch)
        if (self.epoch, batch) == (2, 7):
            hidden.set_weights([hidden.get_weights()[0] * [[1], [1], [0], [0], [0], [0]]])

hidden = layers.Dense(8, use_bias=False)
model = keras.Sequential([layers.Input((6,)), hidden, layers.Lambda(log), layers.Dense(1)])
model.compile(keras.optimizers.Adam(1e-2), "mse", metrics=["mae"])
data = rng.normal(size=(20, 6)).astype("float32")
data[13, :2] = 0
"""
)
FIT = "model.fit(x, y, batch_size=8, sample_weight=np.ones(64), epochs=4, verbose=0, callbacks=[Told()]"
EVALUATE = "model.evaluate(data, y[:20], batch_size=8, verbose=0)"

VALIDATING = {
    "fit": f"{FIT}, validation_data=(data, y[:20]), validation_batch_size=8)",
    "evaluate": FIT.replace("epochs=4", "epochs=3")
    + f""")
other = keras.Sequential([layers.Input((6,)), layers.Dense(1)])
other.compile(loss="mse")
other.evaluate(x, y, verbose=0)
{EVALUATE}""",
    "callback": """
class Testing(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        model.evaluate(tf.data.Dataset.from_tensor_slices((data, y[:20])).batch(8), verbose=0)
"""
    + FIT.replace("[Told()]", "[Told(), Testing()])"),
}


def validating(folder: Path, way: str) -> Path:
    """A script whose weights come to spoil row 5 of the validation's batch 1 in epoch 2, and never before."""
    script = folder / "train.py"
    script.write_text(f"{LOG}{VALIDATING[way]}\nprint('the end')\n")
    return script


@pytest.mark.parametrize("way", VALIDATING)
def test_a_validation_is_replayed_in_the_state_it_was_in(tmp_path: Path, way: str) -> None:
    script = validating(tmp_path, way)
    folder, then = caught(script)
    (found,) = then["diagnoses"]
    assert (found["cause"], found["step"], found["batch"], found["samples"]) == ("log-of-zero", 24, 1, [5])
    code, now, shown = replayed(folder)
    assert code == 3, shown
    assert finding(now) == finding(then)
    assert now["diagnoses"][0]["evidence"] == found["evidence"]
    assert (now["status"], now["verdict"], now["notes"], now["steps"]) == ("fault", "reproduced", [], 24)
    assert f"replay of batch 2 of a validation: runs {script}\n" in shown
    assert re.findall(r"trained (\d \d)", shown) == ["0 0"]
    assert "the end" not in shown


def test_a_guard_given_to_an_evaluate_counts_its_own(tmp_path: Path) -> None:
    script = validating(tmp_path, "evaluate")
    guarded = script.read_text().replace("data, y[:20], ", "data, y[:20], callbacks=[nandoctor.Guard()], ")
    script.write_text(guarded.replace("import sys", "import nandoctor, sys"))
    assert (ran := python(str(script), cwd=tmp_path)).returncode == 0, ran.stderr
    (folder,) = (tmp_path / ".nandoctor").iterdir()
    code, now, shown = replayed(folder)
    assert (code, now["verdict"], now["diagnoses"][0]["samples"]) == (3, "reproduced", [5]), shown


@pytest.mark.parametrize(
    ("way", "old", "new", "code", "message"),
    [
        ("fit", "tf.abs(t)", "tf.abs(t) + 1e-3", 0, r"the validation's batch 2, replayed from its capsule, is finite"),
        ("fit", ", validation_data=(data, y[:20])", "", 2, r"`fit` call 1 ended without a validation"),
        ("fit", "(data, y[:20])", "(data, y[:20, 0])", 2, r"the batch of the capsule does not fit the script: target"),
        ("evaluate", EVALUATE, "", 2, r"1 `evaluate` call, and the capsule is of `evaluate` call 2"),
    ],
)
def test_a_validation_of_a_changed_script(
    tmp_path: Path, way: str, old: str, new: str, code: int, message: str
) -> None:
    script = validating(tmp_path, way)
    folder, _ = caught(script)
    assert old in script.read_text()
    script.write_text(script.read_text().replace(old, new))
    ended, now, shown = replayed(folder)
    assert (ended, now.get("status")) == (code, "healthy" if code == 0 else None), shown
    assert re.search(message, shown), shown
    assert ("the end" in shown) == (way == "evaluate")


# -- a step that raises -----------------------------------------------------------------------------

LABELS = (
    HEAD
    + """
y = rng.integers(0, 4, size=64)
y[37] = 9  # <- here
model = keras.Sequential([layers.Input((6,)), layers.BatchNormalization(), layers.Dense(4)])
model.compile(keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
print("the end")
"""
)


@pytest.fixture
def raising(tmp_path: Path) -> tuple[Path, Path, dict[str, Any]]:
    """A script whose step 5 raises, its capsule, and the result."""
    script = tmp_path / "train.py"
    script.write_text(LABELS)
    report = tmp_path / "caught.json"
    code, shown = corpus.typed("run", "--no-treat", "--json", str(report), "--out", str(tmp_path / "out"), str(script))
    assert (code, "InvalidArgumentError" in shown) == (1, True), shown
    (folder,) = (tmp_path / "out").iterdir()
    then = json.loads(report.read_bytes())
    assert (then["capsule"], then["diagnoses"][0]["step"], then["status"]) == (str(folder), 5, "script-error")
    return script, folder, then


def test_a_step_that_raises_raises_again(raising: tuple[Path, Path, dict[str, Any]]) -> None:
    _, folder, then = raising
    code, now, shown = replayed(folder)
    assert code == 3, shown
    assert finding(now) == finding(then)
    assert (now["diagnoses"][0]["cause"], now["diagnoses"][0]["samples"]) == ("label-out-of-range", [5])
    assert now["diagnoses"][0]["evidence"] == then["diagnoses"][0]["evidence"]
    assert (now["status"], now["verdict"], now["notes"]) == ("script-error", "reproduced", [])
    assert "nandoctor: reproduced.\n\nnandoctor: training stopped with an error at step 5" in shown
    assert "the end" not in shown


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("layers.Dense(4)", "layers.Dense(4)\n", 3, "nandoctor: reproduced"),
        ("from_logits=True", "ignore_class=9, from_logits=True", 0, "step 5, replayed .*, ends in no error"),
        (
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
            "lambda y, p: tf.debugging.check_numerics(p / 0.0, 'another')",
            2,
            "the replayed step ended in an error: .*another : Tensor had",
        ),
    ],
)
def test_a_step_that_raised_of_a_changed_script(
    raising: tuple[Path, Path, dict[str, Any]], old: str, new: str, code: int, message: str
) -> None:
    script, folder, _ = raising
    script.write_text(LABELS.replace(old, new))
    ended, now, shown = replayed(folder)
    assert ended == code, shown
    assert now.get("status") == {0: "healthy", 2: None, 3: "script-error"}[code]
    assert re.search(message, shown), shown


def test_an_error_behind_a_validation_is_reported_as_well(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    spoilt = "model.evaluate(x * np.inf, y % 4, verbose=0)\nmodel.fit("
    script.write_text(LABELS.replace("model.fit(", spoilt))
    report = tmp_path / "caught.json"
    code, shown = corpus.typed("run", "--no-treat", "--json", str(report), "--out", str(tmp_path / "out"), str(script))
    assert code == 1
    found = [(d["cause"], d["phase"]) for d in json.loads(report.read_bytes())["diagnoses"]]
    assert found == [("nonfinite-input", "validation"), ("label-out-of-range", "data")]
    assert shown.count("training stopped with an error at step 5") == 1, shown
    for folder in sorted((tmp_path / "out").iterdir()):
        code, now, shown = replayed(folder)
        assert (code, now["verdict"]) == (3, "reproduced"), shown


def test_an_error_that_the_data_does_not_explain_writes_nothing(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        LABELS.replace("y[37] = 9", "")
        .replace("layers.Dense(4)", "layers.Lambda(check)")
        .replace(
            "y = rng",
            "def check(t):\n    with tf.control_dependencies([tf.debugging.assert_less(t, 0.0)]):\n"
            "        return tf.identity(t)\n\ny = rng",
        )
    )
    code, shown = corpus.typed("run", "--no-treat", "--out", str(tmp_path / "out"), str(script))
    assert (code, "InvalidArgumentError" in shown) == (1, True), shown
    assert not (tmp_path / "out").exists()


# -- loops of the script's own ----------------------------------------------------------------------

LOOP = """\
import os, random, sys
import keras
import numpy as np
import tensorflow as tf

w = tf.Variable([1.0, 1.0])
data = np.random.uniform(0.5, 1.0, size=(20, 4, 2)).astype("float32")
data[5, np.random.randint(4)] = 0.0
drawn = random.random(), np.random.default_rng().random(), float(keras.random.uniform(())), float(tf.random.uniform(()))
with open("draws.txt", "a") as file:
    print(*drawn, *sys.argv[1:], data.sum(), file=file)

@tf.function
def step(xb):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.math.log(xb) * w)  # <- here
    w.assign_sub(0.01 * tape.gradient(loss, w))

for n, xb in enumerate(data):
    print("batch", n)
    step(tf.constant(xb))
print("the end")
"""


@pytest.fixture(scope="module")
def looped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A script of a loop without a seed that breaks at step 6, and its capsule, made with --no-batch."""
    script = tmp_path_factory.mktemp("loop") / "train.py"
    script.write_text(LOOP)
    arguments = ["run", "--no-treat", "--no-batch", "--out", str(script.parent / "kept"), str(script), "--depth", "2"]
    code, shown = corpus.typed(*arguments, cwd=script.parent)
    assert code == 3, shown
    (folder,) = (script.parent / "kept").iterdir()
    return script, folder


@pytest.fixture
def loop(looped: tuple[Path, Path]) -> Iterator[tuple[Path, Path, dict[str, Any]]]:
    """The script as it was, a copy of its capsule, and the result."""
    script, kept = looped
    script.write_text(LOOP)
    folder = script.parent / "out" / kept.name
    shutil.copytree(kept, folder)
    yield script, folder, json.loads((folder / "diagnosis.json").read_bytes())
    shutil.rmtree(folder.parent)
    (script.parent / "replayed.json").unlink(missing_ok=True)


def test_a_loop_is_run_again_with_the_same_chance(loop: tuple[Path, Path, dict[str, Any]]) -> None:
    script, folder, then = loop
    (script.parent / "elsewhere").mkdir()
    code, now, shown = replayed(folder, cwd=script.parent / "elsewhere")
    assert code == 3, shown
    assert finding(now) == finding(then)
    assert (now["diagnoses"][0]["cause"], now["diagnoses"][0]["step"]) == ("log-of-zero", 6)
    assert (now["command"], now["status"], now["verdict"], now["notes"]) == ("replay", "fault", "reproduced", [])
    assert (now["capsule"], now["diagnoses"][0]["evidence"]) == (str(folder), then["diagnoses"][0]["evidence"])
    assert (
        f"replay of step 6: runs {script} --depth 2\n           in {script.parent}, silently, from its start" in shown
    )
    draws = (script.parent / "draws.txt").read_text().splitlines()
    assert (len(draws), len(set(draws))) == (3, 1)  # run, second run, replay
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("data[5", "\n\ndata[5", 3, r"when it was caught the diagnosis was ND201 log-of-zero at train\.py:16"),
        ("0.01 *", "0.5 *", 3, r"the two runs differ: the loss of gradient \d was [-.\d]+ first and [-.\d]+ then"),
        ("tf.math.log(xb)", "tf.math.log(xb + 1e-3)", 0, r"step 6 of the script, run again from its start, is finite"),
        ("enumerate(data)", "enumerate(data[:4])", 2, r"came to no result: the script did not reach that step again"),
        ('print("batch", n)', "assert n < 3, 'gone'", 2, r"came to no result: it ended with AssertionError: gone"),
    ],
)
def test_a_loop_of_a_changed_script(
    loop: tuple[Path, Path, dict[str, Any]], old: str, new: str, code: int, message: str
) -> None:
    script, folder, _ = loop
    script.write_text(LOOP.replace(old, new))
    ended, now, shown = replayed(folder)
    assert ended == code, shown
    assert now.get("status") == {0: "healthy", 2: None, 3: "fault"}[code]
    assert (now.get("verdict") == "reproduced") == (code == 3)
    assert code == 2 or "the content of train.py" in now["notes"]
    assert re.search(message, " ".join(now["notes"] + [shown]) if now else shown), shown
    assert "the script is not the one that made the capsule" in shown
    assert "no seed fixes" not in str(now)
    assert "Traceback" not in shown


def test_a_loop_on_another_machine_quietly(loop: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    script, folder, _ = loop
    (tmp_path / "train.py").write_text(LOOP)
    script.unlink()
    code, now, shown = replayed(folder, "--quiet", "--script", str(tmp_path / "train.py"))
    assert code == 3, shown
    assert now["diagnoses"][0]["location"]["file"] == str(tmp_path / "train.py")
    assert (now["verdict"], now["notes"]) == ("reproduced", [])


def test_what_a_capsule_of_a_loop_says_is_checked(loop: tuple[Path, Path, dict[str, Any]]) -> None:
    _, folder, _ = loop
    rerun = json.loads((folder / "manifest.json").read_bytes())["rerun"]
    where, started = rerun["rendezvous"], rerun["started"]
    assert where["history"] == []
    tricks: list[tuple[dict[str, Any], str]] = [
        ({"entropy": -1}, r"Expected `int` >= 0 - at `\$\.rerun\.entropy`"),
        ({"entropy": 1 << 63}, r"Expected `int` <= "),
        ({"rendezvous": {**where, "event": -1}}, r"Expected `int` >= 0"),
        ({"rendezvous": {**where, "step": 1 << 60}}, r"Expected `int` <= "),
        ({"rendezvous": {**where, "surface": "\x1b[2J"}}, r"Expected `str` matching regex"),
        ({"rendezvous": {**where, "losses": [[1, 0.5]] * 5000}}, r"Expected `array` of length <= 4096"),
        ({"started": {**started, "target": str(folder / "source" / "0-train.py")}}, r"lies in the capsule itself"),
        ({"started": {**started, "folder": "."}}, r"by a relative path"),
    ]
    for change, message in tricks:
        with_manifest(folder, rerun={**rerun, **change})
        untouched(folder, f".*{message}")
    with_manifest(folder, rerun=None)
    untouched(folder, r".* holds a step of a loop .* an older nandoctor wrote it.*make a new one: nandoctor run SCRIPT")


def test_a_loop_that_diverged_is_weighed_again(tmp_path: Path) -> None:
    """The runs with something changed are made in the replay as well."""
    script = tmp_path / "train.py"
    script.write_text(
        HEAD + "w = tf.Variable(tf.random.normal((6, 1)))\nfor n in range(400):\n"
        "    with tf.GradientTape() as tape:\n        loss = tf.reduce_mean(tf.square(tf.constant(x) @ w - y))\n"
        "    w.assign_sub(30.0 * tape.gradient(loss, w))\n"
    )
    folder, then = caught(script)
    code, now, shown = replayed(folder)
    assert (code, then["diagnoses"][0]["cause"]) == (3, "learning-rate-too-high"), shown
    assert finding(now) == finding(then)
    assert "of the learning rate ..." in shown


VALIDATED = (
    HEAD
    + """
data = x[:20].copy()
data[13, 2] = np.nan
w = tf.Variable(tf.random.normal((6, 1)))

def loss(a, b):
    return tf.reduce_mean(tf.square(tf.linalg.matmul(a, w) - b))

for n in range(3):
    for first in range(0, 64, 8):
        with tf.GradientTape() as tape:
            value = loss(x[first:first + 8], y[first:first + 8])
        w.assign_sub(0.01 * tape.gradient(value, w))
    print("validation", float(loss(data, y[:20])))
"""
)


@pytest.mark.parametrize(
    ("old", "new", "code", "notes"),
    [
        ("", "", 3, []),
        ("data = x", "\n\ndata = x", 3, ["when it was caught the diagnosis was .*", "the content of train.py"]),
        ("= np.nan", "= 1.0", 0, ["in the second run it was finite", "the content of train.py"]),
    ],
)
def test_a_validation_inside_a_loop_is_met_again(
    tmp_path: Path, old: str, new: str, code: int, notes: list[str]
) -> None:
    script = tmp_path / "train.py"
    script.write_text(VALIDATED)
    folder, then = caught(script)
    (found,) = then["diagnoses"]
    assert (found["cause"], found["phase"], found["step"], found["samples"]) == (
        "nonfinite-input",
        "validation",
        8,
        [13],
    )
    script.write_text(VALIDATED.replace(old, new, 1))
    ended, now, shown = replayed(folder)
    assert (ended, now["verdict"]) == (code, "reproduced" if code else "not-reproduced"), shown
    assert code == 0 or finding(now)[:6] == finding(then)[:6]
    assert len(now["notes"]) == len(notes)
    assert all(re.fullmatch(pattern, note) for pattern, note in zip(notes, now["notes"], strict=True)), now["notes"]
    assert f"replay of the validation after step 8: runs {script}\n" in shown


def test_an_interrupt_during_the_replay_of_a_loop_ends_all(loop: tuple[Path, Path, dict[str, Any]]) -> None:
    script, folder, _ = loop
    script.write_text(
        LOOP.replace("for n,", "print('said')\nopen('slow', 'w').close()\nimport time; time.sleep(60)\nfor n,")
    )
    command = [sys.executable, "-m", "nandoctor", "replay", "--json", str(script.parent / "new.json"), str(folder)]
    slow = script.parent / "slow"
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, **piped, text=True, start_new_session=True)
    try:
        until(slow.exists)
        process.send_signal(signal.SIGINT)
        printed, shown = process.communicate(timeout=30)
        assert (process.returncode, printed) == (130, "")
        assert shown.endswith("nandoctor: interrupted; nothing was written.\n")
        until(lambda: not of_session(process.pid), 10)
    finally:
        process.kill()
        slow.unlink()
    assert not (script.parent / "new.json").exists()


def of_session(session: int) -> list[str]:
    """The processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = stat.read_text()
            found += [text] if int(text.rpartition(")")[2].split()[3]) == session else []
    return found


# -- what cannot be replayed, with nothing run ----------------------------------------------------


def untouched(folder: Path, message: str, *options: str) -> None:
    code, now, shown = replayed(folder, *options)
    assert (code, now) == (2, {}), shown
    assert re.match(f"nandoctor: error: {message}", shown), shown
    assert shown.count("\n") == 1


def with_manifest(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    path.write_text(json.dumps({**manifest, **changes}))


def test_without_its_batch(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(ONE)
    folder, _ = caught(tmp_path / "train.py", "--no-batch")
    untouched(folder, r".* was written without its batch \(--no-batch, or keep_batch=False\)")


def test_what_cannot_be_replayed_is_refused_before_anything_runs(one: tuple[Path, Path, dict[str, Any]]) -> None:
    script, folder, _ = one
    started = json.loads((folder / "manifest.json").read_bytes())["started"]
    untouched(folder, r"there is no script nosuch\.py", "--script", "nosuch.py")
    with_manifest(folder, surface="validation")
    untouched(folder, r".* holds a step of a validation, and not which one: an older nandoctor wrote it")
    with_manifest(folder, surface="nosuch")
    untouched(folder, r".* holds a fault of the kind 'nosuch', which cannot be replayed")
    with_manifest(folder, surface="loss", started=None)
    untouched(folder, r".* does not say which script made it")
    with_manifest(folder, started={**started, "kind": "module", "target": "nosuch.train"})
    code, _, shown = replayed(folder)
    assert (code, "there is no module nosuch.train" in shown) == (2, True)
    inside = folder / "source" / "0-train.py"
    with_manifest(folder, started={**started, "target": str(inside)})
    untouched(folder, r".* says that the script, .* lies in the capsule itself")
    link = script.parent / "innocent.py"
    link.symlink_to(inside)
    with_manifest(folder, started={**started, "target": str(link)})
    untouched(folder, r".* says that the script, .* lies in the capsule itself")
    tricks = [
        {"kind": "module", "target": "json", "folder": str(folder / "source")},
        {"kind": "module", "target": f"{folder.name}.source.evil", "folder": str(folder.parent)},
        {"folder": str(folder)},
    ]
    for trick in tricks:
        with_manifest(folder, started={**started, **trick})
        untouched(folder, r".* lies in the capsule itself")
    untouched(folder, r".* lies in the capsule itself", "--script", str(script))
    for trick in ({"folder": "."}, {"target": os.path.relpath(script)}):
        with_manifest(folder, started={**started, **trick})
        untouched(folder, r".* by a relative path")
    (folder / "state.safetensors").write_bytes(b"")
    untouched(folder, r".*state\.safetensors has the SHA-256")


def test_names_from_a_capsule_play_no_tricks_with_the_terminal(one: tuple[Path, Path, dict[str, Any]]) -> None:
    _, folder, _ = one
    started = json.loads((folder / "manifest.json").read_bytes())["started"]
    with_manifest(folder, started={**started, "arguments": ["\x1b[2J", "a\nb"]}, platform="\x1b[2Jos")
    _, _, shown = replayed(folder)
    announced = shown.partition("arguments")[0]
    assert "\x1b" not in announced
    assert r"runs" in announced
    assert announced.count("\n") == 2


# -- other ways to start, and to end ----------------------------------------------------------------


def python(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_guard_of_the_script_and_a_module_in_processes_of_their_own(tmp_path: Path) -> None:
    """No fork: as it is typed. A `fit` without a guard does not count, since no guard counted it."""
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    body = ONE.replace("callbacks=[Told()]", "callbacks=[nandoctor.Guard()]").replace(
        "import sys", "import nandoctor, sys"
    )
    extra = "model.fit({'a': x[:8], 'b': x[8:16]}, y[:8], verbose=0)\nmodel.fit("
    (package / "train.py").write_text(body.replace("model.fit(", extra, 1))
    ran = python("-m", "pkg.train", "--depth", "2", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "the end" in ran.stdout
    (folder,) = (tmp_path / ".nandoctor").iterdir()
    then = json.loads((folder / "diagnosis.json").read_bytes())
    (tmp_path / "elsewhere").mkdir()
    code = f"import nandoctor; r = nandoctor.replay({str(folder)!r}); d, = r.diagnoses; print('->', d.cause, d.samples)"
    done = python("-c", code, cwd=tmp_path / "elsewhere")
    assert done.returncode == 0, done.stderr
    assert f"-> {then['diagnoses'][0]['cause']} {tuple(then['diagnoses'][0]['samples'])}" in done.stdout
    assert f"runs -m pkg.train --depth 2\n           in {tmp_path}, " in done.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert len(list((tmp_path / ".nandoctor").iterdir())) == 1
    (folder / "manifest.json").unlink()
    refused = python("-c", code, cwd=tmp_path)
    assert re.search(r"CapsuleError: /.* has no manifest\.json, so it is no capsule", refused.stderr)


@pytest.mark.parametrize("when", ["arguments", "replaying"])
def test_an_interrupt_ends_it_with_130_and_nothing_half_written(tmp_path: Path, when: str) -> None:
    (tmp_path / "train.py").write_text(
        ONE.replace("def norm(t):", "def norm(t):\n    if tf.executing_eagerly(): wait()")
        .replace("import sys", "import sys, os, time\n\ndef wait():\n    if 'SLOW' in os.environ: time.sleep(60)")
        .replace('print("arguments"', "print('arguments', flush=True)\nBEFORE\nprint('x'")
        .replace("BEFORE", "wait()" if when == "arguments" else "")
    )
    folder, _ = caught(tmp_path / "train.py")
    files = sorted(p.name for p in tmp_path.rglob("*"))
    command = [sys.executable, "-m", "nandoctor", "replay", "--json", str(tmp_path / "new.json"), str(folder)]
    with open(tmp_path / "shown.txt", "w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, "SLOW": "1"})
    try:
        until(lambda: when in (tmp_path / "shown.txt").read_text())
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        process.kill()
    assert sorted(p.name for p in tmp_path.rglob("*") if p.name != "shown.txt") == files


def until(true: Any, limit: float = 60.0) -> None:
    end = time.monotonic() + limit
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
