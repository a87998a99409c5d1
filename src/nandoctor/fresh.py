"""`nandoctor.replay`: a replay from Python, in a process of its own.

A script that is started again needs a fresh interpreter: what this one has imported, and how many layers it has
named, would be in its way.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from nandoctor.errors import CapsuleError
from nandoctor.findings import Result, result_from_json
from nandoctor.watch.reading import read_capsule

_ERROR = "nandoctor: error: "


def replay(capsule: str | os.PathLike[str], *, script: str | os.PathLike[str] | None = None) -> Result:
    """Make the step of a capsule again in a fresh process, as `nandoctor replay` does, and diagnose it.

    The script that made the capsule is started again and ends at its first training step, at its validation, or (of a
    loop of its own) at the step that broke. What it prints, and the report, are shown as usual; a loop runs silently.

    Args:
        capsule: the folder of a capsule.
        script: the script, if it is not where it was.

    Returns:
        What was found. Its `verdict` is `"reproduced"` or `"not-reproduced"`; a step that is finite now, and was
        not then, has the `status` `"healthy"`.

    Raises:
        CapsuleError: the capsule cannot be read or trusted, or the script does not fit it.

    Example:
        >>> import nandoctor
        >>> # result = nandoctor.replay(".nandoctor/20261122T163358-step24")
    """
    read_capsule(capsule)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "result.json"
        named = [] if script is None else ["--script", os.fspath(script)]
        command = [sys.executable, "-m", "nandoctor", "replay", "--json", str(report), *named, os.fspath(capsule)]
        code, last = _shown(command)
        if not report.exists():
            raise CapsuleError(last.removeprefix(_ERROR) or f"the replay ended with exit code {code} and no result")
        return result_from_json(report.read_bytes())


def _shown(command: list[str]) -> tuple[int, str]:
    """Run a command, its errors shown as they come; the exit code, and what it says to have gone wrong."""
    said = ""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stderr is not None
        for line in process.stderr:
            sys.stderr.write(line)
            said = line.strip() if line.startswith(_ERROR) else said
    return process.returncode, said
