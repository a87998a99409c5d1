"""Where in what `fit` or `evaluate` was given the rows of a batch stand: found by what they hold.

Nothing is guessed from an order: a row of the data is named where it is equal to the row of the batch, in inputs and
targets, and otherwise nothing is.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nandoctor.frameworks.equal_rows import OutOfTimeError, equal_rows
from nandoctor.frameworks.keras.batches import leaves
from nandoctor.frameworks.keras.given import Given
from nandoctor.frameworks.protocol import Batch, DataRows
from nandoctor.frameworks.tensorflow.sources import Numbered, numbered

SECONDS = 5.0
PIPELINE_SECONDS = 10.0
"""Of which the second half is for rows that were not found in the first."""

_MOST_FILES = 8


def find_rows(given: Given, batch: Batch, rows: Sequence[int], likely: int) -> DataRows | None:
    """Where rows of a batch stand in what was given; None where that does not show for each of them.

    Generators are left alone. A `PyDataset` is asked for its batches, the `likely` one first.
    """
    arrays = dict(batch.arrays)
    if len(arrays) < len(leaves(batch.data)) or batch.size is None:
        return None  # text, or what has no rows: what is left of a row may be that of many
    if isinstance(given.x, keras.utils.PyDataset):
        return _in_py_dataset(given, arrays, likely)
    if isinstance(given.x, tf.data.Dataset):
        return _in_pipeline(given, arrays, rows)
    return _in_arrays(given, {role: array[list(rows)] for role, array in arrays.items()})


def given_arrays(given: Given) -> dict[str, np.ndarray]:
    """NumPy arrays of as many rows, by role; empty where anything else was given, or its rows count from elsewhere."""
    if given.offset:
        return {}
    data = dict(leaves(keras.utils.pack_x_y_sample_weight(given.x, given.y, given.sample_weight)))
    whole = all(isinstance(array, np.ndarray) and array.ndim for array in data.values())
    return data if whole and len({len(array) for array in data.values()}) == 1 else {}


def _in_arrays(given: Given, wanted: dict[str, np.ndarray]) -> DataRows | None:
    data = dict(leaves(keras.utils.pack_x_y_sample_weight(given.x, given.y, given.sample_weight)))
    if any(not hasattr(array, "__array__") or not hasattr(array, "shape") for array in data.values()):
        return None
    wanted, data = _comparable(wanted, data)
    try:
        found = equal_rows(wanted, data, time.perf_counter() + SECONDS)
    except OutOfTimeError:
        return None
    if not all(found):
        return None
    return DataRows(given.name, tuple(tuple(n + given.offset for n in equal) for equal in found))


def _comparable(wanted: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Without the weights of the rows, where Keras has put them there itself or spread them out."""
    apart = {role for role in wanted.keys() ^ data.keys() if role.startswith("sample_weight")}
    return ({k: v for k, v in wanted.items() if k not in apart}, {k: v for k, v in data.items() if k not in apart})


def _in_pipeline(given: Given, arrays: dict[str, np.ndarray], rows: Sequence[int]) -> DataRows | None:
    row_bytes = sum(array[:1].nbytes for array in arrays.values())
    pipeline = numbered(given.x, row_bytes)
    if pipeline is None:
        return None
    if not pipeline.batched:
        return _whole(given, arrays, pipeline)
    wanted = {role: array[list(rows)] for role, array in arrays.items()}
    found: list[list[int]] = [[] for _ in rows]
    began = time.perf_counter()
    with contextlib.suppress(OutOfTimeError):
        for numbers, element in pipeline.elements():
            less, data = _comparable(wanted, dict(leaves(element)))
            for known, here in zip(found, equal_rows(less, data, began + PIPELINE_SECONDS), strict=True):
                known += [int(numbers[n]) for n in here]
            spent = time.perf_counter() - began
            if spent > PIPELINE_SECONDS or (spent > PIPELINE_SECONDS / 2 and all(found)):
                break
    if not all(found):
        return None
    files = [pipeline.files(n) for n in dict.fromkeys(n for equal in found for n in equal[:_MOST_FILES])]
    return DataRows(
        given.name, tuple(map(tuple, found)), files=tuple(dict.fromkeys(f for names in files for f in names))
    )


def _whole(given: Given, arrays: dict[str, np.ndarray], pipeline: Numbered) -> DataRows | None:
    """The elements of the source are batches already."""
    deadline = time.perf_counter() + PIPELINE_SECONDS
    for number, element in pipeline.elements():
        if _is_equal(arrays, dict(leaves(element)), deadline):
            return DataRows(given.name, batch=int(number))
        if time.perf_counter() > deadline:
            break
    return None


def _is_equal(arrays: Mapping[str, np.ndarray], data: Mapping[str, Any], deadline: float) -> bool:
    """Whether two batches are equal: each is compared as one row."""
    wanted, data = _comparable(arrays, data)
    held = _read(data)
    if wanted.keys() != held.keys() or any(wanted[role].shape != array.shape for role, array in held.items()):
        return False
    with contextlib.suppress(OutOfTimeError):
        return bool(
            equal_rows({r: a[None] for r, a in wanted.items()}, {r: a[None] for r, a in held.items()}, deadline)[0]
        )
    return False


def _in_py_dataset(given: Given, arrays: dict[str, np.ndarray], likely: int) -> DataRows | None:
    count = given.x.num_batches
    if count is None:
        return None
    deadline = time.perf_counter() + SECONDS
    with _as_before(given.x):
        for index in sorted(range(count), key=lambda n: n != likely):
            batch = _asked(given.x, index)
            if _is_equal(arrays, batch, deadline):
                return DataRows(given.name, batch=index)
            drawn_anew = index == likely and not _is_equal(_read(batch), _asked(given.x, index), deadline)
            if drawn_anew or time.perf_counter() > deadline:
                break
    return None


def _asked(dataset: Any, index: int) -> dict[str, Any]:
    batch = dataset[index]
    return dict(leaves(tuple(batch) if isinstance(batch, list) else batch))


def _read(data: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {role: np.asarray(array) for role, array in data.items()}


@contextlib.contextmanager
def _as_before(dataset: Any) -> Iterator[None]:
    """Give a data set, and the generators of random numbers that it may draw from, back what they held."""
    attributes = dict(vars(dataset))
    drawn, drawn_by_numpy = random.getstate(), np.random.get_state()
    own = [(g, g.bit_generator.state) for g in attributes.values() if isinstance(g, np.random.Generator)]
    older = [(g, g.get_state()) for g in attributes.values() if isinstance(g, np.random.RandomState)]
    plain = [(g, g.getstate()) for g in attributes.values() if isinstance(g, random.Random)]
    try:
        yield
    finally:
        vars(dataset).update(attributes)
        for name in vars(dataset).keys() - attributes.keys():
            del vars(dataset)[name]
        random.setstate(drawn)
        np.random.set_state(drawn_by_numpy)
        for generator, held in own:
            generator.bit_generator.state = held
        for legacy, numbers in older:
            legacy.set_state(numbers)
        for python, place in plain:
            python.setstate(place)
