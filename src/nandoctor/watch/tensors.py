"""Arrays by name in the safetensors format, read as what a stranger may have written.

The header is checked against the content before an array is made: each range of bytes must be as long as its
shape and dtype say, and together they must fill the file. No array is made that the file does not hold.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np

from nandoctor.errors import CapsuleError
from nandoctor.watch.started import Count

MOST_HEADER = 32 << 20
_MOST_AXES = 32

_PLAIN = {
    "BOOL": "bool", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "C64": "<c8",
}  # fmt: skip
_SMALL = {"BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dtype: str
    shape: tuple[Count, ...]
    data_offsets: tuple[Count, Count]


def parse_tensors(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file, as views of its content.

    Raises:
        CapsuleError: the content is not what its header says; the message says what is wrong, not where.
    """
    entries, start = _header(content)
    size = len(content) - start
    _check_ranges(entries, size)
    return {name: _array(name, entry, content, start) for name, entry in entries.items()}


def _header(content: bytes) -> tuple[dict[str, _Entry], int]:
    length = int.from_bytes(content[:8], "little") if len(content) >= 8 else -1
    if length < 0 or length > min(MOST_HEADER, len(content) - 8):
        raise CapsuleError(f"its header is said to have {length:,} bytes, the file has {len(content):,} in all")
    try:
        raw = msgspec.json.decode(content[8 : 8 + length], type=dict[str, msgspec.Raw])
        raw.pop("__metadata__", None)
        entries = {name: msgspec.json.decode(entry, type=_Entry) for name, entry in raw.items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CapsuleError(f"its header cannot be read: {error}") from error
    return entries, 8 + length


def _check_ranges(entries: dict[str, _Entry], size: int) -> None:
    """Every byte belongs to one array, and each array has the bytes that its shape needs."""
    for name, entry in entries.items():
        begin, end = entry.data_offsets
        needed = math.prod(entry.shape) * _dtype(name, entry.dtype).itemsize
        if len(entry.shape) > _MOST_AXES or end - begin != needed or end > size:
            raise CapsuleError(
                f"array {name!r} is said to be {entry.dtype} of shape {_shown(entry.shape)}, "
                f"{needed:,} bytes; bytes {begin:,} to {end:,} of the {size:,} there are given for it"
            )
    filled = 0
    for name, entry in sorted(entries.items(), key=lambda pair: pair[1].data_offsets):
        begin, end = entry.data_offsets
        if begin != filled:
            raise CapsuleError(f"array {name!r} begins at byte {begin:,}, where byte {filled:,} is the next free one")
        filled = end
    if filled != size:
        raise CapsuleError(f"its arrays take {filled:,} bytes, and {size:,} are there")


def _shown(shape: tuple[int, ...]) -> str:
    return str(shape) if len(shape) <= 8 else f"({', '.join(map(str, shape[:8]))}, ... {len(shape)} axes)"


def _dtype(name: str, code: str) -> np.dtype[Any]:
    if code in _PLAIN:
        return np.dtype(_PLAIN[code])
    if code not in _SMALL:
        raise CapsuleError(f"array {name!r} has the dtype {code!r}, which is not known")
    try:
        import ml_dtypes
    except ImportError as error:
        raise CapsuleError(f"array {name!r} is {_SMALL[code]}: pip install ml_dtypes") from error
    small: np.dtype[Any] = np.dtype(getattr(ml_dtypes, _SMALL[code]))
    return small


def _array(name: str, entry: _Entry, content: bytes, start: int) -> np.ndarray:
    begin, end = entry.data_offsets
    dtype = _dtype(name, entry.dtype)
    try:
        if end == begin:
            return np.zeros(entry.shape, dtype)
        flat = np.frombuffer(content, dtype, math.prod(entry.shape), start + begin)
    except (ValueError, OverflowError, MemoryError) as error:
        raise CapsuleError(f"array {name!r} cannot have the shape {_shown(entry.shape)}: {error}") from error
    return (flat if flat.flags.aligned else flat.copy()).reshape(entry.shape)
