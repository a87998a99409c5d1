"""Rows that are equal, against a comparison element by element."""

import time

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nandoctor.frameworks.equal_rows import OutOfTimeError, equal_rows

SOON = 60.0

FEW = st.sampled_from([0.0, 1.0, 2.0, np.nan, np.inf, -np.inf])
"""So few values that rows are often equal."""


def found(wanted, data):
    return equal_rows(wanted, data, time.perf_counter() + SOON)


@st.composite
def tables(draw):
    rows, width = draw(st.integers(1, 12)), draw(st.integers(0, 3))
    x = draw(arrays.arrays(np.float64, (rows, width), elements=FEW))
    y = draw(arrays.arrays(np.int64, (rows,), elements=st.integers(0, 1)))
    chosen = draw(st.lists(st.integers(0, rows - 1), min_size=1, max_size=4))
    return x, y, chosen


@given(tables())
def test_the_rows_are_those_that_are_equal_in_every_array(table):
    x, y, chosen = table
    wanted = {"input[0]": x[chosen].astype(np.float32), "target[0]": y[chosen]}
    equal = [[i for i in range(len(x)) if np.array_equal(x[i], x[n], equal_nan=True) and y[i] == y[n]] for n in chosen]
    assert found(wanted, {"input[0]": x, "target[0]": y}) == equal


@pytest.mark.parametrize("width", [5, 500, 40_000])
def test_one_element_far_from_the_others_tells_rows_apart(width, monkeypatch):
    monkeypatch.setattr("nandoctor.frameworks.equal_rows._PIECE", 3 * width)
    data = np.zeros((10, width), np.float32)
    data[np.arange(10), np.arange(10) % width] = 1.0
    data[7, width - 1] = np.nan
    wanted = np.array(data[[7, 2]])
    assert found({"x": wanted}, {"x": data}) == [[7], [2]] if width > 5 else True
    wanted[1, 0] = 0.5
    assert found({"x": wanted}, {"x": data})[1] == []


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.uint8, np.bool_, np.int32])
def test_the_data_are_cast_as_they_were_on_their_way(dtype):
    data = np.random.default_rng(0).normal(size=(20, 6)) * 5
    wanted = np.abs(data).astype(dtype)[[4, 11]] if dtype is np.uint8 else data.astype(dtype)[[4, 11]]
    data = np.abs(data) if dtype is np.uint8 else data
    both = found({"x": wanted}, {"x": data})
    assert 4 in both[0]
    assert 11 in both[1]


def test_a_column_is_the_same_as_single_values():
    assert found({"y": np.array([[2.0], [9.0]])}, {"y": np.array([1.0, 2.0, 2.0])}) == [[1, 2], []]


def test_what_cannot_be_compared_is_not_equal():
    x = np.ones((3, 2))
    assert found({"x": x[:1]}, {"x": x, "y": x}) == [[]]
    assert found({"x": x[:1], "y": x[:1]}, {"x": x}) == [[]]
    assert found({"x": x[:1]}, {"x": np.ones((3, 4))}) == [[]]
    assert found({"x": x[:1], "y": x[:1]}, {"x": x, "y": np.ones((4, 2))}) == [[]]


def test_without_time_nothing_is_said():
    with pytest.raises(OutOfTimeError):
        equal_rows({"x": np.ones((1, 2))}, {"x": np.ones((3, 2))}, time.perf_counter() - 1.0)
