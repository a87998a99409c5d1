"""However a script ends, the finding is not lost: by `os._exit`, in a thread, in another folder, or interrupted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import corpus
import pytest

TRAINING = """\
import os
import threading

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(1)
x = np.random.default_rng(0).normal(size=(48, 4)).astype("float32")
y = np.ones((48, 1), "float32")
{spoil}

def loss_fn(target, output):
    {first}
    return tf.reduce_mean(tf.math.log(target))  - tf.reduce_mean(tf.square(output))


model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
model.compile("sgd", loss_fn)


def train():
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)


"""

SPOIL = "y[19] = 0.0"
CUT = "if tf.executing_eagerly(): raise KeyboardInterrupt"


def run(tmp_path: Path, end: str, *options: str, spoil: str = SPOIL, first: str = "pass") -> tuple[int, Any, str]:
    """The exit code, the JSON that was asked for by a relative name, and what was shown."""
    (tmp_path / "train.py").write_text(TRAINING.format(spoil=spoil, first=first) + end)
    code, shown = corpus.typed("run", "--no-treat", "--json", "found.json", *options, "train.py", cwd=tmp_path)
    report = tmp_path / "found.json"
    return code, json.loads(report.read_bytes()) if report.is_file() else None, shown


@pytest.fixture(scope="module", autouse=True)
def _preloaded() -> None:
    corpus.preload()


ENDS = {
    "os._exit": "try:\n    train()\nfinally:\n    os._exit(0)\n",
    "thread": "thread = threading.Thread(target=train)\nthread.start()\nthread.join()\n",
    "elsewhere": "os.mkdir('there')\nos.chdir('there')\ntrain()\n",
}


@pytest.mark.parametrize("end", ENDS)
def test_a_fault_is_reported_however_the_script_ends(tmp_path: Path, end: str) -> None:
    code, found, shown = run(tmp_path, ENDS[end])
    assert code == 3, shown
    assert found["status"] == "fault"
    assert (found["diagnoses"][0]["cause"], found["diagnoses"][0]["step"]) == ("log-of-zero", 3)
    assert "Traceback" not in shown
    assert "StopRun" not in shown
    (capsule,) = (tmp_path / ".nandoctor").iterdir()
    assert f".nandoctor/{capsule.name}/report.html" in shown


def test_a_healthy_script_that_leaves_without_ado_keeps_its_code_and_its_line(tmp_path: Path) -> None:
    code, found, shown = run(tmp_path, "train()\nprint('bye', flush=True)\nos._exit(7)\n", spoil="")
    assert code == 7
    assert "bye" in shown
    assert found["steps"] == 6


def test_a_child_that_leaves_reports_nothing(tmp_path: Path) -> None:
    end = "pid = os.fork()\nif pid == 0:\n    os._exit(5)\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    code, found, shown = run(tmp_path, end, spoil="")
    assert (code, shown.splitlines()[0], shown.count("nandoctor:")) == (0, "5", 1)
    assert found["status"] == "healthy"


def test_who_does_not_wait_for_the_diagnosis_is_told_of_the_fault(tmp_path: Path) -> None:
    code, found, shown = run(tmp_path, "train()\n", first=CUT)
    assert code == 3, shown
    assert (found["status"], found["diagnoses"], found["steps"]) == ("fault", [], 2)
    assert found["notes"] == ["finding out why was interrupted"]
    assert "Traceback" not in shown
    assert not list(tmp_path.glob(".nandoctor/*"))


def test_a_file_that_cannot_be_written_in_the_end_hides_no_fault(tmp_path: Path) -> None:
    code, _, shown = run(tmp_path, "os.mkdir('found.json')\ntrain()\n")
    assert code == 3, shown
    assert "--json" in shown
    assert "ND201 log-of-zero" in shown


def test_a_model_that_was_saved_is_loaded_compiled_as_it_was(tmp_path: Path) -> None:
    end = """
model.compile("sgd", "mse", metrics=["mae"])
train()
model.save("model.keras")
again = keras.models.load_model("model.keras")
again.fit(x, y, batch_size=8, verbose=0)
print(type(again.optimizer).__name__, sorted(again.evaluate(x, y, verbose=0, return_dict=True)))
"""
    code, found, shown = run(tmp_path, end)
    assert code == 0, shown
    assert "SGD ['loss', 'mae']" in shown
    assert "compile" not in shown
    assert found["steps"] == 12
