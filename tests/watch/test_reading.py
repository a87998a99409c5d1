"""A capsule is read back bit for bit, or refused with the file, what was found and what to do."""

import dataclasses
import hashlib
import json
import math
import os
import re
import struct
import sys

import ml_dtypes
import msgspec
import numpy as np
import pytest
import safetensors.numpy
from capsules import ARRAYS, STATE, capsule, folders, result

from nandoctor.errors import CapsuleError
from nandoctor.findings import real
from nandoctor.frameworks.protocol import Batch
from nandoctor.frameworks.reading import ValidationReading
from nandoctor.frameworks.rendezvous import Rendezvous
from nandoctor.watch import reading, store
from nandoctor.watch.reading import read_capsule
from nandoctor.watch.snapshots import Snapshot
from nandoctor.watch.started import rerun, started_by_run
from nandoctor.watch.store import write_capsule

ODD = {
    **STATE,
    "weight float8": np.array([1.5, -2.0], ml_dtypes.float8_e4m3fn),
    "state nan bits": np.array([0x7FC00001, 0xFFC00000, 0x80000000], np.uint32).view(np.float32),
    "state big endian": np.array([1.0, 2.0], ">f8"),
    "state none": np.zeros((0, 3), ml_dtypes.bfloat16),
    'state \u00fc/\u4e2d with "quotes" and\nlines': np.arange(3, dtype=np.uint8),
    "": np.int8(-1).reshape(()),
}


@pytest.fixture
def folder(tmp_path):
    write_capsule(capsule(), result(__file__), tmp_path)
    (made,) = folders(tmp_path)
    return made


