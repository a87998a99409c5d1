"""A capsule on disk is whole or absent, and its owner's alone."""

import hashlib
import json
import os
import stat
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import ml_dtypes
import msgspec
import numpy as np
import pytest
import safetensors.numpy
from capsules import ARRAYS, STATE, capsule, folders, result

from nandoctor.findings import Fact, StepRecord, result_from_json
from nandoctor.watch.reading import read_capsule
from nandoctor.watch.store import ABANDONED, write_capsule


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
        "snapshots.safetensors",
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
from nandoctor.watch.snapshots import Snapshot
from nandoctor.watch.reading import read_capsule
from nandoctor.watch.store import ABANDONED, write_capsule

arrays = {str(n): np.full(5_000, n) for n in range(20)}  # 0.8 MB, and four times that in a capsule
batch = Batch(arrays, dict)
caught = Capsule(1, 0, 0, "loss", batch, (batch,), arrays, (Snapshot(1, arrays),), ())
def write():
    return write_capsule(caught, Result(command="run", status="fault"), Path(sys.argv[1])).capsule

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
    whole, left = folders(tmp_path), list(tmp_path.glob(".writing-*"))
    assert len(whole) + len(left) == len(list(tmp_path.iterdir()))
    assert len(whole) > 1
    assert left, "no writer was killed while it wrote: the test shows nothing"
    for folder in whole:
        assert differing(folder) == set()
        assert read_capsule(folder).state.keys() == {str(n) for n in range(20)}
    again(tmp_path)
    assert set(tmp_path.glob(".writing-*")) == set(left)  # a minute old: their writers may be alive
    for folder in left:
        age(folder, 2 * ABANDONED)
    again(tmp_path)
    assert list(tmp_path.glob(".writing-*")) == []
    assert set(whole) < set(folders(tmp_path))


def again(out):
    assert write_capsule(capsule(), result(), out).capsule is not None


def age(folder, seconds):
    then = time.time() - seconds
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (then, then))


def test_a_writer_that_is_still_at_it_is_left_alone(tmp_path):
    """Its folder is old; the file that it writes just now is not."""
    slow, link, user = tmp_path / ".writing-slow", tmp_path / ".writing-link", tmp_path / "of the user"
    (slow / "source").mkdir(parents=True)
    (slow / "source" / "0-train.py").write_text("")
    user.mkdir()
    (user / "thesis.txt").write_text("")
    for folder in (slow, user):
        age(folder, 2 * ABANDONED)
    link.symlink_to(user)
    os.utime(slow / "source" / "0-train.py")
    again(tmp_path)
    assert (slow / "source" / "0-train.py").exists()
    assert (user / "thesis.txt").exists()
    age(slow, 2 * ABANDONED)
    again(tmp_path)
    assert not slow.exists()
    assert (user / "thesis.txt").exists()


def no_capsule(out, message):
    """One warning, the result as it was, and nothing left half-written."""
    before = set(out.rglob("*")) if out.is_dir() else None
    with pytest.warns(RuntimeWarning, match=message) as caught:
        assert write_capsule(capsule(), result(), out) == result()
    assert len(caught) == 1
    assert before is None or set(out.rglob("*")) == before


def test_a_full_disk(tmp_path):
    """A file system of its own, of 64 KiB, that other files have filled up to 8 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small file system here")
    try:
        (disk / "other.bin").write_bytes(b"x" * (56 << 10))
        no_capsule(disk, r"^nandoctor: no capsule was written to .*disk: No space left on device\.$")
        (disk / "other.bin").unlink()
        again(disk)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_limit_on_the_size_of_files(tmp_path):
    """As `ulimit -f` sets it. The signal that comes with it is ignored, as Python does by itself."""
    code = (
        "import resource, sys; from pathlib import Path; sys.path[:0] = sys.argv[1:2];"
        "from test_store import no_capsule;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600));"
        "no_capsule(Path(sys.argv[2]), 'no capsule was written to .*: File too large')"
    )
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    here = str(Path(__file__).parent)
    subprocess.run(
        [sys.executable, "-c", code, here, str(tmp_path)], check=True, env={**os.environ, "PYTHONPATH": paths}
    )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir(mode=0o500)
    if os.geteuid() == 0:  # whom no mode keeps out
        monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    no_capsule(out, r"^nandoctor: no capsule was written to .*out: Permission denied\.$")


def refuse(*arguments, **options):
    raise PermissionError(13, "Permission denied")


def test_a_link_that_leads_nowhere(tmp_path):
    (tmp_path / "out").symlink_to(tmp_path / "gone" / "away")
    no_capsule(tmp_path / "out", r"^nandoctor: no capsule was written to .*out: ")
