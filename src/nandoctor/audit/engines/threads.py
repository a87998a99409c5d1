"""The threads of this machine."""

from __future__ import annotations

import collections
import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from nandoctor.audit.engines.part import Joined, profile_part
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.profile import Profile
from nandoctor.audit.source import Source


def profile_with_threads(
    source: Source, probes: Sequence[Probe], *, workers: int, on_rows: Callable[[int], None]
) -> tuple[Profile, bool]:
    """The profile of a source, and whether that is all of it: Ctrl-C ends the reading, and keeps what was read.

    Args:
        source: parts that come one by one are read by one thread.
        probes: what the rows are asked.
        workers: threads.
        on_rows: is told of rows as they have been read, from any thread.
    """
    ended = threading.Event()

    def read(rows: int) -> bool:
        on_rows(rows)
        return not ended.is_set()

    parts = source.parts()
    if not isinstance(parts, Sequence):
        workers = 1
    found = Joined()
    submitted = enumerate(iter(parts))
    running: collections.deque[tuple[int, Future[Profile]]] = collections.deque()
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="audit") as pool:

        def submit(parts: int) -> None:
            for number, part in itertools.islice(submitted, parts):
                running.append((number, pool.submit(profile_part, part, probes, read)))

        try:
            submit(workers * 2)
            while running:
                found.add(running[0][1].result())
                running.popleft()
                submit(1)
        except KeyboardInterrupt:
            ended.set()
            # What was begun ends with its chunk. Only what follows without a gap counts: rows have numbers.
            for number, future in running:
                if number == found.count and (future.running() or future.done()):
                    found.add(future.result())
                future.cancel()
            return found.whole(), False
    return found.whole(), True
