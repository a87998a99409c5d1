"""The one table of readers. A new format is one file beside this one, and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nandoctor.audit.readers.arrays import open_arrays
from nandoctor.audit.source import Source
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


READERS: tuple[Reader, ...] = (_open_arrays,)


def open_source(request: Request) -> Source:
    """The source of what the user named.

    Raises:
        NandoctorError: it is missing, nothing here reads it, or it cannot be opened.
    """
    for reader in READERS:
        source = reader(request)
        if source is not None:
            return source
    raise NandoctorError(
        f"{request.data!r} is nothing that can be audited. `nandoctor audit --help` lists the formats."
    )
