"""A remedy written into the user's files: each file is the old one or the new one at any moment, never a half.

A file that is not what the remedy was made from is not touched: what the user has changed since is worth more.
"""

from __future__ import annotations

import io
import os
import tempfile
import tokenize
from collections.abc import Mapping
from pathlib import Path

from nandoctor.errors import TreatError
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.source import Source


def write(proposal: Proposal) -> tuple[str, ...]:
    """Write the new text of each file; the paths that were written.

    Raises:
        TreatError: a file has changed, or cannot be written. Then none is written, unless it was the last of several
            that failed: the message says which were.
    """
    check_unchanged(proposal.before)
    written: list[str] = []
    for path, text in proposal.texts.items():
        try:
            _replace(Path(os.path.realpath(path)), text)  # a link is followed, not replaced
        except OSError as error:
            done = f" Written already: {', '.join(written)}." if written else " Nothing was written."
            raise TreatError(f"{path} cannot be written: {error.strerror}.{done}") from error
        written.append(path)
    return tuple(written)


def check_unchanged(before: Mapping[str, str]) -> None:
    """Raise the one clear error for a file that is not what it was."""
    for path, text in before.items():
        if Source.read(path).text != text:
            raise TreatError(
                f"{path} has changed since the remedy was tried. Nothing was written: run it again "
                "(nandoctor run --fix), so that it is tried on the file as it is now."
            )


def _replace(path: Path, text: str) -> None:
    """Write beside the file, to the disk, then rename over it; its mode stays."""
    content = _encoded(text, path.read_bytes())
    handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, path.stat().st_mode & 0o7777)
        os.replace(aside, path)
    except BaseException:
        os.unlink(aside)
        raise


def _encoded(text: str, like: bytes) -> bytes:
    """The text as bytes, in the encoding and with the line ends of what the file held."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(like).readline)
    newline = "\r\n" if b"\r\n" in like else "\n"
    return text.replace("\n", newline).encode(encoding)
