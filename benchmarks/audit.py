"""What an audit costs: `nandoctor.audit` against the prints that it takes the place of, and against `numpy.sum`.

The peer is the `analyze_data` of the articles: minimum, maximum, mean and standard deviation of an array, whether it
holds NaN or infinity, and, of labels, how often each value occurs. Both look at the same array in memory, in turns, so
that whatever else the machine does falls on both alike. `--memory` counts what the process holds while it audits data
that are made as they are read, of which there are more than fit into memory.

    python benchmarks/audit.py [--rounds 7] [--workers 2] [--size 512] [--only float32] [--memory 8]
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from turns import in_turns

import nandoctor
from nandoctor.audit.checks.table import CHECKS
from nandoctor.audit.engines.threads import profile_with_threads
from nandoctor.audit.source import About, Chunk, Column
from nandoctor.audit.wishes import Wishes

GB = 1e9


def analyze_data(values: NDArray[Any], *, labels: bool = False) -> tuple[Any, ...]:
    """What is known without nandoctor, after a pass for each."""
    found = (np.min(values), np.max(values), np.mean(values), np.std(values))
    bad = (np.isnan(values).any(), np.isinf(values).any())
    return (*found, *bad, np.unique(values, return_counts=True) if labels else None)


def images(kind: str, size: int) -> NDArray[Any]:
    """`(rows, 64, 64, 3)`, of so many bytes."""
    rng = np.random.default_rng(0)
    shape = (size // (64 * 64 * 3 * np.dtype(kind).itemsize), 64, 64, 3)
    if np.dtype(kind).kind == "u":
        return rng.integers(0, 256, shape, kind)
    return rng.standard_normal(shape, kind)


def table_of(size: int) -> NDArray[Any]:
    """`(rows, 100) float32`, of so many bytes."""
    return np.random.default_rng(0).standard_normal((size // 400, 100), np.float32)


def cases(size: int) -> dict[str, Callable[[], NDArray[Any]]]:
    """Arrays by name; the goals are for float32 images and for uint8."""
    return {
        "float32 images": partial(images, "float32", size),
        "float64 images": partial(images, "float64", size),
        "uint8 images": partial(images, "uint8", size // 4),
        "float32 table": partial(table_of, size),
    }


def throughput(values: NDArray[Any], rounds: int, workers: int) -> str:
    """A line of the table: gigabytes a second of each, and the ratios in the same round."""
    labels = values.dtype == np.uint8
    turns: list[Callable[[], object]] = [
        partial(nandoctor.audit, values, workers=workers),
        partial(nandoctor.audit, values, workers=1),
        partial(analyze_data, values, labels=labels),
        partial(np.sum, values),
    ]
    ours, alone, peer, total = in_turns(turns, rounds, 1)
    rates = [values.nbytes / statistics.median(taken) / GB for taken in (ours, alone, peer, total)]
    faster, share, scaling = (
        statistics.median(a / b for a, b in zip(one, ours, strict=True)) for one in (peer, total, alone)
    )
    cells = [f"{rate:.2f}" for rate in rates]
    return " | ".join([*cells, f"{faster:.1f}x", f"{share:.0%}", f"{scaling:.2f}x"])


@dataclass(frozen=True, slots=True)
class Made:
    """Rows that are made as they are read: one block of them, and in each part another first row."""

    block: NDArray[Any]
    count: int

    name = "made"
    rows = None
    about = About(kind="made")

    def parts(self) -> Sequence[MadePart]:
        return [MadePart(self.block, n) for n in range(self.count)]


@dataclass(frozen=True, slots=True)
class MadePart:
    """One block."""

    block: NDArray[Any]
    number: int

    @property
    def name(self) -> str:
        return f"block {self.number}"

    def chunks(self) -> Iterator[Chunk]:
        yield Chunk(len(self.block), {"inputs": Column(self.block + np.float32(self.number))})


def memory(size: int, workers: int) -> str:
    """The peak of this process while it goes through so many gigabytes."""
    block = images("float32", 16 << 20)
    source = Made(block, int(size * GB / block.nbytes))
    probes = tuple(probe for check in CHECKS for probe in check.probes(Wishes()))
    began = time.perf_counter()
    found, _ = profile_with_threads(source, probes, workers=workers, on_rows=lambda rows: None)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{size} GB made and audited, {found.rows:,} rows: {seconds:.0f} s, the process at most {peak:.0f} MiB"


def main() -> int:
    """Measure what was asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", type=int, default=512, help="of the arrays, in MiB; of uint8 a quarter")
    parser.add_argument("--only", action="append", help="cases whose name holds this, may be repeated")
    parser.add_argument("--memory", type=int, help="nothing but this: how many GB to go through")
    given = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {given.workers} workers\n")
    if given.memory:
        print(memory(given.memory, given.workers))
        return 0
    print("GB/s, the median; ratios are of the same round\n")
    print("| data | audit | with one worker | analyze_data | numpy.sum | to analyze_data | of sum | to one worker |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, make in cases(given.size << 20).items():
        if not given.only or any(part in name for part in given.only):
            print(f"| {name} | {throughput(make(), given.rounds, given.workers)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
