"""Keras `PyDataset`, by its old name `Sequence`."""

from __future__ import annotations

import itertools
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from nandoctor.audit.readers.batches import ENDLESS, StreamSource
from nandoctor.audit.readers.elements import Layout

if TYPE_CHECKING:
    from nandoctor.audit.readers.table import Request


def open_keras(request: Request) -> StreamSource | None:
    """A `PyDataset`, whose batches are asked for by number."""
    utils: Any = getattr(sys.modules.get("keras"), "utils", None)
    if utils is None or not isinstance(request.data, utils.PyDataset):
        return None
    dataset = request.data
    name = type(dataset).__name__
    endless = f"{name} has no end: its first {ENDLESS:,} rows were looked at."
    batches: int | None = dataset.num_batches
    return StreamSource(
        name=f"the {name}",
        kind="a Keras PyDataset",
        elements=lambda: _batches(dataset, batches),
        layout=Layout(request.labels),
        batched=True,
        limit=ENDLESS if batches is None else None,
        notes=(endless,) if batches is None else (),
    )


def _batches(dataset: Any, count: int | None) -> Iterator[Any]:
    """In order; as many at once as the dataset says that threads may ask for.

    One that is for processes is asked by one thread: its `__getitem__` need not bear several.
    """
    numbers = itertools.count() if count is None else iter(range(count))
    workers = 1 if dataset.use_multiprocessing else dataset.workers
    if workers <= 1:
        yield from map(dataset.__getitem__, numbers)
        return
    waiting: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="audit-batches") as pool:
        try:
            for number in itertools.islice(numbers, workers + 1):
                waiting.append(pool.submit(dataset.__getitem__, number))
            while waiting:
                yield waiting.popleft().result()
                for number in itertools.islice(numbers, 1):
                    waiting.append(pool.submit(dataset.__getitem__, number))
        finally:
            for future in waiting:
                future.cancel()
