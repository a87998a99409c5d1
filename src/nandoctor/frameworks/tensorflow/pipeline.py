"""Looks for the `map` of a tf.data pipeline that spoilt an element, and records that element's way through it.

The functions of a pipeline run in graphs of their own, before the step. Each `map` is searched, from the source
on, for an element that goes in finite and comes out not; that one element is then mapped again, eagerly and
recorded, so that the expression is named as it is for an operation of the model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from nandoctor.frameworks.tensorflow.recorder import Recorder, recording
from nandoctor.trace.graph import Trace

SECONDS = 20.0
MOST_ELEMENTS = 200_000


def trace_spoiling_map(dataset: Any) -> Trace | None:
    """The trace of the first `map` that makes an element not finite; None where no map does."""
    deadline = time.perf_counter() + SECONDS
    for mapped in reversed(list(_maps(dataset))):
        function = mapped._map_func._func
        element = _first_spoilt(mapped._input_dataset, function, deadline)
        if element is not None:
            return _recorded(function, element)
        if time.perf_counter() > deadline:
            return None
    return None


def _maps(dataset: Any) -> Iterator[Any]:
    """The `map` stages from the last to the first."""
    while dataset is not None:
        if hasattr(dataset, "_map_func") and hasattr(dataset, "_input_dataset"):
            yield dataset
        dataset = getattr(dataset, "_input_dataset", None) or getattr(dataset, "_dataset", None)


def _first_spoilt(source: Any, function: Callable[..., Any], deadline: float) -> Any:
    """The first element that is finite before the function and not after it."""

    def judged(*element: Any) -> Any:
        spoilt = _finite(element) & ~_finite(function(*element))
        return (spoilt, *element)

    try:
        found = source.take(MOST_ELEMENTS).map(judged).filter(lambda spoilt, *_: spoilt).take(1)
        for _, *element in found:
            return element if time.perf_counter() < deadline else None
    except (TypeError, ValueError, tf.errors.OpError):
        return None
    return None


def _finite(structure: Any) -> Any:
    tensors = [t for t in tf.nest.flatten(structure) if isinstance(t, tf.Tensor) and t.dtype.is_floating]
    tests = [tf.reduce_all(tf.math.is_finite(t)) for t in tensors]
    return tf.reduce_all(tf.stack(tests)) if tests else tf.constant(True)


def _recorded(function: Callable[..., Any], element: list[Any]) -> Trace:
    recorder = Recorder(stop=_recorded.__code__)
    for n, tensor in enumerate(t for t in tf.nest.flatten(element) if isinstance(t, tf.Tensor)):
        recorder.name_tensor(f"input[{n}]", tensor)
    with recording(recorder):
        outputs = function(*element)
    flat = [t for t in tf.nest.flatten(outputs) if isinstance(t, tf.Tensor)]
    recorder.trace.loss = [recorder.value(t) for t in flat]
    return recorder.trace
