"""The source that readers of files make, and what they share in telling of a damaged file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from nandoctor.audit.readers.paths import DataFile
from nandoctor.audit.source import About, Part
from nandoctor.errors import NandoctorError


@dataclass(frozen=True, slots=True)
class FileSource:
    """Parts of one file or several, in order; `rows` where all files say how many they have."""

    name: str
    all_parts: Sequence[Part]
    rows: int | None
    about: About = field(default_factory=lambda: About(kind="files"))

    def parts(self) -> Sequence[Part]:
        return self.all_parts


def kind_of(format_name: str, files: Sequence[DataFile]) -> str:
    """For the report.

    >>> kind_of("Parquet", [])
    '0 Parquet files'
    """
    return f"{format_name} file" if len(files) == 1 else f"{len(files):,} {format_name} files"


@contextmanager
def opening(file: DataFile, format_name: str) -> Iterator[None]:
    """What a library says of a damaged file, as one error with the file's name."""
    try:
        yield
    except NandoctorError:
        raise
    except Exception as error:
        told = str(error).strip().split("\n")[0]
        raise NandoctorError(
            f"{file.name}: cannot be read as {format_name}: {told or type(error).__name__}. It may be cut off"
            f" ({file.size:,} bytes): copy or write it again."
        ) from error
