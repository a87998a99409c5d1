"""Which files a text names: a path, a glob, a folder, an address."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from nandoctor.errors import NandoctorError

HEAD = 4096


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file, here or elsewhere.

    Attributes:
        name: what the user calls it.
        path: where it is in its file system.
        system: an fsspec file system; None: of this machine.
    """

    name: str
    path: str
    system: Any = None

    def open(self) -> BinaryIO:
        """Its bytes, to be read."""
        return open(self.path, "rb") if self.system is None else cast("BinaryIO", self.system.open(self.path, "rb"))

    def head(self) -> bytes:
        """Its first 4 KiB."""
        with self.open() as stream:
            return stream.read(HEAD)

    @property
    def size(self) -> int:
        """In bytes."""
        return os.stat(self.path).st_size if self.system is None else int(self.system.info(self.path)["size"])


@dataclass(frozen=True, slots=True)
class Found:
    """What a text names: the one file, or those of a glob or a folder, in order.

    `files` can be walked once: of a folder it is read from the disk while it is asked for.
    """

    name: str
    files: Iterator[DataFile]
    folder: bool = False


def is_path(data: Any) -> bool:
    """Whether this names files: text, a path, or some of them."""
    if isinstance(data, (list, tuple)):
        return bool(data) and all(isinstance(one, (str, os.PathLike)) for one in data)
    return isinstance(data, (str, os.PathLike))


def resolve(data: Any) -> Found | None:
    """The files that paths, globs, folders and addresses name; None where there is none on this machine.

    Raises:
        NandoctorError: a glob that nothing matches, an address that cannot be opened or has nothing.
    """
    if isinstance(data, (list, tuple)):
        return _several(data)
    text = os.fspath(data)
    if "://" in text:
        return _remote(text)
    path = os.path.expanduser(text)
    if os.path.isdir(path):
        return Found(text, _walk(path), folder=True)
    if os.path.exists(path):
        return Found(text, iter([DataFile(text, path)]))
    if not glob.has_magic(path):
        return None
    matched = sorted(name for name in glob.glob(path, recursive=True) if os.path.isfile(name))
    if not matched:
        raise NandoctorError(f"no file matches {text}: {_searched(path)}.")
    return Found(text, (DataFile(name, name) for name in matched))


def missing(text: str) -> str | None:
    """What to say of a text that looks like a path, but is none; None of other texts."""
    path = os.path.expanduser(text)
    if os.path.exists(path):
        return None
    module, _, function = text.partition(":")
    if function.isidentifier() and module.replace(".", "").isidentifier() and os.sep not in text:
        return None
    return f"there is no file or folder {text}: {_searched(path)}."


def _searched(path: str) -> str:
    """Where it was looked for, and the nearest of what is there."""
    folder = Path(path).absolute().parent
    while glob.has_magic(str(folder)):
        folder = folder.parent
    return f"looked in {folder}" if folder.is_dir() else f"the folder {folder} does not exist either"


def _several(paths: Sequence[Any]) -> Found | None:
    """Of several; None where none is there and all are plain text, which may be data of its own."""
    each = [resolve(path) for path in paths]
    if not any(each) and all(isinstance(path, str) for path in paths):
        return None
    found = []
    for path, one in zip(paths, each, strict=True):
        if one is None:
            raise NandoctorError(missing(os.fspath(path)) or f"there is no file {path}.")
        found.append(one)
    first = os.fspath(paths[0])
    name = first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"
    return Found(name, (file for one in found for file in one.files), folder=any(one.folder for one in found))


def _walk(folder: str) -> Iterator[DataFile]:
    """Files of a folder and those in it; without hidden ones, and without marks such as `_SUCCESS`."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith((".", "_")):
                path = os.path.join(root, name)
                yield DataFile(path, path)


def _remote(text: str) -> Found:
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(text)
        if glob.has_magic(path):
            names, folder = sorted(system.glob(path)), False
        elif system.isdir(path):
            names, folder = sorted(system.find(path)), True
        else:
            names, folder = [path] if system.exists(path) else [], False
    except ImportError as error:
        raise NandoctorError(f"{text}: this kind of address needs one more package: {error}.") from error
    except Exception as error:
        raise NandoctorError(f"{text}: cannot be opened: {type(error).__name__}: {error}.") from error
    seen = [name for name in names if not name.rsplit("/", 1)[-1].startswith((".", "_"))]
    if not seen:
        raise NandoctorError(f"{text}: there is no such file or folder at this address.")
    return Found(text, (DataFile(system.unstrip_protocol(name), name, system) for name in seen), folder=folder)
