"""`nandoctor demo`: a small training with a known fault, diagnosed before the reader's eyes."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from nandoctor.cli.run import Options, run
from nandoctor.errors import NandoctorError

CASES = Path(__file__).resolve().parent.parent / "clinic" / "cases"
DEFAULT = "siamese_identical_pair"


@dataclass(frozen=True, slots=True)
class DemoCase:
    """A case of the clinic: its script, what its docstring says, and the cause that it was built to show."""

    path: Path
    title: str
    about: str
    cause: str

    @property
    def name(self) -> str:
        return self.path.stem.replace("_", "-")


def cases() -> list[DemoCase]:
    """All cases, the default first."""
    found = [_read(path) for path in sorted(CASES.glob("[!_]*.py"))]
    return sorted(found, key=lambda case: case.path.stem != DEFAULT)


def _read(path: Path) -> DemoCase:
    text = path.read_text(encoding="utf-8")
    title, _, about = (ast.get_docstring(ast.parse(text)) or path.stem).partition("\n")
    cause = re.search(r"^# cause: *(\S+)", text, re.M)
    return DemoCase(path, title.strip(), " ".join(about.split()), cause.group(1) if cause else "healthy")


def demo(name: str | None, *, only_list: bool) -> int:
    """Run a case under `nandoctor run` and return 0 if the diagnosis is the cause it was built to show.

    Raises:
        NandoctorError: there is no such case, or TensorFlow or scikit-learn is not installed.
    """
    if only_list:
        for case in cases():
            print(f"{case.name:<26} {case.title}")
        print("\nnandoctor demo CASE runs one.")
        return 0
    case = _find(name)
    _check_libraries()
    print(f"{case.title}\n\n{case.about}\n\n$ nandoctor run {case.path.name}\n", flush=True)
    _, result = run(str(case.path), [], Options(out=None))
    found = [diagnosis.cause for diagnosis in result.diagnoses]
    return 0 if found[:1] == [case.cause] else 1


def _find(name: str | None) -> DemoCase:
    known = {case.name: case for case in cases()}
    wanted = (name or DEFAULT).replace("_", "-")
    if wanted not in known:
        near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.4)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise NandoctorError(f"no demo is called '{name}'.{hint} `nandoctor demo --list` lists all of them.")
    return known[wanted]


def _check_libraries() -> None:
    missing = [name for name in ("tensorflow", "sklearn") if importlib.util.find_spec(name) is None]
    if missing:
        raise NandoctorError(
            f"the demos need {' and '.join(missing)}, which is not installed: pip install 'nandoctor[tensorflow,demo]'"
        )
