"""A capsule on disk: written aside and renamed, so that it is whole or absent.

`<out>/<time>-step<N>/` holds `manifest.json` (schema, versions, how the script was started, hashes), as safetensors
`state`, `batch`, `snapshots` (older states) and `recent` (the batches before), `history.jsonl`, `diagnosis.json`,
`report.html`, and under `source/` the user's files that appear in the trace. The folder is readable by its owner alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import msgspec
import numpy as np
import safetensors
import safetensors.numpy

from nandoctor.errors import warn
from nandoctor.findings import SCHEMA, Number, Result, number, to_json
from nandoctor.watch.capsule import Capsule
from nandoctor.watch.snapshots import Snapshot
from nandoctor.watch.started import Count, Rerun, Started, user_files

_PACKAGES = ("nandoctor", "numpy", "tensorflow", "tensorflow-cpu", "keras", "torch", "jax")


MOST_OF_AN_ERROR = 4000
"""Characters that are kept of the message of a step that raised."""

Message = Annotated[str, msgspec.Meta(max_length=MOST_OF_AN_ERROR)]


class Validated(msgspec.Struct, frozen=True, kw_only=True):
    """The loss of a validation that was not finite: its name in the logs, and its value."""

    loss: Message
    value: Number


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a capsule was made by, and the SHA-256 of each of its files."""

    schema: int
    created: str
    step: Count
    epoch: Count
    batch: Count
    surface: str
    command_line: tuple[str, ...]
    folder: str
    python: str
    platform: str
    packages: dict[str, str]
    git_revision: str | None
    files: dict[str, str]
    started: Started | None = None
    sources: dict[str, str] = {}
    left_out: tuple[str, ...] = ()
    validation: Validated | None = None
    error: Message | None = None
    rerun: Rerun | None = None


SNAPSHOT_BYTES = 256 << 20
"""Bytes of older states that a capsule may hold; the oldest are kept, from which growth is replayed."""

ABANDONED = 3600.0
"""Seconds after which a folder that nobody writes to any more is what a killed process left behind."""


def write_capsule(
    capsule: Capsule,
    result: Result,
    out: Path,
    *,
    keep_batch: bool = True,
    started: Started | Rerun | None = None,
    extra: Mapping[str, bytes] = MappingProxyType({}),
) -> Result:
    """Write a capsule below `out`; the result then names its folder. A failure is one warning, and nothing is left.

    `started` is what a replay begins with: a script up to a `fit`, or (a `Rerun`) up to a step of its own loop.
    `extra` holds more files by name, such as the report, which this room does not know how to make.
    """
    try:
        folder = _write(capsule, result, out, keep_batch, started, extra)
    except Exception as error:  # a finished diagnosis is worth more than its copy on disk
        warn(f"no capsule was written to {out}: {getattr(error, 'strerror', None) or error}.")
        return result
    return msgspec.structs.replace(result, capsule=str(folder))


def _write(
    capsule: Capsule,
    result: Result,
    out: Path,
    keep_batch: bool,
    started: Started | Rerun | None,
    extra: Mapping[str, bytes],
) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    _sweep(out)
    aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=out))  # mode 0700
    try:
        final = _free_name(out, f"{datetime.now():%Y%m%dT%H%M%S}-step{capsule.step}")
        left_out = _save_tensors(aside / "state.safetensors", capsule.state)
        _save_tensors(aside / "snapshots.safetensors", _numbered((s.step, s.state) for s in _kept(capsule.snapshots)))
        if keep_batch:
            left_out += _save_tensors(aside / "batch.safetensors", capsule.batch.arrays)
            recent = _numbered((n, batch.arrays) for n, batch in enumerate(capsule.recent))
            _save_tensors(aside / "recent.safetensors", recent)
        lines = [msgspec.json.encode(record) for record in capsule.history]
        _save(aside / "history.jsonl", b"".join(line + b"\n" for line in lines))
        _save(aside / "diagnosis.json", to_json(msgspec.structs.replace(result, capsule=str(final))))
        _copy_sources(result, aside / "source")
        for name, content in extra.items():
            _save(aside / name, content)
        _save(aside / "manifest.json", to_json(_manifest(capsule, aside, started, left_out)))
        os.rename(aside, final)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return final


