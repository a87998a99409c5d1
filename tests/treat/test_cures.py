"""Known false cures are offered to the verifier, and refused, each for its reason; the true one holds."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
from pathlib import Path

import corpus
import msgspec
import pytest

from nandoctor.treat.attempt import Attempt, Order
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.treating import Fault, Limits, Tried, tried
from nandoctor.watch.reading import read_capsule

SCRIPTS = Path(__file__).parent / "cures"

NOT_FINITE = "the loss is finite, and [0-9]+ of [0-9]+ gradients are still not"
STILL = "the loss is still (nan|inf)"
COMPILED = "run from its start, the gradient is still not finite at step 3"
DEAD = "it stops learning"

CLIPPED_LOGS = "-tf.reduce_mean(y_true * tf.clip_by_value(tf.math.log(p), 1e-6, 1.0) + (1.0 - y_true) * {})".format(
    "tf.clip_by_value(tf.math.log(1.0 - p), 1e-6, 1.0)"
)
ENTROPY = "-tf.reduce_mean(y_true * tf.math.log(p) + (1.0 - y_true) * tf.math.log(1.0 - p))"
NAN_LOSS = f"(lambda loss: tf.where(tf.math.is_nan(loss), 0.0, loss))({ENTROPY})"
NAN_MEAN = (
    "(lambda rows: tf.reduce_mean(tf.boolean_mask(rows, tf.math.is_finite(rows))))"
    "(-(y_true * tf.math.log(p) + (1.0 - y_true) * tf.math.log(1.0 - p)))"
)
DISTANCE = "tf.sqrt(tf.reduce_sum(tf.square(a - b), axis=1, keepdims=True))"

FALSE = {
    "clamp to [-1, 1] before acos": ("angle", "acos(cosine)", "acos(tf.clip_by_value(cosine, -1.0, 1.0))", NOT_FINITE),
    "clip of log(p) to [1e-6, 1]": ("entropy", ENTROPY, CLIPPED_LOGS, DEAD),
    "nan_to_num after the op": ("distance", DISTANCE, f"keras.ops.nan_to_num({DISTANCE})", NOT_FINITE),
    "minimum(rsqrt(s), 1/eps)": ("direction", "tf.math.rsqrt(s)", "tf.minimum(tf.math.rsqrt(s), 1e6)", COMPILED),
    "where(b == 0, 0, a / b)": ("ratio", "return a / b", "return tf.where(b == 0.0, 0.0, a / b)", NOT_FINITE),
    "the epsilon outside the root": ("distance", DISTANCE, f"{DISTANCE} + 1e-7", NOT_FINITE),
    "an epsilon of 1e-12 in float16": ("half", "tf.math.log(p)", "tf.math.log(p + 1e-12)", STILL),
    "gradient clipping for a NaN gradient": ("distance", "SGD(0.05)", "SGD(0.05, clipnorm=1.0)", NOT_FINITE),
    "where(isnan(loss), 0, loss)": ("entropy", ENTROPY, NAN_LOSS, NOT_FINITE),
    "finfo.tiny as epsilon": ("ratio", "a / b", "a / (b + np.finfo(np.float32).tiny)", STILL),
    "nanmean of the loss": ("entropy", ENTROPY, NAN_MEAN, NOT_FINITE),
    "a one-sided clip for a two-sided log": (
        "entropy",
        "    return -tf",
        "    p = tf.maximum(p, 1e-7)\n    return -tf",
        STILL,
    ),
}

TRUE = {
    "angle": ("acos(cosine)", "acos(tf.clip_by_value(cosine, -1.0 + 1e-6, 1.0 - 1e-6))"),
    "entropy": ("    return -tf", "    p = tf.clip_by_value(p, 1e-7, 1.0 - 1e-7)\n    return -tf"),
    "distance": (DISTANCE, DISTANCE.replace("tf.reduce_sum(", "tf.maximum(1e-12, tf.reduce_sum(") + ")"),
    "direction": ("tf.math.rsqrt(s)", "tf.math.rsqrt(tf.maximum(s, 1e-12))"),
    "ratio": ("a / b", "tf.math.divide_no_nan(a, b)"),
    "half": ("tf.math.log(p)", "tf.math.log(tf.maximum(p, 1e-4))"),
}


FORKING = threading.Lock()
"""Attempts are asked for by threads; a fork while another one holds some lock would never see it free again."""


def run_forked(order: Order) -> Attempt:
    """One attempt in a fork of this process, which has imported TensorFlow already and not used it."""
    from nandoctor.cli.attempting import attempt

    with FORKING, tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer"
        pid = os.fork()
        if pid == 0:
            _silently(lambda: attempt(order, answer))
        os.waitpid(pid, 0)
        return msgspec.msgpack.decode(answer.read_bytes(), type=Attempt)


def _silently(work: object) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    try:
        work()  # type: ignore[operator]
    finally:
        os._exit(0)


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Fault]:
    """The capsule of each script, made when it is first asked for."""
    corpus.preload()
    home = tmp_path_factory.mktemp("cures")

    class Made(dict):  # type: ignore[type-arg]
        def __missing__(self, name: str) -> Fault:
            script = home / f"{name}.py"
            shutil.copyfile(SCRIPTS / script.name, script)
            code, shown = corpus.typed("run", "--no-treat", "--out", str(home / name), str(script), cwd=home)
            assert code == 3, shown
            (folder,) = (home / name).iterdir()
            stored = read_capsule(folder)
            assert stored.manifest.started is not None
            self[name] = Fault(stored, stored.manifest.started)
            return self[name]

    return Made()


def offered(fault: Fault, old: str, new: str) -> Tried:
    """What comes of a change of the script."""
    path = fault.script
    assert path is not None
    text = Path(path).read_text()
    assert text.count(old) == 1, f"{old!r} is not one place of {path}"
    proposal = Proposal("offered", "A change is offered.", {path: text.replace(old, new)}, {path: text}, safe=True)
    (found,) = tried(fault, [proposal], run_forked, Limits(each=2.0), lambda stage: None)
    return found


@pytest.mark.xdist_group("cures")
@pytest.mark.parametrize("name", FALSE)
def test_a_false_cure_is_refused_for_its_reason(name: str, faults: dict[str, Fault]) -> None:
    script, old, new, reason = FALSE[name]
    verification = offered(faults[script], old, new).verification
    assert not verification.holds
    assert verification.why is not None
    assert re.match(reason, verification.why), verification.why


@pytest.mark.xdist_group("cures")
@pytest.mark.parametrize("script", TRUE)
def test_the_true_cure_holds_and_leaves_healthy_batches_alone(script: str, faults: dict[str, Fault]) -> None:
    found = offered(faults[script], *TRUE[script])
    assert found.verification.holds, found.verification
    assert found.verification.whole
    assert found.verification.healthy_unchanged
    assert found.treatment.safety == "safe"
    assert found.verification.steps_replayed >= 20
