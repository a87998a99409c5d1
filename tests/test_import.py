"""Importing nandoctor imports no framework: a user's script decides whether and when."""

import subprocess
import sys

import pytest

FRAMEWORKS = ("tensorflow", "keras", "torch", "jax")


@pytest.mark.parametrize(
    "statement",
    ["import nandoctor", "import nandoctor.cli.run, nandoctor.cli.explain", "import nandoctor; nandoctor.Guard()"],
)
def test_no_framework_is_loaded(statement):
    code = f"import sys\n{statement}\nprint(*({FRAMEWORKS} & sys.modules.keys()))"
    code = code.replace(str(FRAMEWORKS), repr(set(FRAMEWORKS)))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
    assert done.stderr == ""


PAGE_ONLY = ("altair", "jinja2", "markupsafe", "narwhals", "PIL", "vl_convert", "nandoctor.report.page")


@pytest.mark.parametrize(
    "statement", ["import nandoctor; nandoctor.Guard()", "import nandoctor.cli.main, nandoctor.cli.run"]
)
def test_what_only_a_page_needs_waits_for_a_page(statement):
    code = f"import sys\n{statement}\nprint(*(set({PAGE_ONLY}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_the_public_names_are_these():
    import nandoctor

    public = {name for name in vars(nandoctor) if not name.startswith("_")}
    modules = {name for name in public if f"nandoctor.{name}" in sys.modules}
    assert public - modules == {"CapsuleError", "Guard", "NandoctorError", "TrainingFaultError", "replay"}
