"""Starts attempts: each in a process of its own, ended with all that it has started when its time is over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from nandoctor.treat.attempt import Attempt, FromStart, Order

START = 90.0
"""Seconds that a script may take, beside what an attempt looks at, until it is past the step that broke."""


def run_attempt(order: Order, *, start: float = START, on_cpu: bool = False) -> Attempt:
    """Run one attempt, and wait for what it has seen; what a process left that had to be ended counts too.

    Args:
        order: what it does.
        start: seconds for the way to the step that broke.
        on_cpu: it is to leave the GPUs alone, whose memory another process holds.
    """
    with tempfile.TemporaryDirectory(prefix="nandoctor-") as folder:
        told, answer, said = (Path(folder) / name for name in ("order", "answer", "errors"))
        told.write_bytes(msgspec.msgpack.encode(order))
        with open(said, "wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "nandoctor.cli.attempting", str(told), str(answer)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd="/" if os.name == "posix" else None,
                start_new_session=True,
                env=_environment(folder, on_cpu),
            )
            _wait(process, start + order.seconds)
        if not answer.is_file():
            return Attempt(from_start=FromStart(ended="error", error=_last_line(said)))
        return msgspec.msgpack.decode(answer.read_bytes(), type=Attempt)


def _environment(folder: str, on_cpu: bool) -> dict[str, str]:
    """That of this process; relative entries of the path to modules are those of the folder it is in.

    Temporary files of the script, and of AutoGraph, go to a folder that is taken away even where the process is ended.
    """
    hidden = {"CUDA_VISIBLE_DEVICES": "-1"} if on_cpu else {}
    path = os.environ.get("PYTHONPATH", "")
    absolute = os.pathsep.join(os.path.abspath(entry) for entry in path.split(os.pathsep) if entry)
    return {**os.environ, "PYTHONPATH": absolute, "TMPDIR": folder, **hidden}


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except BaseException as error:
        _end(process)
        if not isinstance(error, subprocess.TimeoutExpired):
            raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def _last_line(said: Path) -> str:
    lines = said.read_text(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "it ended without a word"
