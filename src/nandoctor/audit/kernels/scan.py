"""The pass over rows of one shape and dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.kernels.facts import BINNED, ChannelFacts, RowFacts, Scan

__all__ = ["ChannelFacts", "RowFacts", "Scan", "scan"]


def scan(values: NDArray[Any], channels: int, *, binned_rows: bool = False) -> Scan:
    """Look at each element once.

    Args:
        values: `(rows, ...)`, bool, integer or float, C-contiguous; not empty.
        channels: elements of the last axis, or 1: then all elements count as one channel.
        binned_rows: whether the rows' own bins are wanted, of uint8 and bool.
    """
    # numba takes half a second to import
    from nandoctor.audit.kernels.floats import scan_floats
    from nandoctor.audit.kernels.hashes import hash_rows, words_of
    from nandoctor.audit.kernels.integers import scan_integers
    from nandoctor.audit.kernels.small import scan_bytes

    rows = np.ascontiguousarray(values).reshape(len(values), -1)
    if not rows.dtype.isnative:
        rows = rows.astype(rows.dtype.newbyteorder("="))
    if rows.dtype.kind == "b":
        rows = rows.view(np.uint8)
    if rows.dtype.kind == "f" and (words := words_of(rows)) is not None:
        return scan_floats(rows, channels, np.empty(len(rows), np.uint64), words)
    found = hash_rows(rows)
    if rows.dtype == np.uint8:
        return scan_bytes(rows, channels, found, binned=binned_rows and rows.shape[1] >= BINNED)
    return (scan_floats if rows.dtype.kind == "f" else scan_integers)(rows, channels, found)
