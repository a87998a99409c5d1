"""Generators, tuples, lists, tables: what is in hand and of no framework."""

from __future__ import annotations

import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from reading import findings, forms, roles, seen

from nandoctor.audit.profile.profile import Profile, profile_chunk
from nandoctor.audit.readers.batches import CHUNK_ELEMENTS, open_iterable
from nandoctor.errors import NandoctorError

X = np.arange(24, dtype=np.float32).reshape(12, 2)
Y = np.arange(12) % 3
SPOILT = X.copy()
SPOILT[7, 1] = np.nan


def batches(x=X, y=Y, size=5, fail_at=None):
    for number, start in enumerate(range(0, len(x), size)):
        if number == fail_at:
            raise OSError("disk on fire")
        yield x[start : start + size], y[start : start + size]


def test_batches_that_are_yielded_are_counted_and_their_rows_are_named():
    audited = seen(batches(SPOILT))
    assert roles(audited) == {"inputs": "input", "targets": "target"}
    assert findings(audited) == [("nonfinite-input", "inputs", (7,))]
    assert audited.result.rows == 12
    assert not audited.result.partial
    assert audited.about.batches == {5: 2, 2: 1}
    assert "used up" in audited.result.notes[0]


def test_healthy_batches_have_no_finding():
    assert findings(seen(batches())) == []


def test_an_error_keeps_what_came_before_it_and_names_the_batch():
    audited = seen(batches(SPOILT, fail_at=2))
    assert audited.result.partial
    assert audited.result.rows == 10
    assert findings(audited) == [("nonfinite-input", "inputs", (7,))]
    assert "batch 2 (from row 10 on): the rest could not be read (OSError: disk on fire)" in audited.result.notes[-1]


def test_an_error_in_the_1001st_row_names_that_row():
    def rows():
        for n in range(2000):
            if n == 1000:
                raise OSError("disk on fire")
            yield np.float32(n), n % 3

    audited = seen(rows())
    assert (audited.result.rows, audited.result.partial) == (1000, True)
    assert "row 1,000: the rest could not be read (OSError: disk on fire)" in audited.result.notes[-1]


def test_an_error_before_anything_is_read_is_the_users_to_put_right():
    with pytest.raises(NandoctorError, match="its first element cannot be read: OSError: disk on fire"):
        seen(batches(fail_at=0))


def test_something_that_is_no_data_is_named():
    with pytest.raises(NandoctorError, match="object is no array, number or text"):
        seen(iter([object()]))


def test_ctrl_c_inside_the_users_generator_keeps_what_was_read():
    def interrupted():
        yield from batches(SPOILT)
        raise KeyboardInterrupt

    audited = seen(interrupted())
    assert audited.result.partial
    assert audited.result.rows == 12
    assert findings(audited) == [("nonfinite-input", "inputs", (7,))]


def test_rows_without_a_batch_axis_are_rows():
    audited = seen((x, y) for x, y in zip(X, Y, strict=True))
    assert forms(audited, "inputs") == {((2,), "float32"): 12}
    assert audited.about.batches == {}


def test_many_chunks_give_the_rows_their_numbers():
    count = CHUNK_ELEMENTS * 2 + 10
    marked = {3, CHUNK_ELEMENTS + 1, count - 1}
    audited = seen((np.full(2, np.nan if n in marked else n / count, np.float32), 0) for n in range(count))
    assert findings(audited) == [("nonfinite-input", "inputs", tuple(sorted(marked)))]


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (X, {"inputs": "input"}),
        ((X,), {"inputs": "input"}),
        ((X, Y, np.ones(12)), {"inputs": "input", "targets": "target", "weights": "weight"}),
        ((X, Y, X), {"inputs[0]": "input", "inputs[1]": "input", "inputs[2]": "input"}),
        (({"a": X, "b": X}, Y), {"inputs.a": "input", "inputs.b": "input", "targets": "target"}),
        (([X, X], Y), {"inputs[0]": "input", "inputs[1]": "input", "targets": "target"}),
        ((X, {"mask": Y, "edge": Y}), {"inputs": "input", "targets.mask": "target", "targets.edge": "target"}),
        ({"image": X, "label": Y}, {"image": "input", "label": "target"}),
        ({"image": X, "name": np.array(["u"] * 12)}, {"image": "input", "name": "input"}),
        (namedtuple("Both", "image target")(X, Y), {"image": "input", "target": "target"}),
        ((X, None), {"inputs": "input"}),
    ],
)
def test_the_parts_of_an_element_have_the_role_that_a_training_gives_them(element, expected):
    assert roles(seen(iter([element, element]))) == expected


