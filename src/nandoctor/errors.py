"""The one family of errors that nandoctor raises, each with the exit code of its command line."""


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


class PageError(NandoctorError):
    """The HTML page of a result cannot be made."""
