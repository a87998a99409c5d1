"""`nandoctor demo`: a small training with a known fault, diagnosed before the reader's eyes."""

from __future__ import annotations

import difflib
import importlib.util
from itertools import groupby

from nandoctor.cli.run import Options, run
from nandoctor.clinic.benchmark.truth import Truth, read_cases
from nandoctor.errors import NandoctorError

DEFAULT = "siamese-identical-pair"


def demo(name: str | None, *, only_list: bool) -> int:
    """Run a case under `nandoctor run` and return 0 if the diagnosis is the cause it was built to show.

    Raises:
        NandoctorError: there is no such case, or TensorFlow or scikit-learn is not installed.
    """
    cases = {_typed(case): case for case in read_cases()}
    if only_list:
        _print_list(cases)
        return 0
    case = _find(name, cases)
    _check_libraries()
    print(f"{case.title}\n\n{case.about}\n\n$ nandoctor run {case.path.name}\n", flush=True)
    _, result = run(str(case.path), [], Options(out=None))
    found = [diagnosis.cause for diagnosis in result.diagnoses]
    return 0 if found[:1] == ([case.cause] if case.cause else []) else 1


def _typed(case: Truth) -> str:
    return case.path.stem.replace("_", "-")


def _print_list(cases: dict[str, Truth]) -> None:
    """The cases by family; of each the name to type and its title."""
    wide = max(map(len, cases)) + 2
    for family, members in groupby(cases.items(), key=lambda item: item[1].family):
        print(f"{family}")
        for name, case in members:
            print(f"  {name:<{wide}}{case.title}")
        print()
    print("nandoctor demo CASE runs one; those that end in -healthy are diagnosed as healthy.")


def _find(name: str | None, cases: dict[str, Truth]) -> Truth:
    wanted = (name or DEFAULT).replace("_", "-")
    if wanted not in cases:
        near = difflib.get_close_matches(wanted, cases, n=3, cutoff=0.4)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise NandoctorError(f"no demo is called '{name}'.{hint} `nandoctor demo --list` lists all of them.")
    return cases[wanted]


def _check_libraries() -> None:
    missing = [name for name in ("tensorflow", "sklearn") if importlib.util.find_spec(name) is None]
    if missing:
        raise NandoctorError(
            f"the demos need {' and '.join(missing)}, which is not installed: pip install 'nandoctor[tensorflow,demo]'"
        )
