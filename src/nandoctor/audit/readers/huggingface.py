"""Datasets of the library `datasets`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nandoctor.audit.readers.batches import Block, StreamSource, by_index
from nandoctor.audit.readers.elements import TARGETS, Layout
from nandoctor.errors import NandoctorError

if TYPE_CHECKING:
    from nandoctor.audit.readers.table import Request

SLICE = 256
"""Rows that are asked for at once."""


def open_huggingface(request: Request) -> StreamSource | None:
    """A `Dataset` in slices, an `IterableDataset` row by row; of a dict of splits, the one called train."""
    library: Any = sys.modules.get("datasets")
    if library is None or not hasattr(library, "DatasetDict"):
        return None
    dataset: Any = request.data
    notes: tuple[str, ...] = ()
    if isinstance(dataset, (library.DatasetDict, library.IterableDatasetDict)):
        dataset, notes = _split(dataset)
    if isinstance(dataset, library.IterableDataset):
        return _of_stream(dataset, request.labels, notes)
    return _of_table(dataset, request.labels, notes) if isinstance(dataset, library.Dataset) else None


def _split(splits: Mapping[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """The one to audit, and what is said of the others."""
    name = "train" if "train" in splits else next(iter(splits), "")
    if not name or ("train" not in splits and len(splits) > 1):
        raise NandoctorError(f"the DatasetDict has {', '.join(splits) or 'no'} splits, and none is train: give one.")
    others = [other for other in splits if other != name]
    return splits[name], (f"of the splits, {name} was looked at, not {', '.join(others)}.",) if others else ()


def _of_table(dataset: Any, labels: Any, notes: tuple[str, ...]) -> StreamSource:
    labels, classes, said = _targets(dataset.features, dataset.column_names, labels)
    # as the user has it formatted, the training will get it; unformatted it is Python objects, which are slow
    shown = dataset.with_format("numpy") if dataset.format["type"] is None else dataset
    return StreamSource(
        name="the Dataset",
        kind="a Hugging Face dataset",
        elements=lambda: _rows(shown),
        layout=Layout(labels),
        batched=False,
        rows=len(dataset),
        classes=classes,
        notes=(*notes, *said),
    )


def _of_stream(dataset: Any, labels: Any, notes: tuple[str, ...]) -> StreamSource:
    labels, classes, said = _targets(dataset.features or {}, list(dataset.features or ()), labels)
    return StreamSource(
        name="the IterableDataset",
        kind="a Hugging Face dataset that is streamed",
        elements=lambda: map(_present, dataset),
        layout=Layout(labels),
        batched=False,
        classes=classes,
        notes=(*notes, *said),
    )


def _targets(
    features: Mapping[str, Any], columns: list[str], labels: Any
) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
    """The columns of the targets, the names of their classes, and what the user should know."""
    named = {name: tuple(feature.names) for name, feature in features.items() if hasattr(feature, "str2int")}
    if labels is None:
        found = list(named) or [name for name in columns if name in TARGETS]
        labels = ",".join(found) or None
        said = (f"taken as the target: {', '.join(found)}.",) if found else ()
    else:
        said = ()
    if labels is not None and columns and (unknown := set(_names(labels)) - set(columns)):
        raise NandoctorError(f"there is no column {', '.join(sorted(unknown))}; there are {', '.join(columns)}.")
    classes = {named[name] for name in _names(labels) if name in named}
    return labels, classes.pop() if len(classes) == 1 else (), said


def _names(labels: Any) -> list[str]:
    return [name.strip() for name in str(labels or "").split(",") if name.strip()]


def _rows(dataset: Any) -> Iterator[Any]:
    """In slices; one that cannot be read, row by row."""
    for start in range(0, len(dataset), SLICE):
        stop = min(start + SLICE, len(dataset))
        try:
            block = Block(dataset[start:stop])
        except Exception:
            yield from by_index(lambda row: _present(dataset[row]), range(start, stop), "dataset")
        else:
            yield block


def _present(row: Mapping[str, Any]) -> dict[str, Any]:
    """A number that is missing is NaN, as Arrow gives it to NumPy."""
    return {name: np.float64("nan") if value is None else value for name, value in row.items()}
