"""The one table of readers. A new format is one file beside this one, and one line here."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nandoctor.audit.readers.arrays import open_arrays
from nandoctor.audit.readers.batches import open_iterable
from nandoctor.audit.readers.files import open_files
from nandoctor.audit.readers.function import open_function
from nandoctor.audit.readers.huggingface import open_huggingface
from nandoctor.audit.readers.images import open_images
from nandoctor.audit.readers.in_memory import open_in_memory
from nandoctor.audit.readers.keras_dataset import open_keras
from nandoctor.audit.readers.paths import missing
from nandoctor.audit.readers.tensorflow_dataset import open_tensorflow
from nandoctor.audit.readers.torch_dataset import open_torch
from nandoctor.audit.source import Source
from nandoctor.audit.told import told
from nandoctor.errors import NandoctorError


@dataclass(frozen=True, slots=True)
class Request:
    """What a reader is asked to open.

    Attributes:
        data: an object in memory, or a path, glob or address as text, or `module:function`.
        labels: targets in memory; or, of a format with named components, the name of the target (several: with
            commas); of images, the folder of the masks.
        ignore_class: the label that counts for nothing.
    """

    data: Any
    labels: Any = None
    ignore_class: int | None = None


Reader = Callable[[Request], Source | None]
"""Opens what it knows; None: it is another's. Raises `NandoctorError` for what is its own and cannot be opened."""


def _open_arrays(request: Request) -> Source | None:
    return open_arrays(request.data, request.labels)


def _open_iterable(request: Request) -> Source | None:
    return open_iterable(request.data, request.labels)


READERS: tuple[Reader, ...] = (
    open_function,
    open_tensorflow,
    open_keras,
    open_huggingface,
    open_torch,
    open_images,
    open_files,
    open_in_memory,
    _open_arrays,
    _open_iterable,  # last: nearly everything can be iterated over
)


def open_source(request: Request) -> Source:
    """The source of what the user named.

    Raises:
        NandoctorError: it is missing, nothing here reads it, or it cannot be opened.
    """
    for reader in READERS:
        source = _opened(reader, request)
        if source is not None:
            return source
    raise NandoctorError(_unknown(request.data))


def _opened(reader: Reader, request: Request) -> Source | None:
    """What a library says of a file that it does not understand is the user's to know, in a line."""
    try:
        return reader(request)
    except NandoctorError:
        raise
    except Exception as error:
        if not isinstance(request.data, (str, os.PathLike, list)):
            raise  # of an object in memory its own traceback says more
        raise NandoctorError(f"{request.data} cannot be opened: {told(error)}") from error


def _unknown(data: Any) -> str:
    """What to say of data that no reader knows: of a path whether it is there, of an object its type."""
    if isinstance(data, (str, os.PathLike)):
        text = os.fspath(data)
        told = missing(text)
        return told or f"{text} is nothing that can be audited. `nandoctor audit --help` lists the formats."
    name = f"{type(data).__module__}.{type(data).__qualname__}".removeprefix("builtins.")
    return f"an object of type {name} is nothing that can be audited. `help(nandoctor.audit)` lists what is."
