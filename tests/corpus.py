"""The judging scripts: what each expects, and a way to run one quickly.

TensorFlow takes seconds to import, so a script is run in a fork of a process that has imported it already (and
has not yet used it): a fresh interpreter in all that a script can see, in a fraction of the time.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from nandoctor.clinic.benchmark.truth import CASES, Truth, read_truth

_TESTS = Path(__file__).parent
SCRIPTS = _TESTS / "scripts"
FOLDERS = (SCRIPTS, _TESTS / "articles", CASES)
"""One or more scripts for each cause, the examples of the articles, and the demos."""


def all_truths() -> list[Truth]:
    """Every judging script, by folder and name."""
    found = [path for folder in FOLDERS for path in sorted(folder.rglob("[!_]*.py"))]
    return [read_truth(path) for path in found]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit code, its JSON, and what it printed."""

    code: int
    result: dict
    output: str


def run_forked(script: Path, *options: str, limit: int = 120) -> Outcome:
    """`nandoctor run` of a script in a fork of this process."""
    with tempfile.TemporaryDirectory() as folder:
        pid = os.fork()
        if pid == 0:
            os._exit(_child(script, Path(folder), options, limit))
        _, status = os.waitpid(pid, 0)
        report = Path(folder) / "result.json"
        output = Path(folder) / "output.txt"
        return Outcome(
            os.waitstatus_to_exitcode(status),
            msgspec.json.decode(report.read_bytes()) if report.exists() else {},
            output.read_text() if output.exists() else "",
        )


def _child(script: Path, folder: Path, options: tuple[str, ...], limit: int) -> int:
    import signal
    import warnings

    from nandoctor.cli.main import main

    signal.alarm(limit)
    warnings.resetwarnings()  # a fresh interpreter has not the filters of the tests
    code = 99
    with open(folder / "output.txt", "w", buffering=1) as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            try:
                arguments = ["--json", str(folder / "result.json"), *(options or ["--no-capsule"])]
                code = main(["run", "--no-treat", *arguments, str(script)])
            except BaseException:
                traceback.print_exc(file=output)
        output.flush()
    return code


def typed(*arguments: str, cwd: Path | None = None, limit: int = 120) -> tuple[int, str]:
    """A command line in a fork of this process: its exit code, and what it printed on both streams."""
    with tempfile.TemporaryDirectory() as folder:
        pid = os.fork()
        if pid == 0:
            os._exit(_typed_in_child(arguments, Path(folder) / "output.txt", cwd, limit))
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status), (Path(folder) / "output.txt").read_text()


def _typed_in_child(arguments: tuple[str, ...], shown: Path, cwd: Path | None, limit: int) -> int:
    import signal
    import warnings

    from nandoctor.cli.main import main

    signal.alarm(limit)
    warnings.resetwarnings()
    os.chdir(cwd or os.getcwd())
    code = 99
    with open(shown, "w", buffering=1) as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            try:
                code = main(list(arguments))
            except BaseException:
                traceback.print_exc(file=output)
        output.flush()
    return code


def preload() -> None:
    """Import what every script imports, without using it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    with contextlib.redirect_stderr(io.StringIO()):
        import keras  # noqa: F401
        import sklearn.datasets  # noqa: F401
        import tensorflow as tf  # noqa: F401

        import nandoctor.frameworks.keras.hooks
        import nandoctor.frameworks.keras.training  # noqa: F401


def in_fork(work: Callable[[], None], limit: int = 240) -> None:
    """Run work that uses TensorFlow in a fork; a failure there is raised here with the child's traceback.

    A process that has used TensorFlow cannot be forked any more, and the judging scripts are forks.
    """
    preload()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os._exit(_work_in_child(work, writer, limit))
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise AssertionError(text or f"the child ended with status {status}")


def _work_in_child(work: Callable[[], None], writer: int, limit: int) -> int:
    import signal
    import warnings

    signal.alarm(limit)
    warnings.resetwarnings()
    warnings.simplefilter("ignore")
    try:
        work()
    except BaseException:
        os.write(writer, traceback.format_exc().encode()[-60_000:])
        return 1
    return 0
