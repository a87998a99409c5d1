"""A capsule read back from its folder. It may come from a stranger: nothing in it is believed before it is checked.

Each file must be a plain one inside the folder, not larger than it may be, and have the SHA-256 of the manifest.
It is read once, and what was hashed is what is used. No pickle is read and nothing is executed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import msgspec
import numpy as np

from nandoctor import __version__
from nandoctor.errors import CapsuleError
from nandoctor.findings import SCHEMA, Result, StepRecord
from nandoctor.watch.snapshots import Snapshot
from nandoctor.watch.store import Manifest
from nandoctor.watch.tensors import parse_tensors

MOST_TEXT = 64 << 20
"""Bytes that a file without tensors may have: the manifest, the history, the diagnosis, a source, the report."""

_COPY_AGAIN = "The folder was damaged or changed: copy it again from where it was made"
_NEEDED = ("state.safetensors", "history.jsonl", "diagnosis.json")
_OURS = (".safetensors", ".json", ".jsonl")

T = TypeVar("T")


@dataclass(frozen=True)
class StoredCapsule:
    """A capsule as it lies on the disk. `batch` is None where it was written without its data."""

    folder: Path
    manifest: Manifest
    state: Mapping[str, np.ndarray]
    batch: Mapping[str, np.ndarray] | None
    recent: tuple[Mapping[str, np.ndarray], ...]
    snapshots: tuple[Snapshot, ...]
    history: tuple[StepRecord, ...]
    diagnosis: Result


def read_capsule(path: str | os.PathLike[str]) -> StoredCapsule:
    """Read a capsule's folder.

    Raises:
        CapsuleError: it is no capsule, of a newer nandoctor, damaged, or not to be trusted. The message
            names the file, what was found and what to do. Nothing was executed.
    """
    try:
        return _whole(Path(path))
    except OSError as error:
        raise CapsuleError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from error


def _whole(folder: Path) -> StoredCapsule:
    manifest = _manifest(folder)
    _check_nothing_else(folder, manifest)
    _check_room(folder, manifest)
    contents = {name: _checked(folder, name, digest) for name, digest in manifest.files.items()}

    def tensors(name: str) -> dict[str, np.ndarray]:
        return _parsed(folder / name, lambda: parse_tensors(contents[name]))

    lines = contents["history.jsonl"].splitlines()
    return StoredCapsule(
        folder=folder.absolute(),
        manifest=manifest,
        state=tensors("state.safetensors"),
        batch=tensors("batch.safetensors") if "batch.safetensors" in contents else None,
        recent=_recent(folder, tensors("recent.safetensors") if "recent.safetensors" in contents else {}),
        snapshots=_snapshots(folder, tensors("snapshots.safetensors") if "snapshots.safetensors" in contents else {}),
        history=tuple(_decoded(folder / "history.jsonl", line, StepRecord) for line in lines),
        diagnosis=_decoded(folder / "diagnosis.json", contents["diagnosis.json"], Result),
    )


# -- the manifest ---------------------------------------------------------------------------------


class _Age(msgspec.Struct, frozen=True):
    """The part of a manifest that every schema has."""

    schema: int
    packages: dict[str, str] = {}


def _manifest(folder: Path) -> Manifest:
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise CapsuleError(
            f"{folder} {found}. Name the folder of a capsule, such as .nandoctor/20261122T163358-step24."
        )
    path = folder / "manifest.json"
    if not os.path.lexists(path):
        raise CapsuleError(f"{folder} has no manifest.json, so it is no capsule.{_inside(folder)}")
    content = _read(folder, "manifest.json")
    age = _decoded(path, content, _Age)
    if age.schema > SCHEMA:
        maker = age.packages.get("nandoctor")
        by = "a newer nandoctor" if maker is None else f"nandoctor {maker!r}"
        raise CapsuleError(
            f"{path} has the schema {age.schema}, written by {by}; this is nandoctor {__version__}, which reads "
            f"schema {SCHEMA}. Use that version: pip install --upgrade nandoctor"
        )
    if age.schema < SCHEMA:
        raise CapsuleError(f"{path} has the schema {age.schema}; there is none below {SCHEMA}. {_COPY_AGAIN}.")
    manifest = _decoded(path, content, Manifest)
    missing = [name for name in _NEEDED if name not in manifest.files]
    if missing:
        raise CapsuleError(f"{path} does not list {', '.join(missing)}, which every capsule has. {_COPY_AGAIN}.")
    return manifest


def _inside(folder: Path) -> str:
    """The folder above the capsules is easily named in place of one of them."""
    within = sorted(p.name for p in folder.iterdir() if (p / "manifest.json").is_file() and p.name[0] != ".")
    return f" There are capsules in it: {', '.join(within[-3:])}." if within else ""


def _check_nothing_else(folder: Path, manifest: Manifest) -> None:
    """A tensor or JSON file that nobody vouches for makes the folder doubtful; a note of the user does not."""
    for name in sorted(os.listdir(folder)):
        if name.endswith(_OURS) and name != "manifest.json" and name not in manifest.files:
            raise CapsuleError(f"{folder / name} is not listed in manifest.json. {_COPY_AGAIN}, or take the file away.")


def _check_room(folder: Path, manifest: Manifest) -> None:
    """All tensors are in memory at once."""
    sizes = [os.lstat(_inner(folder, name)).st_size for name in manifest.files if name.endswith(".safetensors")]
    if sum(sizes) > _memory():
        raise CapsuleError(
            f"{folder} holds {sum(sizes):,} bytes of tensors, and this machine has {_memory():,} bytes of memory. "
            "If a model of that size is what you expect, read it on a larger machine; otherwise do not trust it."
        )


# -- files ----------------------------------------------------------------------------------------


def _checked(folder: Path, name: str, digest: str) -> bytes:
    content = _read(folder, name)
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise CapsuleError(
            f"{folder / name} has the SHA-256 {found[:16]}..., manifest.json says {digest[:16]!r}... . {_COPY_AGAIN}."
        )
    return content


def _read(folder: Path, name: str) -> bytes:
    """The content of a plain file inside the folder, if it is not too large."""
    path = _inner(folder, name)
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            size = os.fstat(handle).st_size
            most = _most(name)
            if size > most:
                raise CapsuleError(f"{path} has {size:,} bytes; at most {most:,} can be read here. Do not trust it.")
            return file.read(size)
    except OSError as error:
        raise CapsuleError(f"{path} cannot be read: {error.strerror}. {_COPY_AGAIN}.") from error


def _inner(folder: Path, name: str) -> Path:
    """The path of a listed file, which must lie in the folder by name and in fact."""
    parts = PurePosixPath(name).parts
    plain = name == "/".join(parts) and parts and not {"..", "/", "."} & set(parts)
    if not plain or not name.isprintable() or "\\" in name:
        raise CapsuleError(
            f"{folder / 'manifest.json'} lists {name!r}, which is not the plain name of a file inside the folder. "
            "No capsule of nandoctor has such a name: do not trust it."
        )
    path = folder
    for n, part in enumerate(parts):
        path = path / part
        try:
            mode = os.lstat(path).st_mode
        except (OSError, ValueError) as error:
            raise CapsuleError(f"{path} is listed in manifest.json and not there. {_COPY_AGAIN}.") from error
        wanted = stat.S_ISREG(mode) if n == len(parts) - 1 else stat.S_ISDIR(mode)
        if not wanted:
            raise CapsuleError(
                f"{path} is {_kind(mode)}, where a plain {'file' if n == len(parts) - 1 else 'folder'} must be. "
                "No capsule of nandoctor has such a thing: do not trust it."
            )
    return path


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISLNK, "a link"), (stat.S_ISDIR, "a folder"), (stat.S_ISREG, "a file"), (stat.S_ISFIFO, "a pipe"))
    return next((name for test, name in kinds if test(mode)), "a device or a socket")


def _most(name: str) -> int:
    return _memory() if name.endswith(".safetensors") else MOST_TEXT


def _memory() -> int:
    """Bytes of memory of this machine; a large number where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 1 << 40


