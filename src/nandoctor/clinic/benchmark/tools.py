"""A tool is a command: it runs a script and writes what it found as JSON. nandoctor, and those it is compared with.

The JSON is nandoctor's own (docs/json.md), of which a tool needs to write only what it knows: `diagnoses`, a list, and
in its first element `cause`, `location` (`file`, `line`), `samples` (rows) and `treatments`.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PYTHON = shlex.quote(sys.executable)


@dataclass(frozen=True, slots=True)
class Tool:
    """`command` has the places `{json}` and `{script}`, as a shell would read it."""

    name: str
    command: str


NANDOCTOR = Tool("nandoctor", f"{PYTHON} -m nandoctor run --no-capsule --json {{json}} {{script}}")
PEERS = tuple(
    Tool(name, f"{PYTHON} -m nandoctor.clinic.benchmark.peers {name} {{json}} {{script}}")
    for name in ("TerminateOnNaN", "check_numerics")
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool said of one script: a fault or none, and as much of it as it named.

    `proven` says whether a treatment was tried and holds, `sound` whether one of those is safe or the canonical cure;
    None where the tool knows of no treatments.
    `trouble` is why there is no answer: it took too long, or wrote nothing.
    """

    fault: bool
    cause: str | None = None
    line: int | None = None
    samples: tuple[int, ...] = ()
    proven: bool | None = None
    sound: bool | None = None
    seconds: float = 0.0
    trouble: str | None = None


def ask(tool: Tool, script: Path, limit: float = 300.0) -> Answer:
    """Run a tool on a script, in a folder of its own; what the two print is thrown away.

    Args:
        tool: whose command is run.
        script: the script to look at.
        limit: seconds after which it is killed, with all that it started.
    """
    script = script.resolve()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "answer.json"
        command = [part.format(json=report, script=script) for part in shlex.split(tool.command)]
        began = time.monotonic()
        in_time = run_quietly(command, Path(folder), limit)
        seconds = time.monotonic() - began
        if not in_time:
            return Answer(False, seconds=seconds, trouble=f"killed after {limit:g} s")
        try:
            return read_answer(json.loads(report.read_bytes()), script, seconds)
        except (OSError, ValueError) as error:
            return Answer(False, seconds=seconds, trouble=f"no answer that can be read: {error}")


def run_quietly(command: list[str], folder: Path, limit: float) -> bool:
    """Run a command in a folder, what it prints thrown away; whether it ended in time."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "-1")}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | quiet,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return True


def read_answer(document: dict[str, Any], script: Path, seconds: float) -> Answer:
    """The first diagnosis of a tool's JSON. A line in another file than the script does not count as its line."""
    diagnoses = document.get("diagnoses") or []
    if not diagnoses:
        return Answer(False, seconds=seconds)
    first = diagnoses[0]
    location = first.get("location") or {}
    inside = os.path.basename(location.get("file") or "") == script.name
    treatments = first.get("treatments")
    proven = [t for t in treatments or () if _holds(t.get("verification") or {})]
    return Answer(
        fault=True,
        cause=first.get("cause"),
        line=location.get("line") if inside else None,
        samples=tuple(first.get("samples") or ()),
        proven=None if treatments is None else bool(proven),
        sound=None if treatments is None else any(t.get("safety") == "safe" or t.get("canonical") for t in proven),
        seconds=seconds,
    )


def _holds(verification: dict[str, Any]) -> bool:
    finite = verification.get("finite") and verification.get("gradients_finite")
    return bool(finite) and verification.get("still_learns") is not False