def test_the_target_can_be_named():
    assert roles(seen(iter([{"a": X, "b": Y}]), "b")) == {"a": "input", "b": "target"}
    assert roles(seen(iter([(X, Y, X)]), 1)) == {"inputs[0]": "input", "targets": "target", "inputs[2]": "input"}
    with pytest.raises(NandoctorError, match="there is no c among a, b"):
        seen(iter([{"a": X, "b": Y}]), "c")
    with pytest.raises(NandoctorError, match="tuples of 2, and have no names"):
        seen(iter([(X, Y)]), "c")


def test_what_has_no_entry_for_each_row_is_left_out_and_told():
    lengths = seen(iter([(X, Y), (X, np.arange(30))]))
    assert lengths.result.rows == 24
    assert any("targets has not one entry for each row" in note for note in lengths.result.notes)


def test_an_object_may_yield_the_same_array_again_and_again():
    buffer = np.empty((4, 2), np.float32)

    def reused():
        for n in range(3):
            buffer[:] = np.nan if n == 1 else n
            yield buffer, np.arange(4)

    assert findings(seen(reused())) == [("nonfinite-input", "inputs", (4, 5, 6, 7))]


def test_rows_of_different_lengths_are_kept_as_they_are():
    audited = seen(iter([([[1, 2], [3]], [0, 1]), ([[4, 5, 6], []], [1, 1])]))
    assert forms(audited, "inputs") == {
        ((2,), "int64"): 1,
        ((1,), "int64"): 1,
        ((3,), "int64"): 1,
        ((0,), "int64"): 1,
    }


def test_text_has_one_dtype():
    assert forms(seen(iter([np.array(["a", "bbbb"]), np.array(["cc"])])), "inputs") == {((), "object"): 3}


def test_arrays_as_fit_takes_them():
    audited = seen((SPOILT, Y, np.ones(12)))
    assert roles(audited) == {"inputs": "input", "targets": "target", "weights": "weight"}
    assert findings(audited) == [("nonfinite-input", "inputs", (7,))]


def test_lists():
    assert forms(seen([[1.0, 2.0], [3.0, 4.0]], [0, 1]), "inputs") == {((2,), "float64"): 2}
    assert forms(seen([[1.0], [3, 4]], [0, 1]), "inputs") == {((1,), "float64"): 1, ((2,), "float64"): 1}
    assert forms(seen(list(X), Y), "inputs") == {((2,), "float32"): 12}
    assert roles(seen([X, X], Y)) == {"inputs[0]": "input", "inputs[1]": "input", "targets": "target"}
    assert forms(seen([np.ones(2), np.ones(3)]), "inputs") == {((2,), "float64"): 1, ((3,), "float64"): 1}
    rows = seen(list(zip(SPOILT, Y, strict=True)))
    assert roles(rows) == {"inputs": "input", "targets": "target"}
    assert findings(rows) == [("nonfinite-input", "inputs", (7,))]


def test_a_dict_of_arrays_with_the_name_of_the_target():
    assert roles(seen({"a": X, "b": Y}, "b")) == {"a": "input", "b": "target"}


