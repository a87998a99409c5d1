"""A capsule on disk is whole or absent, and its owner's alone."""

import hashlib
import json
import os
import stat
import subprocess
import sys
import warnings

import ml_dtypes
import msgspec
import numpy as np
import pytest
import safetensors.numpy

from nandoctor.findings import Diagnosis, Fact, Location, Result, StepRecord, result_from_json
from nandoctor.frameworks.protocol import Batch
from nandoctor.watch.capsule import Capsule
from nandoctor.watch.store import write_capsule

STATE = {
    "weight dense/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "weight half": np.ones(3, np.float16),
    "weight brain": np.ones(3, ml_dtypes.bfloat16),
    "weight phase": np.array([1 + 2j], np.complex64),
    "state iterations": np.int64(7).reshape(()),
    "state seen": np.array([True, False]),
    "state empty": np.zeros((0, 4), np.float32),
    "state transposed": np.arange(6.0).reshape(2, 3).T,
}
ARRAYS = {"input[0]": np.array([[np.nan, 1.0]]), "target[0]": np.array([1])}


def capsule(step=12, state=STATE):
    return Capsule(
        step=step,
        epoch=1,
        batch_index=4,
        surface="loss",
        batch=Batch(ARRAYS, lambda arrays: arrays),
        recent=(),
        state=state,
        snapshots=(),
        history=(StepRecord(step=11, epoch=1, batch=3, loss="inf"), StepRecord(step=10, epoch=1, batch=2, loss=0.5)),
    )


def result(file="train.py"):
    place = Location(file=str(file), line=1)
    diagnosis = Diagnosis(
        cause="log-of-zero",
        code="ND201",
        title="Logarithm of zero",
        phase="forward",
        step=12,
        epoch=1,
        batch=4,
        summary="`log(p)` is -inf.",
        location=place,
        surfaced=place,
        origin=None,
        chain=(),
        samples=(0,),
        batch_size=1,
        evidence=(),
        confidence=0.9,
        alternatives=(),
        treatments=(),
    )
    return Result(command="run", status="fault", diagnoses=(diagnosis,))


def folders(out):
    return sorted(path for path in out.iterdir() if not path.name.startswith(".writing-"))


def differing(folder):
    """The names of files that are missing, not listed, or not what the manifest says."""
    listed = json.loads((folder / "manifest.json").read_bytes())["files"] if (folder / "manifest.json").exists() else {}
    found = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json"}
    same = {n for n, p in found.items() if hashlib.sha256(p.read_bytes()).hexdigest() == listed.get(n)}
    return (set(listed) | set(found) | {"manifest.json"} if not listed else set(listed) | set(found)) - same


