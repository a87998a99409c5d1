"""torch `Dataset`, `IterableDataset` and `DataLoader`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nandoctor.audit.readers.batches import StreamSource, by_index
from nandoctor.audit.readers.elements import Layout
from nandoctor.errors import NandoctorError

if TYPE_CHECKING:
    from nandoctor.audit.readers.table import Request


def open_torch(request: Request) -> StreamSource | None:
    """A dataset by index, or as it comes; a loader batch by batch."""
    data: Any = sys.modules.get("torch.utils.data")
    if data is None:
        return None
    if isinstance(request.data, data.DataLoader):
        return _of_loader(request.data, request.labels, data)
    return _of_dataset(request.data, request.labels) if isinstance(request.data, data.Dataset) else None


def _of_dataset(dataset: Any, labels: Any) -> StreamSource:
    name = type(dataset).__name__
    source = StreamSource(
        name=f"the {name}",
        kind="a torch Dataset",
        elements=lambda: iter(dataset),
        layout=_layout(labels),
        batched=False,
        images_first=True,
        classes=_classes(dataset),
    )
    if not _by_index(dataset):
        return replace(source, kind="a torch IterableDataset")
    try:
        rows = len(dataset)
    except TypeError:
        raise NandoctorError(f"the {name} has no __len__: an audit reads rows 0 to len - 1.") from None
    return replace(source, rows=rows, elements=lambda: by_index(dataset.__getitem__, range(rows), name))


def _by_index(dataset: Any) -> bool:
    return not isinstance(dataset, sys.modules["torch.utils.data"].IterableDataset)


def _of_loader(loader: Any, labels: Any, data: Any) -> StreamSource:
    sampler = loader.batch_sampler or loader.sampler
    chance = isinstance(getattr(sampler, "sampler", sampler), data.RandomSampler)
    told = "the DataLoader shuffles: rows are numbered as they came. Audit its dataset to find them."
    return StreamSource(
        name=f"the DataLoader of {type(loader.dataset).__name__}",
        kind="a torch DataLoader",
        elements=lambda: iter(loader),
        layout=_layout(labels),
        batched=None if loader.batch_sampler is None else True,
        images_first=True,
        classes=_classes(loader.dataset),
        notes=(told,) if chance else (),
        ordered=not chance,
    )


def _layout(labels: Any) -> Layout:
    """Collation makes lists of tuples; and a third part may be anything."""
    return Layout(labels, lists=True, triples=False)


def _classes(dataset: Any) -> tuple[str, ...]:
    """The names that datasets of torchvision have, where they are names."""
    found = getattr(dataset, "classes", None)
    return tuple(found) if isinstance(found, (list, tuple)) and all(isinstance(name, str) for name in found) else ()