def renew(folder: Path, result: Result, extra: Mapping[str, bytes]) -> None:
    """Put another diagnosis, and files of these names, into a capsule that is there. It is whole at any moment.

    A failure is one warning, and the capsule stays as it was.
    """
    aside = None
    try:
        aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder.parent))
        made = aside / "new"
        shutil.copytree(folder, made)
        manifest = msgspec.json.decode((made / "manifest.json").read_bytes(), type=Manifest)
        hashes = dict(manifest.files)
        for name, content in {"diagnosis.json": to_json(result), **extra}.items():
            (made / name).unlink(missing_ok=True)
            _save(made / name, content)
            hashes[name] = hashlib.sha256(content).hexdigest()
        (made / "manifest.json").unlink()
        _save(made / "manifest.json", to_json(msgspec.structs.replace(manifest, files=hashes)))
        os.rename(folder, aside / "old")
        os.rename(made, folder)
    except Exception as error:
        warn(f"{folder} was not brought up to date: {getattr(error, 'strerror', None) or error}.")
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)


def _free_name(out: Path, name: str) -> Path:
    names = (out / (name if n == 0 else f"{name}-{n}") for n in range(10_000))
    return next(path for path in names if not path.exists())


def _save(path: Path, content: bytes) -> None:
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sweep(out: Path) -> None:
    """Take away what a killed process left half-written; never what another one may still be writing."""
    for left in out.glob(".writing-*"):
        with contextlib.suppress(OSError):
            if left.is_symlink() or not left.is_dir():
                continue
            touched = max(path.lstat().st_mtime for path in (left, *left.rglob("*")))
            if time.time() - touched > ABANDONED:
                shutil.rmtree(left, ignore_errors=True)


def _kept(snapshots: Iterable[Snapshot]) -> Iterator[Snapshot]:
    room = SNAPSHOT_BYTES
    for snapshot in snapshots:
        room -= sum(array.nbytes for array in snapshot.state.values())
        if room < 0:
            return
        yield snapshot


def _numbered(groups: Iterable[tuple[int, Mapping[str, np.ndarray]]]) -> dict[str, np.ndarray]:
    return {f"{number}:{name}": array for number, arrays in groups for name, array in arrays.items()}


def _save_tensors(path: Path, arrays: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Write the arrays; the names of those that the format cannot hold."""
    kept = {name: _contiguous(array) for name, array in arrays.items() if _can_be_saved(array)}
    _save(path, safetensors.numpy.save(kept))
    return tuple(name for name in arrays if name not in kept)


def _can_be_saved(array: np.ndarray) -> bool:
    """Whether safetensors knows the dtype; it is asked with no element."""
    try:
        safetensors.numpy.save({"probe": np.zeros(0, array.dtype)})
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError):
        return False
    return True


def _contiguous(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(array.shape)  # NumPy makes a scalar an array of one element


def _copy_sources(result: Result, folder: Path) -> None:
    """The user's files that the diagnosis names."""
    places = [d.location for d in result.diagnoses] + [d.surfaced for d in result.diagnoses]
    places += [event.location for d in result.diagnoses for event in d.chain]
    files = sorted({place.file for place in places if place is not None and os.path.isfile(place.file)})
    folder.mkdir(mode=0o700)
    for n, file in enumerate(files):
        shutil.copyfile(file, folder / f"{n}-{os.path.basename(file)}")


def _manifest(capsule: Capsule, folder: Path, started: Started | Rerun | None, left_out: tuple[str, ...]) -> Manifest:
    return Manifest(
        schema=SCHEMA,
        created=datetime.now().astimezone().isoformat(timespec="seconds"),
        step=capsule.step,
        epoch=capsule.epoch,
        batch=capsule.batch_index,
        surface=capsule.surface,
        command_line=tuple(sys.argv),
        folder=os.getcwd(),
        python=platform.python_version(),
        platform=platform.platform(),
        packages=versions(),
        git_revision=git_revision(),
        files={
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
        started=started if isinstance(started, Started) else None,
        sources={} if started is None else user_files(),
        left_out=left_out,
        validation=_validated(capsule),
        error=None if capsule.error is None else capsule.error[:MOST_OF_AN_ERROR],
        rerun=started if isinstance(started, Rerun) else None,
    )


def _validated(capsule: Capsule) -> Validated | None:
    read = capsule.validation
    return None if read is None else Validated(loss=read.loss[:MOST_OF_AN_ERROR], value=number(read.value))


def versions() -> dict[str, str]:
    """The installed packages that decide what a step computes."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_revision() -> str | None:
    """The commit that is checked out in the working directory."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return ""


def environment() -> dict[str, str]:
    """What this process runs in, by name, for a reader."""
    facts = {
        "Time": f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}",
        "Command line": shlex.join(sys.argv),
        "Folder": _folder(),
        "Git revision": git_revision() or "",
        "Python": platform.python_version(),
        "Platform": platform.platform(),
        **{name: version for name, version in versions().items() if name != "nandoctor"},
    }
    return {name: fact for name, fact in facts.items() if fact}
