"""A hash of each row: 64 bits of its bytes, the same on every machine and in every process."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.kernels.compiling import kernel

WORDS = 512
"""Words of 8 bytes that are summed up before the sum is mixed into the hash: 4 KiB."""

KEYS = np.random.Generator(np.random.PCG64(64)).integers(1 << 63, size=WORDS, dtype=np.uint64) * np.uint64(
    2
) + np.uint64(1)


def hash_rows(rows: NDArray[Any]) -> NDArray[np.uint64]:
    """Of `(rows, n)` elements of any dtype, C-contiguous."""
    data = rows.view(np.uint8).reshape(len(rows), -1)
    found = np.empty(len(rows), np.uint64)
    if data.shape[1] in (1, 2, 4, 8):
        hash_word(data.reshape(-1).view(f"u{data.shape[1]}").astype(np.uint64), KEYS, found)
    elif (words := words_of(rows)) is not None:
        hash_words(words, KEYS, found)
    else:
        filled = np.zeros((data.shape[1] + 7) // 8, np.uint64)
        hash_bytes(data, filled.view(np.uint8), filled, KEYS, found)
    return found


def words_of(rows: NDArray[Any]) -> NDArray[np.uint64] | None:
    """Rows of 16 bytes or more as whole words; None where they are not made of such."""
    size = rows.shape[1] * rows.dtype.itemsize
    return rows.view(np.uint64) if size > 8 and size % 8 == 0 and rows.ctypes.data % 8 == 0 else None


@kernel
def mixed(x: Any) -> Any:
    """One to one on 64 bits, each bit of the result from all bits (SplitMix64, Steele et al., 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@kernel
def hash_of(words: NDArray[np.uint64], keys: NDArray[np.uint64]) -> Any:
    """Each word is mixed with the key of its place; the sums of these, block by block, are mixed into one another.

    A sum, since its order does not matter, is compiled to vector instructions.
    """
    found = np.uint64(len(words))
    for start in range(0, len(words), len(keys)):
        some = words[start : start + len(keys)]
        total = np.uint64(0)
        for n in range(len(some)):
            total += mixed(some[n] ^ keys[n])
        found = mixed(found ^ total)
    return found


@kernel
def hash_word(words: NDArray[np.uint64], keys: NDArray[np.uint64], found: NDArray[np.uint64]) -> None:
    """Of rows of one word: the same, less what it takes to begin a row."""
    for row in range(len(words)):
        found[row] = mixed(np.uint64(1) ^ mixed(words[row] ^ keys[0]))


@kernel
def hash_words(rows: NDArray[np.uint64], keys: NDArray[np.uint64], found: NDArray[np.uint64]) -> None:
    """Of rows of whole words."""
    for row in range(len(rows)):
        found[row] = hash_of(rows[row], keys)


@kernel
def hash_bytes(
    rows: NDArray[np.uint8],
    filled: NDArray[np.uint8],
    words: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    found: NDArray[np.uint64],
) -> None:
    """Of rows of any bytes, each copied to where zeros fill it up to whole words: `filled`, which `words` are, too."""
    for row in range(len(rows)):
        some = rows[row]
        for n in range(len(some)):
            filled[n] = some[n]
        found[row] = hash_of(words, keys)
