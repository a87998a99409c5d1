"""`nandoctor trial` as a user types it: the boundary is found, the script's own training does not go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import corpus
import pytest


@pytest.fixture(scope="module", autouse=True)
def _preloaded() -> None:
    corpus.preload()


HEAD = """\
import sys
import numpy as np
import keras
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(128, 4)).astype("float32")
y = x @ np.ones((4, 1), "float32")
def model_of(optimizer, loss="mse"):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(optimizer, loss)
    return model
"""

DIVERGES = """
model = model_of(keras.optimizers.SGD(RATE))
checkpoint = keras.callbacks.ModelCheckpoint("kept.keras", save_freq=2)
model.fit(x, y, batch_size=BATCH, epochs=40, verbose=0, callbacks=[checkpoint])
model.save("model.keras")
print("the script went on")
"""

QUICK = ("--steps", "32", "--settings", "7")
"""The rates of the script's own optimizer."""


def tried(folder: Path, body: str, *options: str) -> tuple[int, dict[str, Any], str]:
    script, report = folder / "train.py", folder / "trial.json"
    script.write_text(HEAD + body)
    code, shown = corpus.typed("trial", "--json", str(report), *options, str(script), cwd=folder)
    return code, json.loads(report.read_bytes()) if report.exists() else {}, shown


def outcomes(result: dict[str, Any]) -> dict[float, str]:
    return {c["setting"]["rate"]: c["outcome"] for c in result["courses"]}


def test_the_boundary_of_a_linear_model_is_the_one_that_theory_gives(tmp_path: Path) -> None:
    import numpy as np

    x = np.random.default_rng(0).normal(size=(128, 4)).astype("float32").astype(float)
    boundary = 2 / np.linalg.eigvalsh(2 / 128 * x.T @ x).max()
    rates = [f"{boundary * part:.6g}" for part in (0.93, 1.07, 0.4)]
    body = DIVERGES.replace("RATE", "10.0").replace("BATCH", "128")
    code, result, shown = tried(tmp_path, body, *(o for r in rates for o in ("--rate", r)), "--steps", "64")
    assert code == 0, shown
    assert outcomes(result) == dict(
        zip([10.0, *map(float, rates)], ["diverges", "learns", "diverges", "learns"], strict=True)
    )
    assert result["largest_rate"] == float(rates[0])
    assert (result["status"], result["batches"], result["own"]["rate"]) == ("fault", 1, 10.0)
    assert result["answer"] in " ".join(shown.split())


