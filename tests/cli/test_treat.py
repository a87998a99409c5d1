"""`nandoctor run` tries remedies, `treat` tries them again, `--fix` writes what is proven."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import corpus
import pytest

from nandoctor.watch.reading import read_capsule

SCRIPT = Path(__file__).parent.parent / "treat" / "cures" / "distance.py"
FLOOR = "return tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(a - b), axis=1, keepdims=True), 1e-12))"


@pytest.fixture(scope="module", autouse=True)
def _preloaded() -> None:
    corpus.preload()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    shutil.copyfile(SCRIPT, tmp_path / "train.py")
    return tmp_path / "train.py"


@pytest.fixture(scope="module")
def caught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capsule whose remedies nobody has tried; its script lies beside it."""
    home = tmp_path_factory.mktemp("caught")
    shutil.copyfile(SCRIPT, home / "train.py")
    code, shown = corpus.typed("run", "--no-treat", "--out", str(home / "out"), str(home / "train.py"), cwd=home)
    assert code == 3, shown
    (folder,) = (home / "out").iterdir()
    return folder


def typed(*arguments: str, cwd: Path) -> tuple[int, str]:
    return corpus.typed(*arguments, cwd=cwd, limit=240)


def proven(document: dict[str, Any]) -> dict[str, Any]:
    (diagnosis,) = document["diagnoses"]
    return diagnosis["treatments"][0]


@pytest.mark.xdist_group("treat")
def test_run_proves_a_remedy_and_leaves_the_script_alone(script: Path) -> None:
    before = script.read_bytes()
    code, shown = typed("run", "--json", "found.json", "train.py", cwd=script.parent)
    assert code == 3, shown
    best = proven(json.loads((script.parent / "found.json").read_bytes()))
    assert (best["remedy"], best["safety"], best["canonical"]) == ("floor-inside-root", "safe", True)
    verification = best["verification"]
    assert [verification[k] for k in ("finite", "gradients_finite", "still_learns", "healthy_unchanged", "whole")] == [
        True
    ] * 5
    assert f"+        {FLOOR}" in best["diff"]
    assert re.search(r"Proven over \d+ steps, to the end of the script", shown)
    assert script.read_bytes() == before
    assert sorted(os.listdir(script.parent)) == [".nandoctor", "found.json", "train.py"]
    (capsule,) = (script.parent / ".nandoctor").iterdir()
    kept = read_capsule(capsule).diagnosis  # its hashes fit what was put in
    assert kept.diagnoses[0].treatments[0].proven
    assert "Proven over" in (capsule / "report.html").read_text()


@pytest.mark.xdist_group("treat")
def test_fix_writes_the_change_and_no_capsule_leaves_none(script: Path) -> None:
    arguments = ["--no-capsule", "--fix", "--yes", "--json", "found.json", "--html", "page.html", "train.py"]
    code, shown = typed("run", *arguments, cwd=script.parent)
    assert code == 3, shown
    assert FLOOR in script.read_text()
    assert "train.py is changed. Run it again: nandoctor run train.py" in shown
    document = json.loads((script.parent / "found.json").read_bytes())
    assert document["capsule"] is None
    assert proven(document)["verification"]["finite"]
    assert "Proven over" in (script.parent / "page.html").read_text()
    assert sorted(os.listdir(script.parent)) == ["found.json", "page.html", "train.py"]
    assert typed("run", "--quiet", "train.py", cwd=script.parent) == (0, "")


@pytest.mark.parametrize("command", [["run", "train.py"], ["treat", "capsule"]])
def test_fix_where_nobody_can_be_asked_runs_nothing(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("open('it-ran', 'w')\n")
    done = subprocess.run(
        [sys.executable, "-m", "nandoctor", command[0], "--fix", command[1]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert "there is no terminal to ask at. Add --yes to write at once." in done.stderr
    assert os.listdir(tmp_path) == ["train.py"]


@pytest.mark.clinic
@pytest.mark.xdist_group("treat")
@pytest.mark.parametrize(("answer", "changed"), [("y", True), ("", False)])
def test_at_a_terminal_it_asks(script: Path, caught: Path, answer: str, changed: bool) -> None:
    folder = script.parent / "capsule"
    shutil.copytree(caught, folder)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "nandoctor", "treat", "--fix", "--script", "train.py", str(folder)]
    with subprocess.Popen(command, stdin=theirs, stderr=subprocess.PIPE, text=True, cwd=script.parent) as process:
        os.write(ours, f"{answer}\n".encode())
        _, shown = process.communicate(timeout=240)
    assert process.returncode == 0, shown
    assert "Apply this change to train.py? [y/N]" in shown
    assert (FLOOR in script.read_text()) is changed
    assert ("nothing was written" in shown) is not changed


@pytest.mark.xdist_group("treat")
def test_a_script_that_has_changed_at_the_line_is_not_treated(script: Path, caught: Path) -> None:
    script.write_text(script.read_text().replace("tf.sqrt(tf.reduce_sum", "tf.math.sqrt(tf.reduce_sum"))
    before = script.read_bytes()
    folder = script.parent / "capsule"
    shutil.copytree(caught, folder)
    code, shown = typed("treat", "--fix", "--yes", "--script", "train.py", str(folder), cwd=script.parent)
    assert code == 3, shown
    assert "no change of the source is proven, so nothing was written" in shown
    assert script.read_bytes() == before


@pytest.mark.xdist_group("treat")
def test_try_takes_a_name_or_a_changed_copy(caught: Path, tmp_path: Path) -> None:
    code, shown = typed("replay", "--try", "floor-inside-root", str(caught), cwd=tmp_path)
    assert code == 0, shown
    false = tmp_path / "mine.py"
    false.write_text(SCRIPT.read_text().replace("keepdims=True))", "keepdims=True)) + 1e-7"))
    code, shown = typed("replay", "--try", str(false), str(caught), cwd=tmp_path)
    assert code == 3, shown
    assert re.search(
        r"does not hold: the loss is finite, and \d+ of \d+ gradients are still not", " ".join(shown.split())
    )
    code, shown = typed("replay", "--try", "prayer", str(caught), cwd=tmp_path)
    assert code == 2, shown
    assert "no remedy is called 'prayer', and it is no file. Those that can be tried here: floor-inside-root" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["treat", "nowhere"], "nowhere does not exist"),
        (["treat", "--style", "fancy", "nowhere"], "--style fancy is not known: plain or nandoctor"),
        (["treat", "--json", "no/such.json", "nowhere"], "--json no/such.json: there is no folder"),
    ],
)
def test_bad_input_is_one_clear_error(arguments: list[str], message: str, tmp_path: Path) -> None:
    code, shown = typed(*arguments, cwd=tmp_path)
    assert code == 2
    assert message in shown
    assert len(shown.strip().splitlines()) == 1
