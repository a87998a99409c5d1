"""Which elements of the source of a tf.data pipeline some rows were made of.

The pipeline is built anew over its own source, with the number of each element carried along, and without what
mixes elements (shuffle, repeat) or keeps them (cache). Then it is run, and its rows are compared. The user's own
pipeline is not iterated, and a stage that could notice that it is run again (a generator, Python code, a draw of random
numbers) makes the search end before it begins.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import op_def_registry

_SLICES = "TensorSliceDataset"
_SOURCES = frozenset({_SLICES, "RangeDataset", "TFRecordDatasetV2", "TextLineDatasetV2", "FixedLengthRecordDatasetV2"})
"""Sources that give the same each time: arrays, and files that are read from their start."""

_PASSING = frozenset(
    {
        "ShuffleDataset",
        "RepeatDataset",
        "PrefetchDataset",
        "CacheDataset",
        "OptionsDataset",
        "TakeDataset",
        "SkipDataset",
        "ShardDataset",
    }
)
"""Stages that choose, order or keep elements, and change none."""

_HARMLESS = frozenset(
    {
        "StatefulPartitionedCall",
        "If",
        "Case",
        "While",
        "For",
        "ReadVariableOp",
        "VarHandleOp",
        "LookupTableFindV2",
        "LookupTableSizeV2",
        "Assert",
    }
)
"""Operations that count as stateful and change no state; of calls the functions are looked into."""

_BYTES = 16 << 20
_MOST_ROWS = 512


@dataclass(frozen=True)
class Numbered:
    """A pipeline built anew.

    Attributes:
        dataset: gives `(number, element)`; where it is `batched`, `(numbers, batch)`.
        sources: where the elements come from, all in the same order.
        filtered: whether elements are left out.
    """

    dataset: Any
    sources: tuple[Any, ...]
    batched: bool = False
    filtered: bool = False

    def elements(self) -> Iterator[tuple[Any, Any]]:
        """The elements with their numbers, up to the first that cannot be made."""
        try:
            for numbers, element in self.dataset:
                yield numbers.numpy(), element
        except tf.errors.OpError:
            return

    def files(self, number: int) -> list[str]:
        """The files that an element of the source names."""
        found = []
        for source in self.sources:
            if _kind(source) == _SLICES:
                for element in source.skip(number).take(1):
                    found += [path for leaf in tf.nest.flatten(element) if (path := _file(leaf)) is not None]
        return found


def numbered(dataset: Any, row_bytes: int, *, as_it_is: bool = False) -> Numbered | None:
    """The pipeline anew; None where it has a stage that cannot be run again without being noticed, or is not known.

    Args:
        dataset: the user's; it is left alone.
        row_bytes: what a row of its batches takes.
        as_it_is: batches must be of the user's size: a later stage works on whole batches.
    """
    kind = _kind(dataset)
    if kind in _SOURCES:
        return Numbered(dataset.enumerate(), (dataset,)) if _is_dense(dataset.element_spec) else None
    if kind == "ZipDataset":
        return _zipped(dataset, row_bytes)
    before = getattr(dataset, "_input_dataset", None)
    if before is None:
        return None
    if kind in _PASSING:
        return numbered(before, row_bytes, as_it_is=as_it_is)
    if kind in ("MapDataset", "ParallelMapDataset"):
        return _mapped(numbered(before, row_bytes, as_it_is=True), dataset._map_func)
    if kind == "FilterDataset":
        return _filtered(numbered(before, row_bytes, as_it_is=True), dataset._predicate)
    if kind in ("BatchDataset", "ParallelBatchDataset"):
        size = int(dataset._batch_size)
        fitting = max(size, min(_MOST_ROWS, _BYTES // max(1, row_bytes)))
        return _batched(numbered(before, row_bytes, as_it_is=True), size if as_it_is else fitting)
    if kind == "RestructuredDataset":  # a part of `unbatch`
        return _restructured(numbered(before, row_bytes, as_it_is=True), dataset.element_spec)
    if kind == "UnbatchDataset":
        return _unbatched(numbered(before, row_bytes, as_it_is=True))
    return None


def _kind(dataset: Any) -> str:
    return type(dataset).__name__.lstrip("_")


def _is_dense(spec: Any) -> bool:
    return all(isinstance(leaf, tf.TensorSpec) for leaf in tf.nest.flatten(spec))


def _zipped(dataset: Any, row_bytes: int) -> Numbered | None:
    """Parts that run side by side; the number is that of the first."""
    parts = [numbered(part, row_bytes, as_it_is=True) for part in tf.nest.flatten(dataset._datasets)]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or any(p.filtered or p.batched != known[0].batched for p in known):
        return None

    def joined(*pairs: Any) -> Any:
        return pairs[0][0], tf.nest.pack_sequence_as(dataset._datasets, [element for _, element in pairs])

    together = tf.data.Dataset.zip(tuple(part.dataset for part in known)).map(joined)
    return Numbered(together, tuple(s for part in known for s in part.sources), known[0].batched)


def _mapped(before: Numbered | None, function: Any) -> Numbered | None:
    if before is None or not _is_pure(function.function) or not _is_dense(function.output_structure):
        return None

    def with_number(number: Any, element: Any) -> Any:
        return number, tf.nest.pack_sequence_as(function.output_structure, _called(function, element))

    mapped = before.dataset.map(with_number, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return replace(before, dataset=mapped)


def _restructured(before: Numbered | None, spec: Any) -> Numbered | None:
    if before is None or not _is_dense(spec):
        return None
    packed = before.dataset.map(lambda n, element: (n, tf.nest.pack_sequence_as(spec, tf.nest.flatten(element))))
    return replace(before, dataset=packed)


def _filtered(before: Numbered | None, predicate: Any) -> Numbered | None:
    if before is None or not _is_pure(predicate.function):
        return None
    kept = before.dataset.filter(lambda _, element: _called(predicate, element)[0])
    return replace(before, dataset=kept, filtered=True)


def _called(function: Any, element: Any) -> list[Any]:
    """What the function of a stage gives. It is called as it was traced: the user's Python code does not run again."""
    return list(tf.nest.flatten(function.function(*tf.nest.flatten(element))))


def _batched(before: Numbered | None, size: int) -> Numbered | None:
    if before is None or before.batched:
        return None
    return replace(before, dataset=before.dataset.batch(size), batched=True)


def _unbatched(before: Numbered | None) -> Numbered | None:
    if before is None or not before.batched:
        return None
    return replace(before, dataset=before.dataset.unbatch(), batched=False)


def _is_pure(function: Any) -> bool:
    """Whether a traced function gives the same each time, and nobody can tell that it was called."""
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]
    return not any(_has_state(node.op) for node in nodes if node.op not in _HARMLESS)


def _has_state(name: str) -> bool:
    known = op_def_registry.get(name)
    return known is not None and bool(known.is_stateful)  # what is no operation is a function of the library


def _file(leaf: Any) -> str | None:
    """The path that a tensor holds, if it is one of a file."""
    if leaf.dtype != tf.string or leaf.shape.rank != 0:
        return None
    path = os.fsdecode(leaf.numpy())
    return path if len(path) < 4096 and "\0" not in path and os.path.isfile(path) else None
