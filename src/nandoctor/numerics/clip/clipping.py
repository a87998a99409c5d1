"""What all ways of clipping have in common: gradients and a state in, bounded gradients and a new state out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from keras import ops


class Clipped(NamedTuple):
    """What comes of clipping. Gradients and state mean nothing unless `finite` is true.

    finite: a boolean scalar, whether every gradient was finite.
    gradients: in the order and the dtypes given.
    state: the values of the clipping's state after this step.
    """

    finite: Any
    gradients: list[Any]
    state: list[Any]


class Clipping:
    """One way to clip: numbers that the user chose, and no variables. What it remembers is handed in and out.

    So the same code serves where variables can be written at any place (TensorFlow, torch) and where they cannot (JAX).
    """

    def initial_state(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Name, shape and dtype of what it remembers; all begin as zeros."""
        return {}

    def clip(
        self, gradients: Sequence[Any], weights: Sequence[Any], names: Sequence[str], state: Sequence[Any]
    ) -> Clipped:
        """Clip the gradients of one step.

        Args:
            gradients: float32 or float64, at least one; of a sparse gradient its rows, each mentioned once.
            weights: for each gradient the weight that it belongs to.
            names: for each weight its path in the model.
            state: as `initial_state` says.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """What the constructor was given."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Clipping:
        """Make it again from its config."""
        return cls(**config)


def shortened(gradient: Any, parts: tuple[Any, Any]) -> Any:
    """The gradient divided by the one and multiplied by the other of what `Magnitude.shortening` gives."""
    return gradient / ops.cast(parts[0], gradient.dtype) * ops.cast(parts[1], gradient.dtype)


def all_axes(tensor: Any) -> tuple[int, ...]:
    """Every axis of a tensor."""
    return tuple(range(len(tensor.shape)))


def all_finite(rests: Sequence[Any]) -> Any:
    """Whether all these parts of norms are finite, which they are if all that they were made of is."""
    return ops.all(ops.stack([ops.all(ops.isfinite(rest)) for rest in rests]))
