"""Each fault of the program, as a user types it: named under `nandoctor run`, and gone with its cure."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "src" / "nandoctor" / "clinic" / "deeplab"
SMALL = ["--size", "48", "--width", "8", "--epochs", "2", "--quiet"]

FAULTS = {
    "zero-variance-image": "constant-feature",
    "all-void-mask": "no-valid-label",
    "label-out-of-range": "label-out-of-range",
    "extreme-pixels": "unscaled-input",
    "log-of-zero": "log-of-zero",
    "learning-rate": "learning-rate-too-high",
    "bad-initialisation": "bad-initialisation",
    "regularisation": "excessive-regularisation",
    "batchnorm-tiny-batch": "batchnorm-tiny-batch",
    "custom-op-gradient": "gradient-singularity",
    "clip-global-norm": "gradient-singularity",
    "half-overflow": "half-overflow",
}
ALWAYS = ("zero-variance-image", "custom-op-gradient")
"""Run in the gate; all of them in the clinic."""


def program(*arguments: str) -> list[str]:
    return ["-m", "nandoctor.clinic.deeplab", *arguments, *SMALL]


def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def marked(names: tuple[str, ...] | dict[str, str]) -> list[Any]:
    """Each name; most of them for the clinic."""
    cases = []
    for name in names:
        marks = [] if name in ALWAYS else [pytest.mark.clinic]
        cases.append(pytest.param(name, marks=marks))
    return cases


def places(name: str) -> set[tuple[str, int]]:
    """The lines that say they are at fault: `# <- name`, or a list of names."""
    found = set()
    for path in PROGRAM.glob("*.py"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            marker = re.search(r"# <- (.+)$", line)
            if marker and name in marker.group(1).split(", "):
                found.add((path.name, number))
    return found


def test_the_table_is_the_one_that_is_listed() -> None:
    listed = typed("-m", "nandoctor.clinic.deeplab", "--list")
    assert listed.returncode == 0, listed.stderr
    names = [line.split()[0] for line in listed.stdout.splitlines() if line and not line.startswith("--")]
    assert names == list(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_has_a_line(name: str) -> None:
    assert places(name)


@pytest.mark.parametrize("name", marked(FAULTS))
def test_a_fault_is_named(name: str, tmp_path: Path) -> None:
    report = tmp_path / "result.json"
    run = typed(
        "-m", "nandoctor", "run", "--no-treat", "--no-capsule", "--json", str(report), *program("--fault", name)
    )
    assert run.returncode == 3, run.stderr[-3000:]
    found = json.loads(report.read_text())["diagnoses"][0]
    assert found["cause"] == FAULTS[name]
    assert (Path(found["location"]["file"]).name, found["location"]["line"]) in places(name)


@pytest.mark.parametrize("name", marked(FAULTS))
def test_its_cure_is_finite_to_the_end(name: str, tmp_path: Path) -> None:
    report = tmp_path / "result.json"
    run = typed(*program("--fault", name, "--cured", "--json", str(report)))
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(report.read_text())
    assert found["finite"]
    assert len(found["loss"]) == len(found["validation_loss"]) == 2
    assert None not in found["loss"] + found["validation_loss"]
