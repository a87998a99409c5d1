"""Tools as commands: what they answer, and what becomes of one that hangs or fails."""

import shlex
import sys

import pytest

from nandoctor.clinic.benchmark.tools import PEERS, PYTHON, Tool, ask

SPEAKS = """
import json, sys
answer = {"diagnoses": [{"cause": "log-of-zero", "location": {"file": sys.argv[2], "line": 7}, "samples": [3],
          "treatments": [{"verification": %s}]}]}
json.dump(answer, open(sys.argv[1], "w"))
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text("print('training')\n")
    return path


def tool(tmp_path, text):
    path = tmp_path / "tool with a space.py"
    path.write_text(text)
    return Tool("tool", f"{PYTHON} {shlex.quote(str(path))} {{json}} {{script}}")


def test_a_diagnosis_is_read_from_what_the_command_wrote(script, tmp_path):
    answer = ask(tool(tmp_path, SPEAKS % '{"finite": true, "gradients_finite": true}'.replace("true", "True")), script)
    assert (answer.fault, answer.cause, answer.line, answer.samples) == (True, "log-of-zero", 7, (3,))
    assert answer.proven is True
    assert answer.trouble is None


def test_a_treatment_that_left_the_gradients_bad_is_not_proven(script, tmp_path):
    assert ask(tool(tmp_path, SPEAKS % '{"finite": True, "gradients_finite": False}'), script).proven is False
    assert ask(tool(tmp_path, SPEAKS % "None"), script).proven is False


def test_a_line_in_another_file_is_not_the_scripts(script, tmp_path):
    text = (SPEAKS % "None").replace("sys.argv[2]", "'/somewhere/keras/losses.py'")
    assert ask(tool(tmp_path, text), script).line is None


def test_a_command_that_hangs_is_killed_with_what_it_started(script, tmp_path):
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    answer = ask(tool(tmp_path, child), script, limit=1.0)
    assert answer.trouble == "killed after 1 s"
    assert answer.seconds < 30


def test_a_command_without_an_answer_is_trouble_and_no_silence(script, tmp_path):
    assert "no answer that can be read" in ask(tool(tmp_path, "raise SystemExit(1)"), script).trouble
    broken = "import sys; open(sys.argv[1], 'w').write('{')"
    assert "no answer that can be read" in ask(tool(tmp_path, broken), script).trouble


FAULTY = """
import keras, numpy as np, tensorflow as tf
keras.utils.set_random_seed(0)
x = np.linspace(0.0, 1.0, 8, dtype="float32")[:, None]
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
def loss(y_true, y_pred):
    return tf.math.log(y_pred)
model.compile("sgd", loss)
model.fit(x, x, shuffle=False, verbose=0)
"""


def test_the_peers_see_a_fault_and_only_check_numerics_its_line(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(FAULTY)
    answers = {peer.name: ask(peer, script) for peer in PEERS}
    assert [(a.fault, a.cause, a.trouble) for a in answers.values()] == [(True, None, None)] * 2
    assert answers["TerminateOnNaN"].line is None
    assert answers["check_numerics"].line == 7


def test_the_peers_are_silent_on_a_healthy_training(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(FAULTY.replace("tf.math.log(y_pred)", "tf.square(y_pred - y_true)"))
    assert [ask(peer, script).fault for peer in PEERS] == [False, False]


def test_python_is_this_one():
    assert shlex.split(PYTHON) == [sys.executable]
