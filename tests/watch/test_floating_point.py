"""NumPy's floating-point errors are noted with the user's expression, and the user notices nothing."""

import contextlib
import warnings

import numpy as np
import pytest

from nandoctor.watch.floating_point import FloatingPointLog, listening

SCRIPT = """\
import numpy as np
power = np.array([1.0, 0.0])
level = 10 * np.log(power)
ratio = power / np.zeros(2)
spread = power.std(ddof=2)
big = np.float32(3e38) * np.float32(10)
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "prepare.py"
    path.write_text(SCRIPT)
    return path


def execute(path):
    """The warnings that a script gives, as its user sees them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(compile(path.read_bytes(), str(path), "exec"), {"__name__": "__main__"})
    return [(str(w.message), w.category, w.filename, w.lineno) for w in caught]


def test_the_users_warnings_are_the_same(script):
    plain = execute(script)
    with listening(FloatingPointLog()):
        assert execute(script) == plain
    assert [line for *_, file, line in plain if file == str(script)] == [3, 4, 4, 6]


def test_a_note_has_the_users_expression(script):
    with listening(FloatingPointLog()) as log:
        execute(script)
    places = {(n.message, n.location.line, n.location.code) for n in log.notes}
    assert {
        ("divide by zero encountered in log", 3, "np.log(power)"),
        ("divide by zero encountered in divide", 4, "power / np.zeros(2)"),
        ("invalid value encountered in divide", 4, "power / np.zeros(2)"),
        ("overflow encountered in scalar multiply", 6, "np.float32(3e38) * np.float32(10)"),
    } <= places
    assert {n.location.file for n in log.notes} == {str(script)}


def test_an_error_inside_numpy_is_told_of_the_users_line(script):
    with listening(FloatingPointLog()) as log:
        execute(script)
    assert "power.std(ddof=2)" in [n.location.code for n in log.notes]


def test_a_place_is_noted_once(tmp_path):
    path = tmp_path / "loop.py"
    path.write_text("import numpy as np\nfor _ in range(50):\n    np.log(np.zeros(1))\n")
    with listening(FloatingPointLog()) as log:
        execute(path)
    assert [n.location.line for n in log.notes] == [3]


def test_the_same_text_in_two_files_is_two_places(tmp_path):
    files = [tmp_path / "a.py", tmp_path / "b.py"]
    with listening(FloatingPointLog()) as log:
        for file in files:
            file.write_text("import numpy as np\nnp.log(np.zeros(1))\n")
            execute(file)
    assert [n.location.file for n in log.notes] == [str(f) for f in files]


def test_what_the_user_silenced_is_not_noted():
    with listening(FloatingPointLog()) as log, np.errstate(divide="ignore"):
        np.log(np.zeros(1))
    assert log.notes == ()


def test_a_warning_that_the_user_made_an_error_is_raised():
    with warnings.catch_warnings(), listening(FloatingPointLog()):
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match=r"^divide by zero encountered in log$"):
            np.log(np.zeros(1))


def test_an_error_that_the_user_asked_numpy_to_raise_is_raised():
    with (
        np.errstate(divide="raise"),
        listening(FloatingPointLog()),
        pytest.raises(FloatingPointError, match="divide by zero encountered in log"),
    ):
        np.log(np.zeros(1))


def test_numpy_is_left_as_it_was():
    def user_log(kind, flag):
        """The user's own."""

    with np.errstate(divide="call", over="ignore", call=user_log):
        before = np.geterr()
        with contextlib.suppress(KeyError), listening(FloatingPointLog()):
            np.seterr(all="ignore")
            raise KeyError("the script's")
        assert np.geterr() == before
        assert np.geterrcall() is user_log