def reseal(folder, **changes):
    """Make the manifest vouch for what the folder holds now."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    for name in list(manifest["files"]):
        manifest["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(json.dumps({**manifest, **changes}))


def listing(folder, name, digest="0" * 64):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["files"][name] = digest
    path.write_text(json.dumps(manifest))


def refused(folder, message):
    with pytest.raises(CapsuleError, match=message) as caught:
        read_capsule(folder)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


# -- what is written comes back -------------------------------------------------------------------


def test_all_comes_back(tmp_path):
    earlier = (Snapshot(1, STATE), Snapshot(9, {"weight dense/kernel": np.zeros(2)}))
    batches = (Batch({"input[0]": np.ones(2)}, dict), Batch({"input[0]": np.zeros(3)}, dict))
    whole = dataclasses.replace(capsule(), snapshots=earlier, recent=batches)
    written = write_capsule(whole, result(), tmp_path)
    read = read_capsule(written.capsule)
    assert read.diagnosis == written
    assert read.history == whole.history
    assert (read.manifest.step, read.manifest.surface, read.manifest.left_out) == (12, "loss", ())
    assert [s.step for s in read.snapshots] == [1, 9]
    assert read.snapshots[0].state.keys() == STATE.keys()
    assert [b["input[0]"].tolist() for b in read.recent] == [[1.0, 1.0], [0.0, 0.0, 0.0]]
    assert read.batch.keys() == ARRAYS.keys()


def test_what_a_validation_read_comes_back(tmp_path):
    read = ValidationReading("val_loss", math.nan, 4)
    caught = dataclasses.replace(capsule(), surface="validation", validation=read)
    manifest = read_capsule(write_capsule(caught, result(), tmp_path).capsule).manifest
    assert (manifest.validation.loss, math.isnan(real(manifest.validation.value))) == ("val_loss", True)
    assert (manifest.error, manifest.rerun) == (None, None)


def test_the_beginning_of_an_error_comes_back(tmp_path):
    caught = dataclasses.replace(capsule(), surface="error", error="label 9 " * 10_000)
    manifest = read_capsule(write_capsule(caught, result(), tmp_path).capsule).manifest
    assert manifest.error == ("label 9 " * 10_000)[:4000]


def test_where_a_loop_broke_comes_back(tmp_path):
    """The history has its file, and JSON has no infinity."""
    losses = ((1, 0.5), (2, math.inf), (3, math.nan), (4, -1.25))
    where = Rendezvous(event=5, previous=4, eager_from=3, surface="loss", step=5, losses=losses)
    with started_by_run("train.py", ["--depth", "2"], module=False):
        again = rerun(msgspec.structs.replace(where, history=capsule().history), (1 << 63) - 1)
    written = write_capsule(capsule(), result(__file__), tmp_path, started=again)
    manifest = read_capsule(written.capsule).manifest
    assert manifest.rerun.rendezvous == msgspec.structs.replace(where, losses=((1, 0.5), (4, -1.25)))
    assert (manifest.rerun.entropy, manifest.rerun.started.arguments) == ((1 << 63) - 1, ("--depth", "2"))
    assert manifest.rerun.started.target == os.path.abspath("train.py")
    assert manifest.started is None  # an older nandoctor would take it for a `fit`
    assert manifest.sources


def test_a_capsule_of_an_older_nandoctor_is_read(folder):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    for name in ("validation", "error", "rerun"):
        assert manifest.pop(name) is None
    path.write_text(json.dumps(manifest))
    read = read_capsule(folder).manifest
    assert (read.validation, read.error, read.rerun) == (None, None, None)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("error", "x" * 4001, "Expected `str` of length <= 4000"),
        ("validation", {"loss": "x" * 4001, "value": 1.0}, "Expected `str` of length <= 4000"),
        ("validation", {"loss": "loss", "value": "big"}, "Invalid enum value"),
        ("rerun", {"entropy": 1}, "missing required field"),
    ],
)
def test_a_manifest_with_more_in_it_than_there_can_be_is_refused(folder, field, value, message):
    reseal(folder, **{field: value})
    refused(folder, rf"manifest\.json is not what nandoctor writes: .*{message}")


@pytest.mark.parametrize("name", ODD)
def test_an_array_comes_back_to_the_bit(tmp_path, name):
    read = read_capsule(write_capsule(capsule(state=ODD), result(), tmp_path).capsule)
    array, then = read.state[name], np.ascontiguousarray(ODD[name]).reshape(ODD[name].shape)
    assert array.shape == then.shape
    assert array.dtype == then.dtype.newbyteorder("=")
    assert array.tobytes() == then.astype(array.dtype).tobytes()


@pytest.mark.parametrize(
    "array", [np.zeros(2, ml_dtypes.int4), np.zeros(2, np.complex128), np.array(["text"]), np.array([object()])]
)
def test_what_the_format_cannot_hold_is_named(tmp_path, array):
    read = read_capsule(write_capsule(capsule(state={**STATE, "weight odd": array}), result(), tmp_path).capsule)
    assert read.manifest.left_out == ("weight odd",)
    assert read.state.keys() == STATE.keys()


def test_snapshots_beyond_the_room_are_left_out(tmp_path, monkeypatch):
    size = sum(a.nbytes for a in STATE.values())
    monkeypatch.setattr(store, "SNAPSHOT_BYTES", 2 * size)
    whole = dataclasses.replace(capsule(), snapshots=tuple(Snapshot(n, STATE) for n in (1, 5, 9)))
    read = read_capsule(write_capsule(whole, result(), tmp_path).capsule)
    assert [s.step for s in read.snapshots] == [1, 5]


def test_without_the_batch_there_is_none(tmp_path):
    whole = dataclasses.replace(capsule(), recent=(Batch({"input[0]": np.ones(2)}, dict),))
    read = read_capsule(write_capsule(whole, result(), tmp_path, keep_batch=False).capsule)
    assert (read.batch, read.recent) == (None, ())


def test_a_note_of_the_user_and_a_rename_do_no_harm(folder, tmp_path):
    (folder / "note.txt").write_text("the one of Monday")
    folder.rename(tmp_path / "monday")
    assert read_capsule(tmp_path / "monday").manifest.step == 12


# -- what is refused ------------------------------------------------------------------------------


def test_what_is_no_capsule(folder, tmp_path):
    refused(tmp_path / "nosuch", r"nosuch does not exist\. Name the folder of a capsule")
    refused(folder / "manifest.json", r"manifest\.json is a file\. Name the folder")
    refused(tmp_path, rf"has no manifest\.json, so it is no capsule\. There are capsules in it: {folder.name}\.")


@pytest.mark.parametrize("name", ["state.safetensors", "batch.safetensors", "history.jsonl", "diagnosis.json"])
def test_a_file_cut_short(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1])
    refused(folder, rf"{name} has the SHA-256 [0-9a-f]{{16}}\.\.\., manifest\.json says '.*damaged or changed")


def test_a_source_that_was_changed(folder):
    (source,) = (folder / "source").iterdir()
    source.write_text("import os\n")
    refused(folder, r"0-test_reading\.py has the SHA-256")


def test_a_manifest_cut_short(folder):
    path = folder / "manifest.json"
    path.write_bytes(path.read_bytes()[:-40])
    refused(folder, r"manifest\.json is not what nandoctor writes: Input data was truncated")


@pytest.mark.parametrize("name", ["state.safetensors", "batch.safetensors", "source/0-test_reading.py"])
def test_a_file_that_is_gone(folder, name):
    (folder / name).unlink()
    refused(folder, rf"{name} is listed in manifest\.json and not there")


def test_a_needed_file_that_is_not_listed(folder):
    manifest = json.loads((folder / "manifest.json").read_bytes())
    del manifest["files"]["history.jsonl"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "history.jsonl").unlink()
    refused(folder, r"manifest\.json does not list history\.jsonl")


@pytest.mark.parametrize("name", ["batch.safetensors", "more.safetensors", "more.json"])
def test_a_file_that_nobody_vouches_for(folder, name):
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"].pop(name, None)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / name).touch()
    refused(folder, rf"{name} is not listed in manifest\.json")


def test_a_newer_schema_says_which_nandoctor(folder):
    reseal(folder, schema=2, packages={"nandoctor": "3.1.4"}, files="of another shape")
    refused(folder, r"has the schema 2, written by nandoctor '3\.1\.4'; this is nandoctor .* pip install --upgrade")


def test_no_schema_of_ours(folder):
    reseal(folder, schema=0)
    refused(folder, r"has the schema 0; there is none below 1")


@pytest.mark.parametrize(
    "changes",
    [
        {"step": "12"},
        {"step": None},
        {"step": -1},
        {"files": {"state.safetensors": 5}},
        {"files": []},
        {"started": {"kind": "shell", "target": "rm", "arguments": [], "folder": "/", "fit": 0, "counted": "all"}},
        {"started": {"kind": "file", "target": "a", "arguments": [], "folder": "/", "fit": -1, "counted": "all"}},
        {"command_line": "one string"},
    ],
    ids=str,
)
def test_a_manifest_of_another_shape(folder, changes):
    reseal(folder, **changes)
    refused(folder, r"manifest\.json is not what nandoctor writes: .*\$")


def test_a_manifest_nested_without_end(folder):
    (folder / "manifest.json").write_text('{"schema": 1, "deep": ' + "[" * 200_000 + "]" * 200_000 + "}")
    refused(folder, r"manifest\.json is not what nandoctor writes")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"null", b"[1]"])
def test_a_manifest_that_is_no_object(folder, content):
    (folder / "manifest.json").write_bytes(content)
    refused(folder, r"manifest\.json is not what nandoctor writes")


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../secret.txt",
        "source/../../secret.txt",
        "source/./x.py",
        "source//x.py",
        ".",
        "..",
        "",
        "source\\x.py",
        "line\nbreak",
        "nul\0byte",
        "\x1b[2Jx",
    ],
)
def test_a_name_that_leaves_the_folder_or_hides(folder, name):
    (folder.parent / "secret.txt").write_text("secret")
    listing(folder, name, hashlib.sha256(b"secret").hexdigest())
    refused(folder, r"which is not the plain name of a file inside the folder.*do not trust it")


def test_a_link_in_place_of_a_file(folder):
    secret = folder.parent / "secret.txt"
    secret.write_text("secret")
    (folder / "report.html").symlink_to(secret)
    listing(folder, "report.html", hashlib.sha256(b"secret").hexdigest())
    refused(folder, r"report\.html is a link, where a plain file must be.*do not trust it")


def test_a_link_in_place_of_a_folder(folder):
    outside = folder.parent / "outside"
    (folder / "source").rename(outside)
    (folder / "source").symlink_to(outside)
    refused(folder, r"source is a link, where a plain folder must be")


def test_a_manifest_that_is_a_link(folder):
    (folder / "manifest.json").rename(folder.parent / "m.json")
    (folder / "manifest.json").symlink_to(folder.parent / "m.json")
    refused(folder, r"manifest\.json is a link")


def test_a_pipe_in_place_of_a_file_is_not_waited_for(folder):
    os.mkfifo(folder / "report.html")
    listing(folder, "report.html")
    refused(folder, r"report\.html is a pipe, where a plain file must be")


def test_a_folder_in_place_of_a_file(folder):
    (folder / "report.html").mkdir()
    listing(folder, "report.html")
    refused(folder, r"report\.html is a folder, where a plain file must be")


@pytest.mark.parametrize("name", ["manifest.json", "diagnosis.json"])
def test_a_file_of_absurd_size_is_not_read(folder, name):
    """A file with a hole: 8 TiB that take no room on the disk."""
    with open(folder / name, "r+b") as file:
        file.truncate(8 << 40)
    refused(folder, rf"{name} has 8,796,093,022,208 bytes; at most [\d,]+ can be read here")


@pytest.mark.parametrize("names", [["state.safetensors"], ["state.safetensors", "batch.safetensors"]])
def test_tensors_beyond_the_memory_are_not_read(folder, names, monkeypatch):
    monkeypatch.setattr(reading, "_memory", lambda: 8 << 40)
    for name in names:
        with open(folder / name, "r+b") as file:
            file.truncate((9 << 40) // len(names))
    refused(folder, r"holds 9,895,6\d\d,\d\d\d,\d\d\d bytes of tensors, and this machine has 8,796,093,022,208 bytes")


def test_a_folder_that_may_not_be_read(folder, monkeypatch):
    def locked(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", locked)
    refused(folder, r"cannot be read: Permission denied\. Check its permissions\.")


# -- tensors --------------------------------------------------------------------------------------


def packed(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


EIGHT = b"\0" * 8
HUGE = 1 << 62

ATTACKS = {
    "empty": (b"", r"its header is said to have -1 bytes, the file has 0 in all"),
    "header longer than the file": (packed({}, length=100), r"said to have 100 bytes, the file has 10"),
    "header of 2**63 bytes": (packed({}, length=1 << 63), r"said to have 9,223,372,036,854,775,808 bytes"),
    "header no JSON": (packed(b"{nope"), r"its header cannot be read"),
    "header nested": (packed(b'{"a":' * 100_000), r"its header cannot be read"),
    "shape absurd": (packed({"a": entry(shape=(HUGE, HUGE))}, EIGHT), r"array 'a' is said to be F32 of shape"),
    "shape negative": (packed({"a": entry(shape=(-2,))}, EIGHT), r"its header cannot be read: .*>= 0"),
    "shape beyond the bytes": (packed({"a": entry(shape=(3,))}, EIGHT), r"12 bytes; bytes 0 to 8 of the 8 there"),
    "range beyond the file": (packed({"a": entry(shape=(4,), offsets=(0, 16))}, EIGHT), r"bytes 0 to 16 of the 8"),
    "range reversed": (packed({"a": entry(offsets=(8, 0))}, EIGHT), r"bytes 8 to 0 of the 8"),
    "ranges overlap": (packed({"a": entry(), "b": entry()}, EIGHT), r"array 'b' begins at byte 0, where byte 8"),
    "gap": (packed({"a": entry(offsets=(4, 12))}, EIGHT + b"1234"), r"array 'a' begins at byte 4, where byte 0"),
    "bytes left over": (packed({"a": entry()}, EIGHT + b"more"), r"its arrays take 8 bytes, and 12 are there"),
    "dtype unknown": (packed({"a": entry(dtype="PICKLE")}, EIGHT), r"array 'a' has the dtype 'PICKLE', which is not"),
    "too many axes": (packed({"a": entry(shape=(1,) * 40 + (2,))}, EIGHT), r"\.\.\. 41 axes"),
    "empty but huge": (packed({"a": entry(shape=(0, HUGE, HUGE), offsets=(0, 0))}), r"cannot have the shape"),
    "beyond any integer": (packed({"a": entry(shape=(0, 10**30), offsets=(0, 0))}), r"array 'a'|header cannot be read"),
    "more in an entry": (packed({"a": {**entry(), "code": "x"}}, EIGHT), r"unknown field `code`"),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("name", ["state.safetensors", "batch.safetensors"])
def test_tensors_that_are_not_what_they_say(folder, name, attack):
    content, message = ATTACKS[attack]
    (folder / name).write_bytes(content)
    reseal(folder)
    refused(folder, rf"{re.escape(name)}: .*{message}.*copy it again")


@pytest.mark.parametrize("name", ["snapshots.safetensors", "recent.safetensors"])
@pytest.mark.parametrize("array", ["weight", "x:weight", "-1:weight", "\u00b2:weight", "9" * 30 + ":weight"])
def test_an_older_state_without_a_number(folder, name, array):
    (folder / name).write_bytes(safetensors.numpy.save({array: np.zeros(2)}))
    reseal(folder)
    refused(folder, rf"{re.escape(name)}: the array .* has no number in front")


def test_tensors_are_what_the_library_of_the_format_reads(tmp_path):
    written = write_capsule(capsule(), result(), tmp_path).capsule
    ours, theirs = read_capsule(written).state, safetensors.numpy.load_file(f"{written}/state.safetensors")
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert (ours[name].dtype, ours[name].shape) == (theirs[name].dtype, theirs[name].shape)
        assert ours[name].tobytes() == theirs[name].tobytes()


@pytest.mark.parametrize("name", ["history.jsonl", "diagnosis.json"])
@pytest.mark.parametrize("content", [b"{", b'{"step": "one"}', b"\xff", b"[" * 100_000])
def test_text_of_another_shape(folder, name, content):
    (folder / name).write_bytes(content)
    reseal(folder)
    refused(folder, rf"{re.escape(name)} is not what nandoctor writes")


def test_no_pickle_is_imported_to_read(folder):
    """A reader that could unpickle would have to import it; NumPy's own import of it is not counted."""
    seen = []

    def audit(event, arguments):
        if event.startswith(("pickle.", "marshal.", "exec", "compile", "os.system", "subprocess.", "ctypes.")):
            seen.append(event)

    read_capsule(folder)  # what is imported and compiled once is not of interest
    sys.addaudithook(lambda event, arguments: audit(event, arguments) if watching else None)
    watching = [True]
    read_capsule(folder)
    watching.clear()
    assert seen == []
