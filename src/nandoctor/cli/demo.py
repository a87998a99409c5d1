"""`nandoctor demo`: a small training with a known fault, diagnosed before the reader's eyes."""

from __future__ import annotations

import difflib
import importlib.util
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nandoctor.cli.run import Options, run
from nandoctor.cli.treating import Wishes
from nandoctor.clinic.benchmark.truth import Truth, read_cases
from nandoctor.errors import NandoctorError

DEFAULT = "siamese-identical-pair"
_TWIN = "-healthy"


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
    _, result = run(str(case.path), [], Options(out=None, wishes=Wishes()))
    found = [diagnosis.cause for diagnosis in result.diagnoses]
    return 0 if found[:1] == ([case.cause] if case.cause else []) else 1


def _typed(case: Truth) -> str:
    return case.path.stem.replace("_", "-")


def _print_list(cases: dict[str, Truth]) -> None:
    """The cases by family, of each the name to type and its title; a healthy twin is not a line of its own."""
    console = Console(highlight=False)
    for family, members in groupby(cases.items(), key=lambda item: item[1].family):
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        for name, case in members:
            if case.cause is not None or name.removesuffix(_TWIN) not in cases:
                table.add_row(f"  {name}{' *' if name + _TWIN in cases else ''}", escape(case.title))
        console.print(f"[bold]{family}[/bold]", table, "", sep="\n")
    console.print(f"nandoctor demo CASE runs one. * There is a healthy twin, too: CASE{_TWIN}.")


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
