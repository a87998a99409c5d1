"""`tf.train.Example`, out of its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_BYTES, _FLOATS, _INTEGERS = 1, 2, 3

Values = NDArray[Any] | bytes
"""float32 or int64, `(n,)`; of bytes, the first of them."""


def features_in(record: bytes) -> dict[str, Values]:
    """The features that have a value, by name.

    Raises:
        ValueError, IndexError: these bytes are no Example.
    """
    found: dict[str, Values] = {}
    for number, features in _fields(record):
        if number != 1 or not isinstance(features, bytes):
            raise ValueError(f"field {number} is no features")
        for _, entry in _fields(features):
            parts = dict(_fields(_as_bytes(entry)))
            value = _value(_as_bytes(parts.get(2, b"")))
            if value is not None:
                found[_as_bytes(parts[1]).decode() if 1 in parts else ""] = value
    return found


def _value(feature: bytes) -> Values | None:
    for kind, held in _fields(feature):
        inner = _as_bytes(held)
        if kind == _BYTES:
            return next((_as_bytes(one) for _, one in _fields(inner)), None)
        values = _floats(inner) if kind == _FLOATS else _integers(inner) if kind == _INTEGERS else None
        return values if values is not None and values.size else None
    return None


def _floats(inner: bytes) -> NDArray[np.float32]:
    """Packed, or one by one."""
    return np.concatenate([np.frombuffer(_as_bytes(held), "<f4") for _, held in _fields(inner)] or [np.empty(0, "<f4")])


def _integers(inner: bytes) -> NDArray[np.int64]:
    found = [_varints(held) if isinstance(held, bytes) else _signed([held]) for _, held in _fields(inner)]
    return np.concatenate(found or [np.empty(0, np.int64)])


def _varints(packed: bytes) -> NDArray[np.int64]:
    """Numbers of 7 bits a byte, low ones first; the last byte of each has no high bit."""
    raw = np.frombuffer(packed, np.uint8)
    if not raw.size:
        return np.empty(0, np.int64)
    last = raw < 0x80
    if last.all():
        return raw.astype(np.int64)
    if not last[-1]:
        raise ValueError("a number is cut off")
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(raw.size) - np.repeat(starts, ends - starts + 1)
    bits = (raw & 0x7F).astype(np.uint64) << (place * 7).astype(np.uint64)
    return np.bitwise_or.reduceat(bits, starts).view(np.int64)


def _signed(values: list[int]) -> NDArray[np.int64]:
    return np.array([value & 0xFFFFFFFFFFFFFFFF for value in values], np.uint64).view(np.int64)


def _as_bytes(held: bytes | int) -> bytes:
    if not isinstance(held, bytes):
        raise ValueError("a number where bytes were due")
    return held


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a protocol buffer message: their numbers, and what they hold."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == _LENGTH:
            size, at = _varint(message, at)
        elif wire in {_FIXED64, _FIXED32}:
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if at + size > len(message):
            raise ValueError("a field is cut off")
        yield number, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
