"""What the programs of the clinic share on their command lines: wrong options, names in tables, results, exit codes."""

from __future__ import annotations

import difflib
import json
import math
import sys
from pathlib import Path
from typing import Any, TypeVar

import typer

from nandoctor.clinic.data.errors import DataError

Entry = TypeVar("Entry")


class UsageError(ValueError):
    """Options that do not go together, or a name that is none."""


def named(table: dict[str, Entry], name: str, option: str) -> Entry:
    """The entry of a table.

    Raises:
        UsageError: there is none of this name; the message has the nearest.
    """
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UsageError(f"{option} {name} is not one of {', '.join(table)}{hint}")


def check_cured(fault: str | None, *, cured: bool) -> None:
    """A cure is that of a fault."""
    if cured and fault is None:
        raise UsageError("--cured is the cure of a fault: give --fault NAME too; --list shows the names")


def write_json(file: Path, result: dict[str, Any]) -> None:
    """A result as JSON, which has no NaN: what is not finite is null."""
    file.write_text(json.dumps(_plain(result), indent=1) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def exit_code(app: typer.Typer, program: str, arguments: list[str] | None) -> int:
    """Run a command line; wrong data and wrong options are one line on standard error, and the code 2."""
    try:
        app(arguments, prog_name=f"python -m {program}")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except (DataError, UsageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def leave(code: int) -> None:
    """End the process with an exit code; a healthy end is a plain one."""
    if code:
        sys.exit(code)