# -- contents -------------------------------------------------------------------------------------


def _decoded(path: Path, content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CapsuleError(f"{path} is not what nandoctor writes: {error}. {_COPY_AGAIN}.") from error


def _parsed(path: Path, parse: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    try:
        return parse()
    except CapsuleError as error:
        raise CapsuleError(f"{path}: {error}. {_COPY_AGAIN}.") from error


def _numbered(path: Path, arrays: Mapping[str, np.ndarray]) -> dict[int, dict[str, np.ndarray]]:
    """Arrays whose names begin with a number and a colon, by number."""
    groups: dict[int, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        number, colon, rest = name.partition(":")
        if not (colon and number.isascii() and number.isdigit() and len(number) < 19):
            raise CapsuleError(f"{path}: the array {name!r} has no number in front. {_COPY_AGAIN}.")
        groups.setdefault(int(number), {})[rest] = array
    return dict(sorted(groups.items()))


def _recent(folder: Path, arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], ...]:
    return tuple(_numbered(folder / "recent.safetensors", arrays).values())


def _snapshots(folder: Path, arrays: Mapping[str, np.ndarray]) -> tuple[Snapshot, ...]:
    groups = _numbered(folder / "snapshots.safetensors", arrays)
    return tuple(Snapshot(step, state) for step, state in groups.items())
