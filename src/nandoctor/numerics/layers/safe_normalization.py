"""Normalise columns by the mean and deviation of the training data."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from nandoctor.numerics.layers.column_moments import ColumnMoments, as_array, batches


@keras.saving.register_keras_serializable("nandoctor")
class SafeNormalization(keras.layers.Layer):  # type: ignore[misc]
    """Shift and scale each column to mean 0 and deviation 1; a column that is constant becomes 0.

    `(x - mean) / std` is 0 / 0 on a constant column. `keras.layers.Normalization` divides by its epsilon there, so that
    a value that differs a little from the constant, in validation say, comes out as millions; it computes the moments
    of batches in float32, and passes a NaN in the data on into every prediction. Here moments are computed in float64
    on the host, a NaN is refused when the data is adapted to, and the mean is kept in two parts, so that a column of
    time stamps is centred as exactly as its values are given.

    Args:
        axis: the axis (or axes) along which there are columns; None for one mean and deviation over everything.
        mean: instead of `adapt`, together with `variance`: numbers that broadcast to the shape of the columns.
        variance: the same; 0 for a constant column.
        invert: undo it: the values of a constant column all become its mean.

    Raises:
        ValueError: if only one of mean and variance is given, one is not finite, or a variance is negative.

    >>> import numpy as np
    >>> layer = SafeNormalization()
    >>> layer.adapt(np.array([[1.0, 7.0], [3.0, 7.0]]))
    >>> np.array(layer(np.array([[3.0, 7.0], [2.0, 8.0]]))).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **options: Any,
    ) -> None:
        # Cast in `call` and not before it: in half or single precision the mean could not be subtracted exactly.
        super().__init__(autocast=False, **options)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.invert = invert
        self.supports_masking = True
        self._given = _checked(mean, variance)

    def build(self, input_shape: Any) -> None:
        """Make the weights; their shape is that of the columns."""
        keep = self._kept(len(input_shape))
        if any(input_shape[a] is None for a in keep):
            raise ValueError(
                f"The input has the shape {tuple(input_shape)}: the length of axis {self.axis} must be known. Give it "
                "to the Input, or take axis=None."
            )
        shape = tuple(int(input_shape[a]) for a in keep)
        dtype = "float64" if self.variable_dtype == "float64" else "float32"
        options = {"shape": shape, "trainable": False, "dtype": dtype, "autocast": False}
        self._mean = self.add_weight(name="mean", initializer="zeros", **options)
        self._rest = self.add_weight(name="mean_rest", initializer="zeros", **options)
        self._deviation = self.add_weight(name="deviation", initializer="ones", **options)
        self.built = True
        if self._given is not None:
            mean, variance = (np.broadcast_to(x, shape) for x in self._given)
            self._assign(mean, np.sqrt(variance))

    def adapt(self, data: Any) -> None:
        """Take mean and deviation from the data; what was there before is forgotten.

        Args:
            data: an array, or batches: a `tf.data.Dataset`, a `keras.utils.PyDataset`, a list or generator of arrays.
                Of tuples `(x, y)` the x counts.

        Raises:
            TypeError: if it is something else, or does not hold numbers.
            ValueError: if there is a NaN or an infinity in it (the message names column and row), or nothing.
        """
        moments: ColumnMoments | None = None
        for array in batches(data):
            if moments is None:
                moments = ColumnMoments(self._kept(array.ndim))
                self._build_for(array.shape)
            moments.add(array)
        self._assign(*(moments or ColumnMoments(())).result())
        self._given = None

    def call(self, inputs: Any) -> Any:
        """Normalise, or undo it."""
        dtype = keras.backend.result_type(inputs.dtype, self._mean.dtype)
        values = ops.cast(inputs, dtype)
        mean, rest, deviation = (
            self._spread(w, inputs.shape, dtype) for w in (self._mean, self._rest, self._deviation)
        )
        if self.invert:
            return _saturated(values * deviation + rest + mean, self.compute_dtype)
        varies = deviation > 0
        one = ops.ones_like(deviation)
        centred = values - mean - rest
        return _saturated(
            ops.where(varies, centred / ops.where(varies, deviation, one), centred * 0.0), self.compute_dtype
        )

    @property
    def mean(self) -> np.ndarray:
        """The mean of each column, float64."""
        return np.asarray(as_array(self._mean).astype(np.float64) + as_array(self._rest))

    @property
    def variance(self) -> np.ndarray:
        """The variance of each column, float64; 0 for a constant one."""
        return np.asarray(as_array(self._deviation).astype(np.float64) ** 2)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What the constructor was given; what was adapted to is in the weights."""
        mean, variance = (None, None) if self._given is None else (x.tolist() for x in self._given)
        own = {"axis": list(self.axis) or None, "mean": mean, "variance": variance, "invert": self.invert}
        return {**super().get_config(), **own}

    def _kept(self, rank: int) -> tuple[int, ...]:
        if any(not -rank <= a < rank for a in self.axis):
            raise ValueError(f"axis is {self.axis}, but the data has {rank} axes.")
        return tuple(sorted(a % rank for a in self.axis))

    def _build_for(self, shape: tuple[int, ...]) -> None:
        columns = tuple(shape[a] for a in self._kept(len(shape)))
        if self.built and tuple(self._mean.shape) != columns:
            raise ValueError(f"adapt: the data has columns of shape {columns}, the layer {tuple(self._mean.shape)}.")
        if not self.built:
            self.build(shape)

    def _assign(self, mean: np.ndarray, deviation: np.ndarray) -> None:
        dtype = self._mean.dtype
        bound = np.finfo(dtype).max
        fits = (np.abs(mean) <= bound) & (deviation <= bound)
        if not fits.all():
            column = tuple(int(i) for i in np.argwhere(~fits)[0]) if np.ndim(mean) else ()
            raise ValueError(
                f"adapt: the mean or deviation of column {column} is beyond {dtype}: {mean[column]:g}, "
                f"{deviation[column]:g}. Divide it by a constant first, or take its logarithm."
            )
        first = mean.astype(dtype)
        self._mean.assign(first)
        self._rest.assign((mean - first.astype(np.float64)).astype(dtype))
        self._deviation.assign(_not_lost(deviation, dtype))
        _warn_of_coarse(first, deviation)

    def _spread(self, weight: Any, shape: Any, dtype: str) -> Any:
        """The weight in a shape that broadcasts against the input."""
        keep = self._kept(len(shape))
        return ops.cast(ops.reshape(weight, [shape[a] if a in keep else 1 for a in range(len(shape))]), dtype)


def _checked(mean: Any, variance: Any) -> tuple[np.ndarray, np.ndarray] | None:
    if mean is None and variance is None:
        return None
    if mean is None or variance is None:
        raise ValueError(f"mean is {mean} and variance is {variance}. Give both of them, or none and call adapt(data).")
    arrays = np.asarray(mean, np.float64), np.asarray(variance, np.float64)
    for name, array in zip(("mean", "variance"), arrays, strict=True):
        if not np.isfinite(array).all():
            raise ValueError(f"{name} is {array.tolist()}, which is not finite.")
    if (arrays[1] < 0).any():
        raise ValueError(f"variance is {arrays[1].tolist()}. No variance is negative; 0 stands for a constant column.")
    return arrays


def _not_lost(deviation: np.ndarray, dtype: str) -> np.ndarray:
    """In the dtype, but not 0 where it is not: that would say that the column is constant."""
    least = float(np.finfo(dtype).tiny)
    return np.where(deviation > 0, np.maximum(deviation, least), 0.0).astype(dtype)


def _warn_of_coarse(mean: np.ndarray, deviation: np.ndarray) -> None:
    """Of a column whose values, in the layer's dtype, stand further apart than they spread."""
    step = np.spacing(np.abs(mean)).astype(np.float64)
    coarse = (deviation > 0) & (deviation < step) & (mean != 0)
    if not coarse.any():
        return
    column = tuple(int(i) for i in np.argwhere(coarse)[0]) if np.ndim(coarse) else ()
    warnings.warn(
        f"Column {column} has mean {mean[column]:g} and deviation {deviation[column]:g}, but near it numbers of "
        f"{mean.dtype} are {step[column]:g} apart: nothing of it would be left. Subtract a constant in float64 first.",
        stacklevel=4,
    )


def _saturated(values: Any, dtype: str) -> Any:
    """In the dtype; what is beyond it becomes its largest number. NaN stays NaN, which a clip does not promise."""
    bound = min(float(_largest(dtype)), float(_largest(values.dtype)))
    bounded = ops.where(values > bound, bound, ops.where(values < -bound, -bound, values))
    return ops.cast(bounded, dtype)


def _largest(dtype: Any) -> float:
    """The largest number of a dtype of Keras."""
    name = keras.backend.standardize_dtype(dtype)
    return 3.3895313892515355e38 if name == "bfloat16" else float(np.finfo(name).max)
