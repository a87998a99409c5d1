"""What was compiled for one guarded `fit` is kept for the next on the same model, as Keras keeps its own.

A `fit` in a loop would otherwise be traced anew each time. It is kept in the model's own dictionary, past its tracking,
and goes with the model; whatever compiles the model anew makes it void.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nandoctor.frameworks.keras.gate import Gate, optimizers_of
from nandoctor.frameworks.keras.replicas import ReplicaGate, runs_on_replicas

_NAME = "_nandoctor_kept"

Key = tuple[object, ...]


@dataclass
class Kept:
    """A gate, and Keras's train function with the gate in it, once Keras has made it."""

    key: Key
    gate: Gate | ReplicaGate
    function: Callable[[Any], Any] | None = None


def kept_for(model: Any, *, spikes: bool = False) -> Kept:
    """What was kept of the last `fit`, if the model is still compiled as it was then; otherwise a new gate."""
    kept = model.__dict__.get(_NAME)
    key = (*_key(model), spikes)
    if kept is None or kept.key != key:
        gate = ReplicaGate(model) if runs_on_replicas(model) else Gate(model, spikes=spikes)
        kept = model.__dict__[_NAME] = Kept(key, gate)
    return kept  # type: ignore[no-any-return]


def _key(model: Any) -> Key:
    """What a compiled step depends on. The objects themselves are in it, so that no other can have their place."""
    return (
        *(_Same(part) for part in (*optimizers_of(model), model._compile_loss, model._compile_metrics)),
        *(_Same(variable) for variable in model.trainable_variables),
        model.run_eagerly,
        model.jit_compile,
        model.steps_per_execution,
        type(model).train_step,
        type(model).compute_loss,
    )


class _Same:
    """Equal to another if both hold the same object."""

    def __init__(self, held: Any) -> None:
        self._held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._held is other._held

    __hash__ = None  # type: ignore[assignment]
