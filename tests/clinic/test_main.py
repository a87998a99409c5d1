"""`python -m nandoctor.clinic`: the small version of the whole benchmark, and its errors."""

import json
import shlex
import subprocess
import sys

import pytest


def clinic(*arguments, cwd):
    command = [sys.executable, "-m", "nandoctor.clinic", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=280, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_fault_and_its_twin_through_nandoctor(tmp_path):
    code, shown, progress = clinic(
        "--case", "siamese-no-positive", "--no-peers", "--json", "all.json", "--markdown", "all.md", cwd=tmp_path
    )
    assert code == 0, shown + progress
    (judged,) = json.loads((tmp_path / "all.json").read_text())["nandoctor"]
    assert judged["answer"]["cause"] == judged["cause"] == "no-valid-pair"
    assert judged["judged"]["line"] is True
    assert "| siamese-no-positive | no-valid-pair | yes | yes |" in (tmp_path / "all.md").read_text()
    assert "1/1 nandoctor: siamese_no_positive: right" in progress
    assert "1 of 1" in shown


@pytest.fixture
def own(tmp_path):
    """A folder of scripts, and a tool that accuses everything."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "mine_healthy.py").write_text("# healthy\n")
    tool = tmp_path / "tool.py"
    tool.write_text("import json, sys; json.dump({'diagnoses': [{'cause': 'log-of-zero'}]}, open(sys.argv[1], 'w'))")
    return folder, f"mine={shlex.quote(sys.executable)} {tool} {{json}} {{script}}"


def test_own_scripts_and_an_own_tool_are_judged_and_a_false_accusation_is_exit_code_1(own, tmp_path):
    folder, tool = own
    code, shown, _ = clinic("--folder", str(folder), "--tool", tool, "--no-peers", cwd=tmp_path)
    assert code == 1
    assert "accused" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--case", "nothing"), "no case is called nothing"),
        (("--folder", "nowhere"), "there is no script"),
        (("--tool", "mine=true"), "a tool is NAME=COMMAND"),
    ],
)
def test_a_wrong_command_line_is_named(arguments, message, tmp_path):
    code, _, error = clinic(*arguments, cwd=tmp_path)
    assert code == 2
    assert message in " ".join(error.replace("│", " ").split())
