"""Article C's examples: they learn; each fault is named, with its line, and gone with its cure."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nandoctor.clinic.dense.command import main

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "src" / "nandoctor" / "clinic" / "dense"

FAULTS = {
    "clip-half-guard": "log-of-zero",
    "log-of-zero": "log-of-zero",
    "missing-value": "nonfinite-input",
    "unscaled-input": "unscaled-input",
    "unscaled-target": "unscaled-target",
    "half-overflow": "half-overflow",
    "epsilon-underflow": "optimizer-epsilon-underflow",
}
ALWAYS = ("clip-half-guard",)
"""Run in the gate; all of them in the clinic."""

LEAST = {"classifier": 0.95, "regression": 0.85, "mixed": 0.95}
"""Accuracy, R squared, accuracy. On seeds 0 to 2 they were 0.956 to 0.991, 0.889 to 0.940, and 0.953 to 0.983."""

CASES = [pytest.param(name, marks=[] if name in ALWAYS else [pytest.mark.clinic]) for name in FAULTS]


def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def dense(*arguments: str) -> list[str]:
    return ["-m", "nandoctor.clinic.dense", *arguments, "--quiet"]


def places(name: str) -> set[tuple[str, int]]:
    """The lines that say they are at fault: `# <- name`, or a list of names."""
    found = set()
    for path in PROGRAM.glob("*.py"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            marker = re.search(r"# <- (.+)$", line)
            if marker and name in marker.group(1).split(", "):
                found.add((path.name, number))
    return found


@pytest.mark.parametrize("example", LEAST)
def test_an_example_learns(example: str, tmp_path: Path) -> None:
    report = tmp_path / "result.json"
    run = typed(*dense("--example", example, "--json", str(report)))
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(report.read_text())
    assert found["finite"]
    assert found["score"] > LEAST[example]


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_named(name: str, tmp_path: Path) -> None:
    report = tmp_path / "result.json"
    run = typed("-m", "nandoctor", "run", "--no-treat", "--no-capsule", "--json", str(report), *dense("--fault", name))
    assert run.returncode == 3, run.stderr[-3000:]
    found = json.loads(report.read_text())["diagnoses"][0]
    assert found["cause"] == FAULTS[name]
    assert (Path(found["location"]["file"]).name, found["location"]["line"]) in places(name)


@pytest.mark.parametrize("name", CASES)
def test_its_cure_is_finite_to_the_end(name: str, tmp_path: Path) -> None:
    report = tmp_path / "result.json"
    run = typed(*dense("--fault", name, "--cured", "--json", str(report)))
    assert run.returncode == 0, run.stderr[-3000:]
    assert json.loads(report.read_text())["finite"]


def test_the_table_is_the_one_that_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    listed = typed(*dense("--list")[:-1]).stdout.splitlines()
    assert [line.split()[0] for line in listed if line and not line.startswith("--")] == list(FAULTS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cured"], "--cured is the cure of a fault: give --fault NAME too; --list shows the names"),
    ],
)
def test_options_that_cannot_be_used(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_a_misspelt_name_is_answered_with_a_near_one() -> None:
    run = typed(*dense("--fault", "half-overflw"))
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1].startswith("error: --fault half-overflw is not one of clip-half-guard, ")
    assert run.stderr.splitlines()[-1].endswith("; did you mean half-overflow?")


def test_a_fault_belongs_to_its_example() -> None:
    run = typed(*dense("--fault", "half-overflow", "--example", "classifier"))
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1] == "error: --fault half-overflow is one of --example mixed, not of classifier"
