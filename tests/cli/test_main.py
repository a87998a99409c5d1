"""The command line as it is typed: exit codes, and messages that say what to do."""

import re
import subprocess
import sys

import pytest

import nandoctor
from nandoctor.causes.catalogue import CATALOGUE
from nandoctor.cli.main import main


@pytest.fixture
def typed(capsys, tmp_path, monkeypatch):
    """Runs a command line in an empty folder; gives the exit code, and the two streams."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("print('it ran')\n")

    def run(*arguments):
        code = main(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nosuch.py"], r"there is no script nosuch\.py \(in /.*\)\."),
        (["run", "."], r"\. is a folder, not a Python script\. Run a file, or a module with -m\."),
        (["run", "--json", "no/such.json", "train.py"], r"--json no/such\.json: there is no folder /.*/no\."),
        (["run", "--json", ".", "train.py"], r"--json \. is a folder\. Name a file, or - for standard output\."),
        (["run", "--html", "no/such.html", "train.py"], r"--html no/such\.html: there is no folder /.*/no\."),
        (["run", "--html", ".", "train.py"], r"--html \. is a folder\. Name a file, or - for standard output\."),
        (["run", "--out", "train.py", "train.py"], r"--out train\.py: /.*/train\.py is not a folder\. Name a folder"),
        (["run", "--out", "train.py/x/y", "train.py"], r"--out train\.py/x/y: /.*/train\.py is not a folder\. Name"),
        (["explain", "log-of-zer"], r"no cause is called 'log-of-zer'\. Did you mean log-of-zero"),
        (["explain", "ND999"], r"no cause is called 'ND999'\."),
    ],
)
def test_what_cannot_be_done_is_one_line_that_says_why(typed, arguments, message):
    code, out, err = typed(*arguments)
    assert (code, out) == (2, "")
    assert re.match(f"nandoctor: error: {message}", err)
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--nosuch", "train.py"], "No such option: --nosuch"),
        (["--nosuch"], "No such option: --nosuch"),
        (["nosuch"], "No such command 'nosuch'"),
        (["run"], "Missing"),
        (["run", "--max-steps", "0", "train.py"], "greater than or equal to 1|not in the range"),
        (["run", "--max-steps", "many", "train.py"], "valid integer"),
        (["run", "--json"], "requires an argument"),
        (["explain", "log-of-zero", "too-many"], "unexpected extra argument"),
    ],
)
def test_a_wrong_command_line_is_explained(typed, arguments, message):
    code, out, err = typed(*arguments)
    assert (code, out) == (2, "")
    assert re.search(message, err)
    assert "Traceback" not in err


def test_where_no_framework_is_installed_it_is_said_before_the_script_runs(tmp_path):
    (tmp_path / "train.py").write_text("print('it ran')\n")
    hiding = "import importlib.util as u; real = u.find_spec\n"
    hiding += "hidden = ('keras', 'tensorflow', 'torch', 'jax')\n"
    hiding += "u.find_spec = lambda name, *rest: None if name in hidden else real(name, *rest)\n"
    hiding += "from nandoctor.cli.main import main; raise SystemExit(main(['run', 'train.py']))"
    done = subprocess.run([sys.executable, "-c", hiding], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("nandoctor: error: no framework is installed whose training could be watched: pip")


def test_nothing_is_run_or_made_when_an_output_is_wrong(typed, tmp_path):
    before = sorted(tmp_path.iterdir())
    assert "it ran" not in typed("run", "--json", "no/such.json", "--out", "new", "train.py")[1]
    assert sorted(tmp_path.iterdir()) == before


def test_without_arguments_the_commands_are_listed(typed):
    code, out, err = typed()
    assert code in (0, 2)
    for command in ("run", "explain"):
        assert re.search(rf"^  {command} ", out + err, re.M)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["explain", "--help"]])
def test_help_has_examples_and_fits(typed, monkeypatch, arguments):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = typed(*arguments)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert len(arguments) == 1 or "Examples:" in out


def test_the_version_is_that_of_the_package(typed):
    assert typed("--version") == (0, f"nandoctor {nandoctor.__version__}\n", "")


def test_explain_lists_every_cause_under_its_family(typed):
    code, out, err = typed("explain")
    assert (code, err) == (0, "")
    listed = re.findall(r"^  (ND\d{3})  (\S+) +(.+)$", out, re.M)
    assert listed == [(c.code, c.id, c.title) for c in CATALOGUE]
    families = re.findall(r"^(\w+)$", out, re.M)
    assert len(families) == len(set(families)) == len({c.code[2] for c in CATALOGUE})


@pytest.mark.parametrize("name", ["log-of-zero", "ND201", "nd201"])
def test_explain_shows_a_page(typed, name):
    (cause,) = [c for c in CATALOGUE if c.id == "log-of-zero"]
    assert typed("explain", name) == (0, cause.page + "\n", "")


def test_a_script_runs_and_its_end_is_told(typed):
    code, out, err = typed("run", "train.py")
    assert (code, out) == (0, "it ran\n")
    assert err == "nandoctor: no training step was seen, so nothing was watched.\n"


def test_quiet_says_nothing_of_a_healthy_run(typed):
    assert typed("run", "--quiet", "train.py") == (0, "it ran\n", "")


def test_options_after_the_script_are_the_scripts(typed, tmp_path):
    (tmp_path / "train.py").write_text("import sys\nprint(sys.argv[1:])\n")
    _, out, _ = typed("run", "--quiet", "train.py", "--json", "x", "-m", "--", "--quiet")
    assert out == "['--json', 'x', '-m', '--', '--quiet']\n"


def test_the_result_goes_to_a_file(typed, tmp_path):
    code, _, _ = typed("run", "--json", "result.json", "train.py")
    result = nandoctor.findings.result_from_json((tmp_path / "result.json").read_bytes())
    assert (code, result.command, result.status, result.script) == (0, "run", "healthy", "train.py")
    assert result.steps == 0


def test_the_page_goes_to_a_file_also_where_nothing_was_watched(typed, tmp_path):
    code, out, err = typed("run", "--quiet", "--html", "page.html", "--open", "train.py")
    assert (code, out, err) == (0, "it ran\n", "")
    text = (tmp_path / "page.html").read_text()
    assert text.startswith("<!doctype html>")
    assert "No training step was seen, so nothing was watched." in text


def test_a_script_that_fails_is_not_called_healthy(typed, tmp_path):
    (tmp_path / "train.py").write_text("raise SystemExit(4)\n")
    code, out, err = typed("run", "--json", "result.json", "train.py")
    result = nandoctor.findings.result_from_json((tmp_path / "result.json").read_bytes())
    assert (code, out, err, result.status) == (4, "", "", "script-error")


def test_a_module_that_does_not_exist_is_named(typed):
    code, out, err = typed("run", "-m", "nd_nowhere.train")
    assert (out, "nd_nowhere" in err, "Traceback" in err) == ("", True, False)
    assert code in (1, 2)


def test_a_reader_that_stops_reading_sees_no_traceback():
    command = f"{sys.executable} -m nandoctor explain | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_package_is_run_as_the_command_is():
    done = subprocess.run(
        [sys.executable, "-m", "nandoctor", "explain", "qqq"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("nandoctor: error: no cause is called 'qqq'.")
