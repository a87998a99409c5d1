"""A file of the user's: the node at a place, and edits that leave all else as it was written."""

from __future__ import annotations

from pathlib import Path

import libcst as cst
import pytest

from nandoctor.errors import TreatError
from nandoctor.findings import Location
from nandoctor.treat.source import Source
from nandoctor.treat.spelling import Spelling

TEXT = '''\
"""A script."""

import tensorflow as tf
from keras import ops


def distance(u, v):  # of two rows
    s = tf.reduce_sum(
        tf.square(u - v), axis=-1
    )
    return (tf.sqrt(s) /
            ops.maximum(s, 1.0))


rate = 0.5
'''


def place(source: Source, code: str) -> Location:
    """Where a piece of code stands, as a frame would tell it."""
    start = source.text.index(code)
    line = source.text.count("\n", 0, start) + 1
    end = start + len(code)
    return Location(
        file="x.py",
        line=line,
        column=start - source.text.rfind("\n", 0, start) - 1,
        end_line=source.text.count("\n", 0, end) + 1,
        end_column=end - source.text.rfind("\n", 0, end) - 1,
        code=code,
    )


@pytest.fixture
def source() -> Source:
    return Source("x.py", TEXT)


@pytest.mark.parametrize("code", ["tf.sqrt(s)", "tf.square(u - v)", "u - v", "ops.maximum(s, 1.0)", "0.5"])
def test_the_expression_at_a_place(source: Source, code: str) -> None:
    node = source.at(place(source, code))
    assert node is not None
    assert source.code(node) == code


def test_an_expression_of_several_lines_is_placed_at_its_operator(source: Source) -> None:
    whole = place(source, "/\n            ops.maximum(s, 1.0)")
    node = source.at(whole)
    assert isinstance(node, cst.BinaryOperation)
    assert source.code(node).startswith("tf.sqrt(s) /")


def test_a_place_without_columns_is_what_its_statement_gives(source: Source) -> None:
    node = source.at(Location(file="x.py", line=15))
    assert node is not None
    assert source.code(node) == "0.5"


def test_an_edit_leaves_all_else_as_it_was(source: Source) -> None:
    node = source.at(place(source, "tf.sqrt(s)"))
    assert node is not None
    edited = source.edited(source.replace(node, "tf.sqrt(tf.maximum(s, 1e-12))"), source.before(node, "s = abs(s)"))
    expected = TEXT.replace("tf.sqrt(s)", "tf.sqrt(tf.maximum(s, 1e-12))").replace(
        "    return (", "    s = abs(s)\n    return ("
    )
    assert edited == expected


def test_an_edit_that_is_no_python_is_refused(source: Source) -> None:
    node = source.at(place(source, "tf.sqrt(s)"))
    assert node is not None
    with pytest.raises(TreatError, match=r"x\.py cannot be parsed"):
        source.edited(source.replace(node, "tf.sqrt("))


def test_edits_that_overlap_are_refused(source: Source) -> None:
    inner, outer = source.at(place(source, "u - v")), source.at(place(source, "tf.square(u - v)"))
    assert inner is not None
    assert outer is not None
    with pytest.raises(TreatError, match="overlap"):
        source.edited(source.replace(inner, "u"), source.replace(outer, "v"))


def test_a_name_is_followed_to_what_it_was_given(source: Source) -> None:
    node = source.at(place(source, "tf.sqrt(s)"))
    assert node is not None
    given = source.assigned("s", node)
    assert given is not None
    assert source.code(given).startswith("tf.reduce_sum(")
    assert source.assigned("u", node) is None


def test_an_import_goes_above_the_first_and_only_once(source: Source) -> None:
    added = source.edited(*source.importing("import numpy as np"))
    assert added.index("import numpy as np") < added.index("import tensorflow as tf")
    assert Source("x.py", added).importing("import numpy as np") == ()


def test_a_file_that_is_no_python_is_one_error(tmp_path: Path) -> None:
    file = tmp_path / "old.py"
    file.write_text("print 'python 2'\n")
    with pytest.raises(TreatError, match=r"old\.py cannot be parsed"):
        Source.read(str(file))
    with pytest.raises(TreatError, match=r"none\.py cannot be read"):
        Source.read(str(tmp_path / "none.py"))


def test_how_a_file_writes_its_frameworks(source: Source) -> None:
    spelling = Spelling.of(source)
    root, floor = source.at(place(source, "tf.sqrt(s)")), source.at(place(source, "ops.maximum(s, 1.0)"))
    assert root is not None
    assert floor is not None
    assert (spelling.family(root), spelling.family(floor)) == ("tensorflow", "keras.ops")
    assert spelling.word("tensorflow", "sum") == "tf.reduce_sum"
    assert spelling.word("keras.ops", "sum") == "ops.sum"
    assert spelling.word("numpy", "sum") is None