def test_a_table_of_pandas():
    import pandas as pd

    table = pd.DataFrame({"a": [1.0, np.nan], "b": pd.array([1, None], dtype="Int64"), "c": ["u", "v"]})
    audited = seen(table, "b")
    assert roles(audited) == {"a": "input", "b": "target", "c": "input"}
    assert findings(audited) == [("nonfinite-input", "a", (1,)), ("nonfinite-target", "b", (1,))]
    assert findings(seen(pd.DataFrame({"a": [1, 2]}), pd.Series([0, 1]))) == []
    with pytest.raises(NandoctorError, match="there is no column z; there are a, b, c"):
        seen(table, "z")


def test_the_errors_say_what_was_found():
    with pytest.raises(NandoctorError, match=r"a tuple \(list_iterator, list_iterator\): give one"):
        seen((iter([1]), iter([2])))
    with pytest.raises(NandoctorError, match="an object of type int is nothing"):
        seen(5)
    with pytest.raises(NandoctorError, match="the data have no names"):
        seen([[1.0]], "price")
    with pytest.raises(NandoctorError, match="hold their targets themselves"):
        seen(batches(), Y)


def test_validation_data_are_looked_at_too():
    audited = seen((X, Y), validation=(SPOILT, Y))
    assert findings(audited) == [("nonfinite-input", "validation: inputs", (7,))]
    assert audited.result.rows == 12
    assert findings(seen((X, Y), validation=(X, Y))) == []
    named = seen({"a": X, "b": Y}, "b", validation={"a": X, "b": SPOILT[:, 1]})
    assert findings(named)[0] == ("nonfinite-target", "validation: b", (7,))
    assert [f[:2] for f in findings(named)[1:]] == [("data-drift", "validation: b")]  # class ids, and here floats


def test_validation_rows_are_told_to_the_checks(monkeypatch):
    from nandoctor.audit import auditing
    from nandoctor.audit.checks.check import Check

    told = []
    check = Check(lambda examined: iter(told.append(examined.wishes.validation) or ()))
    monkeypatch.setattr(auditing, "CHECKS", (check,))
    seen((X, Y), validation=(X[:0], Y[:0]))
    assert told == [0]


def test_the_batches_of_a_validation_do_not_matter(monkeypatch):
    from nandoctor.audit import auditing
    from nandoctor.audit.checks.check import Check

    told = []

    def examine(examined):
        told.append((examined.about.batches, examined.profile.batches.count, examined.wishes.batch_size))
        return iter(())

    monkeypatch.setattr(auditing, "CHECKS", (Check(examine),))
    seen(batches(), validation=batches(size=4), batch_size=5)
    assert told == [({5: 2, 2: 1}, 3, 5), ({}, 0, None)]


def test_the_profile_does_not_depend_on_where_chunks_are_merged():
    source = open_iterable(batches(SPOILT, size=5), None)
    [whole] = [profile_chunk(chunk, ()) for part in source.parts() for chunk in part.chunks()]
    parts = [
        profile_chunk(chunk, ())
        for start in (0, 5, 10)
        for part in open_iterable(iter([(SPOILT[start : start + 5], Y[start : start + 5])]), None).parts()
        for chunk in part.chunks()
    ]
    for merged in (sum(parts, Profile()), parts[0] + (parts[1] + parts[2])):
        assert merged.batches.sizes == whole.batches.sizes == {5: 2, 2: 1}
        labels, expected = merged.batches.labels["targets"], whole.batches.labels["targets"]
        assert labels.batches == expected.batches == 3
        assert labels.no_pair.first.tolist() == expected.no_pair.first.tolist() == [2]


def test_no_framework_is_imported_to_find_out_what_an_object_is():
    code = (
        "import sys, numpy as np, nandoctor\n"
        "nandoctor.audit((np.ones((3, 2)), np.ones(3)), loss='mse')\n"
        "nandoctor.audit(iter([(np.ones((3, 2)), np.ones(3))]))\n"
        "print(*({'tensorflow', 'keras', 'torch', 'jax', 'datasets', 'pandas', 'ray'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("\n", "")
