"""The watch over a step that a `tf.distribute` strategy runs on several replicas.

An update inside a condition is not allowed there (it waits for the other replicas), so nothing is held back on the
device: each replica tells what it saw, and the state before the step, of which a copy stays on the device, is put back
by the host where one of them met something that is not finite.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from nandoctor.frameworks.keras.batches import is_plain
from nandoctor.frameworks.keras.gate import READING, learning_rate, optimizers_of, scales_loss, state_of, wrapped
from nandoctor.frameworks.keras.holding import Holding
from nandoctor.frameworks.reading import BAD_GRADIENT, BAD_LOSS, BAD_STATE, BAD_UPDATE, SPIKE
from nandoctor.frameworks.tensorflow.finite import all_finite, sum_of_squares, total

_BITS = (BAD_LOSS, BAD_GRADIENT, BAD_STATE, BAD_UPDATE)


def runs_on_replicas(model: Any) -> bool:
    """Whether a strategy other than TensorFlow's default runs the model's steps."""
    return type(model.distribute_strategy).__name__ != "_DefaultDistributionStrategy"


class ReplicaGate:
    """Adds a reading to what each replica's step returns. `opened` is used as that of `Gate`."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.holding = Holding()
        """Of nothing: the host keeps the whole state, see `keeping_state`."""
        self._seen = threading.local()  # the replicas are traced each in its own thread, in turns
        self._limits = (math.inf, math.inf)

    def limit(self, loss: float, gradient_norm: float) -> None:
        """From the next step on, take back one whose loss or gradient norm is larger."""
        self._limits = (loss, gradient_norm)

    def code(self, code: float, loss: float, gradient_sumsq: float) -> float:
        """The code of a step, with its size judged."""
        within = loss <= self._limits[0] and math.sqrt(max(gradient_sumsq, 0.0)) <= self._limits[1]
        return code or (0.0 if within or not math.isfinite(loss) else float(SPIKE))

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """While inside, the model's next train function is built with the reading in it."""
        with wrapped(self._model, self._read_step, self._seen_loss, self._seen_apply):
            yield

    def _read_step(self, train_step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def step(data: Any) -> dict[str, Any]:
            self._seen.losses, self._seen.gradients = [], []
            logs = dict(train_step(data))
            logs[READING] = self._reading(self._seen.losses, self._seen.gradients)
            self._seen.losses = None
            return logs

        return step

    def _reading(self, losses: Sequence[Any], gradients: Sequence[Any]) -> Any:
        state = state_of(self._model)
        weights = self._model.trainable_variables
        fine = (all_finite(losses), all_finite(gradients), all_finite(state), all_finite(weights))
        sums = [sum_of_squares(gradients), sum_of_squares(weights)]
        flags = [tf.cast(~f, tf.float32) for f in fine]
        unscaled = (tf.constant(0.0), tf.constant(0.0))  # a loss scaler is not looked into here
        return tf.stack(
            [*flags, total(losses), *sums, *unscaled, learning_rate(self._model.optimizer), tf.constant(0.0)]
        )

    def _seen_loss(self, compute_loss: Callable[..., Any]) -> Callable[..., Any]:
        def seen(*args: Any, **kwargs: Any) -> Any:
            loss = compute_loss(*args, **kwargs)
            if loss is not None and getattr(self._seen, "losses", None) is not None:
                self._seen.losses.extend(tf.nest.flatten(loss))
            return loss

        return seen

    def _seen_apply(self, optimizer: Any) -> Callable[..., Any]:
        apply = optimizer.apply

        def seen(grads: Any, trainable_variables: Any = None) -> Any:
            grads = list(grads)
            if getattr(self._seen, "gradients", None) is not None and not scales_loss(optimizer):
                self._seen.gradients.extend(g for g in grads if g is not None)
            return apply(grads, trainable_variables)

        return seen


Judge = Callable[[float, float, float], float]
"""Gives the code of a step for its code so far, its loss and the sum of squares of its gradients."""


def keeping_state(model: Any, step: Callable[[Any], Any], judge: Judge) -> Callable[[Any], tuple[Any, Sequence[Any]]]:
    """The step, whose writes are taken back where its reading is not healthy: nothing is left to put back."""

    def kept(data: Any) -> tuple[Any, Sequence[Any]]:
        found = [*model.variables, *model.metrics_variables, *(v for o in optimizers_of(model) for v in o.variables)]
        variables = list({id(v): v for v in found}.values())
        before = [tf.identity(v.value) for v in variables]
        logs = dict(step(data))
        logs[READING], healthy = _added_up(logs[READING], judge)
        if not healthy:
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)
        return logs, ()

    return kept


def _added_up(mean: Any, judge: Judge) -> tuple[Any, bool]:
    """Keras gives the mean over the replicas: a flag above 0 was raised by one of them."""
    flags, rest = mean[: len(_BITS)].numpy(), mean[len(_BITS) :]
    seen = float(sum(bit for bit, flag in zip(_BITS, flags, strict=True) if flag > 0))
    code = judge(seen, *map(float, rest[:2].numpy()))
    return tf.concat([[code], rest], axis=0), code == 0.0


def as_one_batch(data: Any) -> Any:
    """A batch that was spread over replicas, as the one batch that it was before."""

    def joined(leaf: Any) -> Any:
        parts = leaf.values if isinstance(leaf, tf.distribute.DistributedValues) else (leaf,)
        return parts[0] if len(parts) == 1 else tf.concat(parts, axis=0)

    if is_plain(data):
        return data
    return tf.nest.map_structure(joined, data)