def test_a_capsule_holds_what_was_caught(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("loss = log(p)\n")
    written = write_capsule(capsule(), result(script), tmp_path / "out")
    (folder,) = folders(tmp_path / "out")
    assert written.capsule == str(folder)
    assert folder.name.endswith("-step12")
    assert result_from_json((folder / "diagnosis.json").read_bytes()) == written
    lines = (folder / "history.jsonl").read_bytes().splitlines()
    assert tuple(msgspec.json.decode(line, type=StepRecord) for line in lines) == capsule().history
    assert [p.read_text() for p in (folder / "source").iterdir()] == ["loss = log(p)\n"]
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert (manifest["step"], manifest["epoch"], manifest["batch"], manifest["surface"]) == (12, 1, 4, "loss")
    assert differing(folder) == set()


@pytest.mark.parametrize("name", STATE)
def test_an_array_comes_back_as_it_was(tmp_path, name):
    write_capsule(capsule(), result(), tmp_path)
    (folder,) = folders(tmp_path)
    saved = safetensors.numpy.load_file(folder / "state.safetensors")
    assert (saved[name].shape, saved[name].dtype) == (STATE[name].shape, STATE[name].dtype)
    np.testing.assert_array_equal(saved[name], STATE[name])


def test_the_batch_is_kept_with_its_nan(tmp_path):
    write_capsule(capsule(), result(), tmp_path)
    (folder,) = folders(tmp_path)
    saved = safetensors.numpy.load_file(folder / "batch.safetensors")
    assert saved.keys() == ARRAYS.keys()
    np.testing.assert_array_equal(saved["input[0]"], ARRAYS["input[0]"])


def test_without_keep_batch_no_file_holds_it(tmp_path):
    write_capsule(capsule(), result(), tmp_path, keep_batch=False)
    (folder,) = folders(tmp_path)
    assert sorted(p.name for p in folder.iterdir()) == [
        "diagnosis.json",
        "history.jsonl",
        "manifest.json",
        "source",
        "state.safetensors",
    ]


def test_a_further_file_lies_in_the_capsule_and_is_listed(tmp_path):
    write_capsule(capsule(), result(), tmp_path, extra={"report.html": b"<!doctype html>"})
    (folder,) = folders(tmp_path)
    assert (folder / "report.html").read_bytes() == b"<!doctype html>"
    assert "report.html" in json.loads((folder / "manifest.json").read_bytes())["files"]
    assert differing(folder) == set()


def test_only_the_owner_can_look_into_a_capsule(tmp_path):
    before = os.umask(0)
    try:
        write_capsule(capsule(), result(), tmp_path)
    finally:
        os.umask(before)
    (folder,) = folders(tmp_path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_two_faults_at_the_same_step_have_two_folders(tmp_path):
    names = [write_capsule(capsule(), result(), tmp_path).capsule for _ in range(3)]
    assert sorted(names) == sorted({str(p) for p in folders(tmp_path)})
    assert len(set(names)) == 3


def test_a_folder_that_cannot_be_made_is_one_warning(tmp_path):
    out = tmp_path / "taken"
    out.write_text("a file of the user")
    with pytest.warns(RuntimeWarning, match=r"^nandoctor: no capsule was written to .*taken: File exists\.$") as caught:
        assert write_capsule(capsule(), result(), out) == result()
    assert len(caught) == 1
    assert out.read_text() == "a file of the user"


def test_a_failure_half_way_leaves_nothing(tmp_path, monkeypatch):
    def full(*paths):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.warns(RuntimeWarning, match="No space left on device"):
        assert write_capsule(capsule(), result(), tmp_path).capsule is None
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_saved_costs_no_diagnosis(tmp_path):
    odd = {**STATE, "state odd": np.zeros(2, ml_dtypes.int4)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        written = write_capsule(capsule(state=odd), result(), tmp_path)
    assert written.diagnoses == result().diagnoses
    assert all(differing(folder) == set() for folder in folders(tmp_path))
    assert {w.category for w in caught} <= {RuntimeWarning}


def test_a_fact_that_json_cannot_hold_costs_no_diagnosis(tmp_path):
    (found,) = result().diagnoses
    odd = msgspec.structs.replace(found, evidence=(Fact(text="odd", values={"rows": np.int64(3)}),))
    caught = msgspec.structs.replace(result(), diagnoses=(odd,))
    with pytest.warns(RuntimeWarning, match="^nandoctor: no capsule was written to "):
        assert write_capsule(capsule(), caught, tmp_path) == caught
    assert list(tmp_path.iterdir()) == []


_WRITER = """
import os, random, signal, sys, time
import numpy as np
from pathlib import Path
from nandoctor.findings import Result
from nandoctor.frameworks.protocol import Batch
from nandoctor.watch.capsule import Capsule
from nandoctor.watch.store import write_capsule

arrays = {str(n): np.full(2_000, n) for n in range(20)}
caught = Capsule(1, 0, 0, "loss", Batch(arrays, dict), (), arrays, (), ())
def write():
    write_capsule(caught, Result(command="run", status="fault"), Path(sys.argv[1]))

started = time.perf_counter()
write()
takes = time.perf_counter() - started
for turn in range(40):
    pid = os.fork()
    if pid == 0:
        while True:
            write()
    time.sleep(random.uniform(0.0, 2 * takes))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
"""


def test_a_killed_writer_leaves_whole_capsules_only(tmp_path):
    subprocess.run([sys.executable, "-W", "ignore", "-c", _WRITER, str(tmp_path)], check=True, timeout=120)
    whole = folders(tmp_path)
    assert len(list(tmp_path.iterdir())) > len(whole) > 1, "no writer was killed while it wrote: the test shows nothing"
    assert {folder.name: differing(folder) for folder in whole if differing(folder)} == {}
