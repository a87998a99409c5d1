"""`nandoctor run --on-fault ... --spike K`: an unedited script goes on, and is not called healthy."""

import pathlib

import corpus
import pytest

SCRIPT = """
import sys
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(1)
rng = np.random.default_rng(1)
x = rng.normal(size=(960, 6)).astype("float32")
y = x.sum(axis=1)
kind = sys.argv[1]
if kind == "spike":
    y[640:656] *= 1e4
if kind == "bad":
    x[37] = np.nan
if kind == "worse":
    x[:] = np.nan
model = keras.Sequential([layers.Input((6,)), layers.Dense(1)])
model.compile(keras.optimizers.SGD(1e-2), "mse")
for _ in range(2):
    history = model.fit(x, y, batch_size=16, shuffle=False, verbose=0)
print("the end", np.isfinite(history.history["loss"][-1]), np.isfinite(model.get_weights()[0]).all())
"""


@pytest.fixture
def ran(tmp_path, monkeypatch):
    corpus.preload()
    monkeypatch.chdir(tmp_path)
    script = pathlib.Path("train.py")

    def run(kind, *options):
        script.write_text(SCRIPT.replace("sys.argv[1]", repr(kind)))
        return corpus.run_forked(script, *options)

    return run


def test_the_script_runs_to_its_end_and_the_fault_is_reported_once(ran):
    ended = ran("bad", "--on-fault", "skip", "--html", "page.html")
    assert ended.code == 3, ended.output
    assert "the end True True" in ended.output
    assert ended.output.count("ND101 nonfinite-input") == 1  # of two times that it came
    assert "step 3 (epoch 1, batch 3): the loss was not finite; the step is skipped." in ended.output
    assert "nandoctor: 118 healthy steps watched. What broke is reported above." in ended.output
    assert "nandoctor: the guard has skipped 2 steps." in ended.output
    assert ended.result["status"] == "fault"
    assert ended.result["steps"] == 118
    assert [(a["kind"], a["step"], a["surface"]) for a in ended.result["actions"]] == [("skipped", 3, "loss")] * 2
    assert {d["cause"] for d in ended.result["diagnoses"]} == {"nonfinite-input"}
    text = pathlib.Path("page.html").read_text()
    assert "Step 3 (epoch 1, batch 3): the loss was not finite; the step is skipped." in text


def test_where_skips_repeat_the_script_ends(ran):
    ended = ran("worse", "--on-fault", "skip")
    assert ended.code == 3, ended.output
    assert "the end" not in ended.output
    assert [a["kind"] for a in ended.result["actions"]] == ["skipped"] * 10 + ["stopped"]
    assert ended.output.count("the step is skipped") == 4  # the first three, and the tenth


def test_without_the_option_the_script_ends_at_the_fault(ran):
    ended = ran("bad")
    assert ended.code == 3
    assert "the end" not in ended.output
    assert ended.result["actions"] == []


@pytest.mark.parametrize(
    ("policy", "kind", "goes_on"),
    [("skip", "skipped", True), ("rollback", "rolled-back", True), ("stop", "stopped", False)],
)
def test_a_spike_is_a_fault_of_the_policy(ran, policy, kind, goes_on):
    ended = ran("spike", "--on-fault", policy, "--spike", "20", "--html", "page.html")
    assert ended.code == 3, ended.output
    assert ("the end" in ended.output) is goes_on
    assert ended.result["actions"][0]["kind"] == kind
    assert ended.result["actions"][0]["surface"] == "spike"
    assert ended.result["actions"][0]["step"] == 41
    assert ended.result["diagnoses"] == []
    assert "interrupted" not in ended.output
    assert "a spike, its loss was" in pathlib.Path("page.html").read_text()


def test_a_healthy_script_is_healthy_under_every_policy(ran):
    ended = ran("healthy", "--on-fault", "treat", "--spike", "50")
    assert ended.code == 0, ended.output
    assert "nandoctor: healthy. 120 steps watched" in ended.output
    assert ended.result["actions"] == []
