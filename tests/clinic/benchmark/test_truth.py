"""The header of a script, as written by its author."""

import re

import pytest

from nandoctor.clinic.benchmark.truth import read_cases, read_truth

FAULTY = '''"""Pairs that meet themselves

The distance is 0, and the
slope infinite.
"""
# cause: gradient-singularity
# phase: backward
# rows: 5, 40-42
# step: 3
# claims: A7, R1
import keras

loss = keras.ops.sqrt(0.0)  # <- here
other = loss  # the second place <- or here
'''


def write(path, text):
    path.write_text(text)
    return path


def test_every_line_of_the_header_is_read(tmp_path):
    truth = read_truth(write(tmp_path / "siamese_pairs.py", FAULTY))
    assert (truth.title, truth.about) == ("Pairs that meet themselves", "The distance is 0, and the slope infinite.")
    assert (truth.cause, truth.phase, truth.step, truth.raises) == ("gradient-singularity", "backward", 3, False)
    assert truth.rows == (5, 40, 41, 42)
    assert truth.claims == ("A7", "R1")
    assert truth.lines == {13, 14}
    assert truth.family == "siamese"


def test_any_row_and_any_step_ask_for_none(tmp_path):
    text = "# cause: log-of-zero\n# rows: any\n# step: any\n# raises: yes\n"
    truth = read_truth(write(tmp_path / "a.py", text))
    assert (truth.rows, truth.step, truth.raises, truth.claims, truth.title) == (None, None, True, (), "a")


def test_a_healthy_script_has_no_cause(tmp_path):
    assert read_truth(write(tmp_path / "a.py", "# healthy: the mean has at least one element\n")).cause is None


def test_a_script_without_a_header_is_named(tmp_path):
    path = write(tmp_path / "bare.py", "import keras\n")
    with pytest.raises(ValueError, match=re.escape(f"{path} has no header")):
        read_truth(path)


def test_a_folder_without_scripts_is_an_error_and_an_underscore_is_no_case(tmp_path):
    write(tmp_path / "_shared.py", "")
    with pytest.raises(ValueError, match=r"there is no script \(\*\.py\) in"):
        read_cases(tmp_path)