def test_the_script_ends_with_the_trials_and_leaves_nothing(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    body = DIVERGES.replace("RATE", "10.0").replace("BATCH", "16")
    code, result, shown = tried(tmp_path, body, *QUICK, "--html", str(page))
    assert code == 0, shown
    assert "the script went on" not in shown
    assert {p.name for p in tmp_path.iterdir()} == {"train.py", "trial.json", "page.html"}
    assert page.read_text().count("<svg") == 2
    assert outcomes(result) == {
        10.0: "diverges",
        30.0: "diverges",
        3.0: "diverges",
        1.0: "diverges",
        0.3: "learns",
        0.1: "learns",
        0.01: "learns",
    }
    assert result["answer"].startswith("Learning rate 0.3 and below stays finite with SGD, 1 does not; ")


def test_the_healthy_twin_keeps_its_setting(tmp_path: Path) -> None:
    code, result, shown = tried(tmp_path, DIVERGES.replace("RATE", "0.1").replace("BATCH", "16"), *QUICK)
    assert (code, result["status"], result["batches"]) == (0, "healthy", 8), shown
    assert result["largest_rate"] == 0.3
    assert outcomes(result)[0.1] == "learns"


def test_a_capsule_is_tried_from_before_its_fault(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(HEAD + DIVERGES.replace("RATE", "10.0").replace("BATCH", "16"))
    code, shown = corpus.typed("run", "--no-treat", "--out", "out", str(script), cwd=tmp_path)
    assert code == 3, shown
    (capsule,) = (tmp_path / "out").iterdir()
    report = tmp_path / "trial.json"
    code, shown = corpus.typed("trial", *QUICK, "--json", str(report), str(capsule), cwd=tmp_path)
    assert code == 0, shown
    result = json.loads(report.read_bytes())
    assert (result["step"], result["largest_rate"], result["capsule"]) == (1, 0.3, str(capsule))
    assert outcomes(result)[10.0] == "diverges"
    assert "trials from before step" in shown


SECOND = """
first = model_of(keras.optimizers.SGD(0.1))
first.fit(x, y, batch_size=16, epochs=3, verbose=0)
print("loss of the first", first.evaluate(x, y, verbose=0) < 0.01)
second = model_of(keras.optimizers.SGD(10.0))
second.fit(x, y, batch_size=16, epochs=3, verbose=0)
"""


def test_another_fit_than_the_first(tmp_path: Path) -> None:
    """The one before it trains as it is."""
    code, result, shown = tried(tmp_path, SECOND, *QUICK, "--fit", "2")
    assert code == 0, shown
    assert "loss of the first True" in shown
    assert result["own"]["rate"] == 10.0
    code, _, shown = tried(tmp_path, SECOND, "--fit", "3")
    assert code == 2
    assert "before the first step of call 3 of `fit`; it made 2 `fit` calls" in shown


GUARDED = """
import nandoctor
first, second = nandoctor.Guard(quiet=True), nandoctor.Guard()
model_of(keras.optimizers.SGD(0.1)).fit(x, y, epochs=2, verbose=0, callbacks=[first])
print("the guard found", first.result.status)
model_of(keras.optimizers.SGD(10.0)).fit(x, y, batch_size=16, verbose=0, callbacks=[second])
"""


def test_guards_of_the_scripts_own_stand_aside(tmp_path: Path) -> None:
    code, result, shown = tried(tmp_path, GUARDED, *QUICK, "--fit", "2")
    assert code == 0, shown
    assert "the guard found healthy" in shown
    assert result["largest_rate"] == 0.3
    assert not (tmp_path / ".nandoctor").exists()


LOOP = """
import tensorflow as tf
model, optimizer = model_of("sgd"), keras.optimizers.SGD(0.1)
for n in range(FIRST):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x) - y))
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    assert n < 1000
"""


def test_a_loop_of_the_scripts_own_is_told_at_once_that_trials_are_for_fit(tmp_path: Path) -> None:
    code, result, shown = tried(tmp_path, LOOP.replace("FIRST", "10_000"))
    assert (code, result) == (2, {})
    assert shown.count("nandoctor:") == 1
    assert "nandoctor: error: the script trains in a loop of its own. Trials are made of a Keras `fit`" in shown


def test_a_fit_behind_a_loop_can_be_named(tmp_path: Path) -> None:
    body = LOOP.replace("FIRST", "20") + DIVERGES.replace("RATE", "10.0").replace("BATCH", "16")
    code, result, shown = tried(tmp_path, body, *QUICK, "--fit", "1")
    assert code == 0, shown
    assert result["largest_rate"] == 0.3


SPOILT = "x[40, 2] = np.nan\n" + DIVERGES.replace("BATCH,", "16, shuffle=False,").replace("RATE", "0.1")


def test_data_that_is_not_finite_is_not_blamed_on_the_rate(tmp_path: Path) -> None:
    """Row 40 is in the third batch: training breaks there, and the batches so far are those of the trials."""
    code, result, shown = tried(tmp_path, SPOILT, *QUICK)
    assert code == 3, shown
    assert (result["batches"], result["best"], result["largest_rate"]) == (3, None, None)
    assert "Before anything is learnt, at a rate of 0, the loss is nan at batch 3" in result["answer"]


FAR = "x *= 300.0\n" + DIVERGES.replace("RATE", "0.1").replace("BATCH", "16")


def test_inputs_far_from_unit_scale_are_tried_standardised(tmp_path: Path) -> None:
    code, result, shown = tried(tmp_path, FAR, "--steps", "16", "--settings", "8")
    assert code == 0, shown
    scaled = [c for c in result["courses"] if c["setting"]["standardised"] == ["inputs"]]
    assert [c["outcome"] for c in scaled] == ["learns"]
    assert result["answer"].endswith("At the script's own rate it learns with inputs standardised.")


def test_where_nothing_learns_the_exit_code_says_so(tmp_path: Path) -> None:
    body = "y[:] = 0.0\nmodel_of(keras.optimizers.SGD(0.1), lambda a, b: 0.0 * (a - b)).fit(x, y, verbose=0)\n"
    code, result, shown = tried(tmp_path, body, *QUICK)
    assert (code, result["status"], result["best"]) == (3, "healthy", None), shown
    assert "nothing that was tried learns" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--optimizer", "foo"], "--optimizer foo is not known. There are: own, Adadelta,"),
        (["--rate", "-1"], "--rate -1.0 is no number above 0."),
        (["--clip", "tight"], "--clip tight is no number above 0."),
        (["--script", "x.py"], "--script is for a capsule"),
        (["--json", "nowhere/o.json"], "--json nowhere/o.json: there is no folder"),
    ],
)
def test_a_wrong_command_line_runs_nothing(tmp_path: Path, options: list[str], message: str) -> None:
    script = tmp_path / "train.py"
    script.write_text("print('it ran')\n")
    code, shown = corpus.typed("trial", *options, str(script), cwd=tmp_path)
    assert code == 2
    assert message in shown
    assert "it ran" not in shown


def test_a_script_without_a_fit_is_told_what_is_missing(tmp_path: Path) -> None:
    code, result, shown = tried(tmp_path, "sys.exit('no data today')\n")
    assert (code, result) == (2, {})
    assert "it made 0 `fit` calls. It said: no data today. Trials are made of a Keras `fit`" in shown


def test_a_script_that_fails_shows_its_own_error(tmp_path: Path) -> None:
    code, _, shown = tried(tmp_path, "raise ValueError('mine')\n")
    assert code == 2
    assert "ValueError: mine" in shown
    assert "ended with an error (above) before the first step" in shown
    assert "cli/trial.py" not in shown
