"""The one family of errors that nandoctor raises, each with the exit code of its command line, and its one warning."""

from __future__ import annotations

import sys
import warnings


class NandoctorError(Exception):
    """Something the user can put right; the message names it, what was found and what to do."""

    exit_code = 2


class TrainingFaultError(NandoctorError):
    """Raised out of `fit` by `Guard(on_fault="raise")`; the finding is in `.diagnosis`.

    The weights are the last healthy ones: the step that broke was not applied.
    """

    exit_code = 3

    def __init__(self, message: str, diagnosis: object = None) -> None:
        super().__init__(message)
        self.diagnosis = diagnosis


class CapsuleError(NandoctorError):
    """A capsule cannot be written or trusted."""


class TreatError(NandoctorError):
    """A treatment cannot be written, tried or applied."""


class PageError(NandoctorError):
    """The HTML page of a result cannot be made."""


def warn(text: str, stacklevel: int = 2) -> None:
    """Warn the user of what nandoctor could not do; never an error, also where the user has made errors of warnings."""
    try:
        warnings.warn(f"nandoctor: {text}", RuntimeWarning, stacklevel=stacklevel + 1)
    except RuntimeWarning:
        print(f"nandoctor: {text}", file=sys.stderr)
