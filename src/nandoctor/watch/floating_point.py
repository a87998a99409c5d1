"""NumPy's floating-point errors, with the user's line: data is often spoilt before a framework sees it.

NumPy is asked to tell of a division by zero, an invalid operation or an overflow through a log object
instead of a warning; the user's warning is then issued as NumPy would have, at the same line.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nandoctor.findings import Location
from nandoctor.trace.locations import Frame, locate, settled, stack, user_frame

_MOST = 200


@dataclass(frozen=True, slots=True)
class FloatingPointNote:
    """One kind of error at one place: `message` in NumPy's words, `location` the user's expression."""

    message: str
    location: Location


class FloatingPointLog:
    """What NumPy reported, each place once, in order of first occurrence."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int, int, str], Frame] = {}

    def write(self, message: str) -> None:
        """NumPy's log protocol; called in the frame that ran the ufunc."""
        text = message.removeprefix("Warning: ").strip()
        frame = user_frame(stack(sys._getframe(1)))
        if frame is not None and len(self._seen) < _MOST:
            code, offset = settled(frame)  # equal code in two files is equal to Python
            self._seen.setdefault((code.co_filename, code.co_firstlineno, offset, text), frame)
        warnings.warn(text, RuntimeWarning, stacklevel=2)

    @property
    def notes(self) -> tuple[FloatingPointNote, ...]:
        return tuple(FloatingPointNote(text, locate(frame)) for (*_, text), frame in self._seen.items())


@contextlib.contextmanager
def listening(log: FloatingPointLog) -> Iterator[FloatingPointLog]:
    """While inside, errors that NumPy would warn of go to the log as well."""
    before: dict[str, Any] = dict(np.geterr())
    call_before = np.seterrcall(log)
    logged: dict[str, Any] = {kind: "log" for kind, mode in before.items() if mode == "warn"}
    np.seterr(**logged)
    try:
        yield log
    finally:
        np.seterr(**before)
        np.seterrcall(call_before)
