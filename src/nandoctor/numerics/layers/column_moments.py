"""Mean and deviation of each column of data that comes in batches, in float64 on the host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np

_ELEMENTS = 1 << 20
"""A batch is looked at in pieces of this size, so that its float64 copy stays small."""


class ColumnMoments:
    """Takes in one batch after another; a column is an index along the kept axes.

    The moments of each piece are merged into those so far by their differences (Chan, Golub and LeVeque, Updating
    Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979), so nothing cancels where the mean is large
    and the spread small. A column whose least and greatest value are the same is constant, whatever rounding says.

    Args:
        keep: the axes along which there are columns, none negative, in order.
    """

    def __init__(self, keep: tuple[int, ...]) -> None:
        self._keep = keep
        self._batch = 0
        self.count = 0

    def add(self, batch: np.ndarray) -> None:
        """Take in a batch.

        Raises:
            TypeError: if it does not hold numbers.
            ValueError: if it holds NaN or an infinity, or has other columns than the first one.
        """
        if batch.dtype.kind not in "fiub" and "float" not in batch.dtype.name:
            raise TypeError(f"adapt: batch {self._batch} has dtype {batch.dtype}. Give numbers.")
        rows = max(1, _ELEMENTS // max(1, batch[:1].size))
        whole = not batch.ndim or 0 in self._keep or not len(batch)
        for start in [0] if whole else range(0, len(batch), rows):
            piece = batch if whole else batch[start : start + rows]
            self._add_piece(np.asarray(piece, np.float64), start)
        self._batch += 1

    def _add_piece(self, piece: np.ndarray, start: int) -> None:
        reduced = tuple(a for a in range(piece.ndim) if a not in self._keep)
        count = int(np.prod([piece.shape[a] for a in reduced]))
        if not count:
            return
        self._refuse_nonfinite(piece, start)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = piece.mean(axis=reduced, keepdims=True)
            mean += (piece - mean).mean(axis=reduced, keepdims=True)
            squares = np.square(piece - mean).sum(axis=reduced)
            self._merge(count, np.squeeze(mean, reduced), squares, piece.min(axis=reduced), piece.max(axis=reduced))

    def _merge(self, count: int, mean: np.ndarray, squares: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        if not self.count:
            self.count, self._mean, self._squares, self._low, self._high = count, mean, squares, low, high
            return
        if mean.shape != self._mean.shape:
            raise ValueError(
                f"adapt: batch {self._batch} has columns of shape {mean.shape}, those before it {self._mean.shape}."
            )
        total = self.count + count
        apart = mean - self._mean
        self._mean = self._mean + apart * (count / total)
        self._squares = self._squares + squares + np.square(apart) * (self.count * (count / total))
        self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        self.count = total

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation of the columns, float64; the deviation of a constant column is exactly 0.

        Raises:
            ValueError: if there was no row.
        """
        if not self.count:
            raise ValueError("adapt: the data has no rows. (An iterator can be gone through only once.)")
        constant = self._low == self._high
        deviation = np.where(constant, 0.0, np.sqrt(self._squares / self.count))
        return np.where(constant, self._low, self._mean), deviation

    def _refuse_nonfinite(self, piece: np.ndarray, start: int) -> None:
        if np.isfinite(piece).all():
            return
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(piece))[0])
        column = tuple(first[a] for a in self._keep)
        name = f"column {column[0] if len(column) == 1 else column}" if column else "the data"
        row = f", row {first[0] + start}" if piece.ndim and 0 not in self._keep else ""
        raise ValueError(
            f"adapt: {name} holds {piece[first]} (batch {self._batch}{row}), which would spoil its mean and deviation. "
            "Leave such rows out or fill them in first."
        )


def batches(data: Any) -> Iterator[np.ndarray]:
    """The batches of the data, as arrays: an array is one batch, and of `(x, y)` the x counts.

    Raises:
        TypeError: if it is no array and no iterable of arrays.
    """
    for batch in _parts(data):
        part = batch[0] if isinstance(batch, tuple) else batch
        if not hasattr(part, "shape"):
            raise TypeError(
                f"adapt: a batch is a {type(part).__name__}. Give arrays: layer.adapt(np.asarray(rows)) for a list of "
                "rows, layer.adapt([x1, x2]) for batches."
            )
        yield as_array(part)


def _parts(data: Any) -> Iterable[Any]:
    if hasattr(data, "shape") and hasattr(data, "dtype"):
        return [data]
    if hasattr(data, "element_spec"):
        return _batched(data)
    if isinstance(data, keras.utils.PyDataset):
        return (data[i] for i in range(len(data)))
    if isinstance(data, Iterable):
        return data
    raise TypeError(
        f"adapt was given a {type(data).__name__}. Give an array, a tf.data.Dataset, or an iterable of batches, as in "
        "layer.adapt(x) or layer.adapt([x1, x2])."
    )


def _batched(dataset: Any) -> Iterable[Any]:
    """A `tf.data.Dataset`; one of single rows is put into batches, as Keras does."""
    spec = dataset.element_spec
    rank = (spec[0] if isinstance(spec, tuple) else spec).shape.rank
    parts: Iterable[Any] = dataset.batch(128) if rank == 1 else dataset
    return parts


def as_array(value: Any) -> np.ndarray:
    """An array of NumPy's, on the host."""
    if keras.ops.is_tensor(value) or isinstance(value, keras.Variable):
        value = keras.ops.convert_to_numpy(value)
    return np.asarray(value)
