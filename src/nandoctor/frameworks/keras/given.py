"""What the `fit` or `evaluate` of a model that is running was given."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import keras

from nandoctor.findings import Dataset


@dataclass(frozen=True)
class Given:
    """What a call was given: arrays, or a data set in `x`. Rows count from `offset` on."""

    x: Any
    y: Any
    sample_weight: Any
    name: Dataset = "x"
    offset: int = 0


def given_to(model: Any) -> Given | None:
    """What the `fit` or `evaluate` of a model that is running now was given; asked from inside of it."""
    fit, evaluate = _code(keras.Model.fit), _code(keras.Model.evaluate)
    calls = [frame for frame in _frames() if frame.f_code in (fit, evaluate) and frame.f_locals.get("self") is model]
    if not calls:
        return None
    inner = calls[0].f_locals
    given = Given(inner["x"], inner["y"], inner["sample_weight"])
    outer = next((frame for frame in calls if frame.f_code is fit), None)
    if calls[0].f_code is fit or outer is None or outer.f_locals.get("val_x") is not given.x:
        return given
    split = _split_at(outer)
    if split is None:
        return Given(given.x, given.y, given.sample_weight, "validation_data")
    return Given(given.x, given.y, given.sample_weight, "x", split)


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _code(method: Any) -> Any:
    return inspect.unwrap(method).__code__


def _split_at(fit: FrameType) -> int | None:
    """How many rows were left for training where `fit` split its own data; None where it was given others to validate.

    Keras puts both parts in the place of what it was given; what that was its caller still knows.
    """
    if not fit.f_locals.get("validation_split"):
        return None
    caller = fit.f_back
    arguments = {} if caller is None else caller.f_locals
    try:
        call = inspect.signature(inspect.unwrap(keras.Model.fit)).bind(*arguments["args"], **arguments["kwargs"])
    except (KeyError, TypeError):
        return None
    if call.arguments.get("validation_data") is not None:
        return None
    return len(next(leaf for leaf in keras.tree.flatten(fit.f_locals["x"]) if leaf is not None))
