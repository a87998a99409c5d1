"""The bytes of a quantile sketch, from a file that is not trusted.

What reads them is written in C++ and takes their own word for where their levels begin. So all of that is checked here
first: the layout is that of the KLL sketch of Apache DataSketches, serial version 1 and 2.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import numpy as np

from nandoctor.audit.profile.sketches import Quantiles

_FAMILY, _LEAST_LEVEL = 15, 8
_EMPTY, _SINGLE = 1, 4
"""Flags of the fourth byte."""
_MOST_LEVELS = 56


def sketch_of(content: bytes) -> Any:
    """The sketch.

    Raises:
        ValueError: the bytes are not those of one that this package makes.
    """
    import datasketches

    why = _flaw(content)
    if why:
        raise ValueError(f"a sketch is broken: {why}")
    return datasketches.kll_doubles_sketch.deserialize(content)


def _flaw(content: bytes) -> str:
    """What is wrong with the bytes; nothing: an empty text."""
    if len(content) < 16:
        return f"it has {len(content)} bytes"
    ints, version, family, flags, k, least, _ = struct.unpack_from("<BBBBHBB", content)
    if (family, k, least) != (_FAMILY, Quantiles().sketch.k, _LEAST_LEVEL) or flags & _EMPTY:
        return "it is of another kind"
    if flags & _SINGLE:
        right = (ints, version, len(content)) == (2, 2, 16) and np.isfinite(np.frombuffer(content, "<f8", 1, 8)[0])
        return "" if right else "its single item is none"
    return _flaw_of_levels(content, k) if (ints, version) == (5, 1) and len(content) >= 44 else "it is cut off"


def _flaw_of_levels(content: bytes, k: int) -> str:
    """Of a sketch with levels: each item of a level is for twice as many elements as one of the level before."""
    n, _, levels, _ = struct.unpack_from("<QHBB", content, 8)
    if not 0 < levels <= _MOST_LEVELS or len(content) < 20 + 4 * levels + 16:
        return f"it has {levels} levels"
    room = sum(_capacity(k, levels - 1 - level) for level in range(levels))
    starts = (*struct.unpack_from(f"<{levels}I", content, 20), room)
    sizes = [after - start for start, after in pairwise(starts)]
    if min(sizes) < 0 or len(content) != 20 + 4 * levels + 8 * (2 + sum(sizes)):
        return "its levels are not as long as it says"
    items = np.frombuffer(content, "<f8", offset=20 + 4 * levels)
    if sum(size << level for level, size in enumerate(sizes)) != n:
        return "its items do not add up to its elements"
    least, most, held = items[0], items[1], items[2:]
    if not np.isfinite(items).all() or (held < least).any() or (held > most).any():
        return "its items are not between its ends"
    bounds = [start - starts[0] for start in starts]
    if any((np.diff(held[a:b]) < 0).any() for a, b in pairwise(bounds[1:])):
        return "its items are in no order"
    return ""


def _capacity(k: int, depth: int) -> int:
    """Items of a level that is so far below the top one: two thirds of those of the level above."""
    if depth > 30:
        return _LEAST_LEVEL
    room = (k << (depth + 1)) // int(3**depth)
    return max(_LEAST_LEVEL, (room + 1) >> 1)
