"""`tf.data.Dataset`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nandoctor.audit.readers.batches import ENDLESS, StreamSource
from nandoctor.audit.readers.elements import Layout
from nandoctor.errors import NandoctorError

if TYPE_CHECKING:
    from nandoctor.audit.readers.table import Request

_INFINITE = -1
"""`tf.data.INFINITE_CARDINALITY`"""

_KINDS = {True: "a tf.data.Dataset of batches", False: "a tf.data.Dataset of rows", None: "a tf.data.Dataset"}


def open_tensorflow(request: Request) -> StreamSource | None:
    """A `tf.data.Dataset`, batched or not."""
    data: Any = getattr(sys.modules.get("tensorflow"), "data", None)
    if data is None or not isinstance(request.data, data.Dataset):
        return None
    dataset = request.data
    if any(isinstance(spec, data.DatasetSpec) for spec in _specs(dataset)):
        raise NandoctorError("the dataset holds datasets, as .window() makes them: flatten it with .flat_map first.")
    batched = _batched(dataset)
    source = StreamSource(
        name="the tf.data.Dataset",
        kind=_KINDS[batched],
        elements=lambda: iter(dataset),
        layout=Layout(request.labels),
        batched=batched,
        notes=_shuffled(dataset),
        ordered=not _shuffled(dataset),
    )
    if int(dataset.cardinality()) != _INFINITE:
        return source
    note = f"the dataset has no end: its first {ENDLESS:,} rows were looked at. Audit it without .repeat()."
    return replace(source, limit=ENDLESS, notes=(*source.notes, note))


def _specs(dataset: Any) -> list[Any]:
    found: list[Any] = sys.modules["tensorflow"].nest.flatten(dataset.element_spec)
    return found


def _batched(dataset: Any) -> bool | None:
    """Whether its elements are batches; None where that can only be told by looking at one.

    Where its own steps end in a batch, they are. Where a label has no axis, they are rows.
    """
    shapes = [spec.shape for spec in _specs(dataset) if hasattr(spec, "shape")]
    if any(shape.rank == 0 for shape in shapes):
        return False
    for name in _steps(dataset):
        if "Unbatch" in name or "TensorSlice" in name:
            return False
        if "Batch" in name:
            return True
    return None


def _steps(dataset: Any) -> Iterator[str]:
    """The names of its steps, from the last one back to its source, or to where it has several."""
    while True:
        yield type(dataset).__name__
        inputs = dataset._inputs() if hasattr(dataset, "_inputs") else []
        if len(inputs) != 1:
            return
        dataset = inputs[0]


def _shuffled(dataset: Any) -> tuple[str, ...]:
    if not any("Shuffle" in name for name in _steps(dataset)):
        return ()
    return ("the dataset is shuffled: rows are numbered as they came. Audit it without .shuffle() to find them.",)
