"""A capsule on disk: written aside and renamed, so that it is whole or absent.

`<out>/<time>-step<N>/` holds `manifest.json` (schema, versions, command line, hashes), `state.safetensors` and
`batch.safetensors`, `history.jsonl`, `diagnosis.json`, `report.html`, and under `source/` the user's files that
appear in the trace. The folder is readable by its owner alone.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from pathlib import Path
from types import MappingProxyType

import msgspec
import numpy as np
import safetensors
import safetensors.numpy

from nandoctor.findings import SCHEMA, Result, to_json
from nandoctor.watch.capsule import Capsule

_PACKAGES = ("nandoctor", "numpy", "tensorflow", "tensorflow-cpu", "keras", "torch", "jax")


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a capsule was made by, and the SHA-256 of each of its files."""

    schema: int
    created: str
    step: int
    epoch: int
    batch: int
    surface: str
    command_line: tuple[str, ...]
    folder: str
    python: str
    platform: str
    packages: dict[str, str]
    git_revision: str | None
    files: dict[str, str]


def write_capsule(
    capsule: Capsule,
    result: Result,
    out: Path,
    *,
    keep_batch: bool = True,
    extra: Mapping[str, bytes] = MappingProxyType({}),
) -> Result:
    """Write a capsule below `out`; the result then names its folder. A failure is one warning, and nothing is left.

    `extra` holds more files by name, such as the report, which this room does not know how to make.
    """
    try:
        folder = _write(capsule, result, out, keep_batch, extra)
    except Exception as error:  # a finished diagnosis is worth more than its copy on disk
        text = f"nandoctor: no capsule was written to {out}: {getattr(error, 'strerror', None) or error}."
        try:
            warnings.warn(text, RuntimeWarning, stacklevel=2)
        except RuntimeWarning:  # the user has made errors of warnings
            print(text, file=sys.stderr)
        return result
    return msgspec.structs.replace(result, capsule=str(folder))


def _write(capsule: Capsule, result: Result, out: Path, keep_batch: bool, extra: Mapping[str, bytes]) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=out))  # mode 0700
    try:
        final = _free_name(out, f"{datetime.now():%Y%m%dT%H%M%S}-step{capsule.step}")
        _save_tensors(aside / "state.safetensors", capsule.state)
        if keep_batch:
            _save_tensors(aside / "batch.safetensors", capsule.batch.arrays)
        lines = [msgspec.json.encode(record) for record in capsule.history]
        _save(aside / "history.jsonl", b"".join(line + b"\n" for line in lines))
        _save(aside / "diagnosis.json", to_json(msgspec.structs.replace(result, capsule=str(final))))
        _copy_sources(result, aside / "source")
        for name, content in extra.items():
            _save(aside / name, content)
        _save(aside / "manifest.json", to_json(_manifest(capsule, aside)))
        os.rename(aside, final)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return final


def _free_name(out: Path, name: str) -> Path:
    names = (out / (name if n == 0 else f"{name}-{n}") for n in range(10_000))
    return next(path for path in names if not path.exists())


def _save(path: Path, content: bytes) -> None:
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _save_tensors(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    kept = {name: _contiguous(array) for name, array in arrays.items() if _can_be_saved(array)}
    _save(path, safetensors.numpy.save(kept))


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


def _manifest(capsule: Capsule, folder: Path) -> Manifest:
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
        packages=_versions(),
        git_revision=_git_revision(),
        files={
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git_revision() -> str | None:
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
        "Git revision": _git_revision() or "",
        "Python": platform.python_version(),
        "Platform": platform.platform(),
        **{name: version for name, version in _versions().items() if name != "nandoctor"},
    }
    return {name: fact for name, fact in facts.items() if fact}
