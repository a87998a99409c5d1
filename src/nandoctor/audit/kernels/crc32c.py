"""CRC-32C (Castagnoli), by which record files check themselves."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78
_SHORT = 64
"""Bytes for which no kernel is loaded."""


def crc32c(data: bytes) -> int:
    """Of some bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    tables = _tables()
    if len(data) > _SHORT:
        return int(_kernel()(np.frombuffer(data, np.uint8), tables))
    first: list[int] = tables[0].tolist()
    crc = 0xFFFFFFFF
    for byte in data:
        crc = first[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


@functools.cache
def _tables() -> NDArray[np.uint32]:
    """`(8, 256)`: what a byte does to the check, if 0 to 7 bytes follow it in a word of 8."""
    tables = np.empty((8, 256), np.uint32)
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0)
        tables[0, byte] = crc
    for n in range(1, 8):
        tables[n] = tables[0, tables[n - 1] & 0xFF] ^ (tables[n - 1] >> 8)
    return tables


@functools.cache
def _kernel() -> Any:
    from nandoctor.audit.kernels.compiling import kernel

    return kernel(_by_words)


def _by_words(data: Any, tables: Any) -> Any:
    """Eight bytes at a time; each has a table of its own."""
    crc = np.uint32(0xFFFFFFFF)
    words = len(data) // 8
    for n in range(words):
        at = n * 8
        crc = (
            tables[7, data[at] ^ (crc & np.uint32(0xFF))]
            ^ tables[6, data[at + 1] ^ ((crc >> np.uint32(8)) & np.uint32(0xFF))]
            ^ tables[5, data[at + 2] ^ ((crc >> np.uint32(16)) & np.uint32(0xFF))]
            ^ tables[4, data[at + 3] ^ (crc >> np.uint32(24))]
            ^ tables[3, data[at + 4]]
            ^ tables[2, data[at + 5]]
            ^ tables[1, data[at + 6]]
            ^ tables[0, data[at + 7]]
        )
    for at in range(words * 8, len(data)):
        crc = tables[0, (crc ^ data[at]) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    return crc ^ np.uint32(0xFFFFFFFF)
