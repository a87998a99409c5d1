"""Keras's test function, one batch at a time: the first batch whose loss is not finite is handed over."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

from nandoctor.frameworks.keras.batches import read_batch
from nandoctor.frameworks.keras.replicas import as_one_batch
from nandoctor.frameworks.keras.stepping import one_step
from nandoctor.frameworks.protocol import Watcher
from nandoctor.frameworks.reading import ValidationReading


def watched_test(model: Any, watcher: Watcher, note_dataset: Callable[[Any], None]) -> Callable[[Any], Any]:
    """The model's test function with the batch in hand before it goes in, and the loss looked at as it comes out."""
    inner = model.test_function
    found: list[bool] = []
    seen = itertools.count()

    def test_function(iterator: Any) -> Any:
        if found:
            return inner(iterator)
        note_dataset(getattr(iterator, "_dataset", None))
        run, logs = one_step(model, inner, iterator), None
        for n in range(int(model.steps_per_execution)):
            try:
                data = next(iterator)
            except StopIteration:
                if n == 0:
                    raise
                break
            index = next(seen)
            if index == 0:
                watcher.on_validating(read_batch(as_one_batch(data), validation=True))
            logs = run(data)
            if not found and (bad := bad_loss(logs)) is not None:
                found.append(True)
                watcher.on_validation(ValidationReading(*bad, index), read_batch(as_one_batch(data), validation=True))
        return logs

    return test_function


def bad_loss(logs: Any) -> tuple[str, float] | None:
    """The first loss among the logs that is not finite; a metric may be what it likes."""
    if not isinstance(logs, Mapping):
        return None
    for name in ["loss"] if "loss" in logs else [name for name in logs if "loss" in str(name)]:
        value = _scalar(logs[name])
        if value is not None and not math.isfinite(value):
            return str(name), value
    return None


def _scalar(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
