"""Keras's train function, taken apart into steps: the batch is seen before it goes in, the reading as it comes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nandoctor.frameworks.keras.batches import read_batch
from nandoctor.frameworks.keras.caution import Caution
from nandoctor.frameworks.keras.gate import READING, Gate
from nandoctor.frameworks.keras.replicas import ReplicaGate, as_one_batch, keeping_state, runs_on_replicas
from nandoctor.frameworks.protocol import Verdict, Watcher
from nandoctor.frameworks.reading import BAD_UPDATE, Reading

_COMPILED = "__nandoctor_compiled__"
"""Attribute of a train or test function of Keras: what was compiled of it, by the specification of its batches."""

UPDATE_EVERY = 32
"""In every so many steps it is looked at by how much the weights change."""

TrainFunction = Callable[[Any], Any]
GatedStep = Callable[[Any], tuple[dict[str, Any], Reading]]
Unguarded = Callable[[], TrainFunction]


def watched(model: Any, step: GatedSteps, watcher: Watcher, unguarded: Unguarded) -> TrainFunction:
    """The model's (gated) train function, one step at a time, with the batch in hand before it goes in.

    `unguarded` puts back everything and gives Keras's own train function, should the guard have to go.
    """

    def train_function(iterator: Any) -> Any:
        logs: Any = None
        for n in range(int(model.steps_per_execution)):
            try:
                data = iterator.get_next() if isinstance(iterator, tf.data.Iterator) else next(iterator)
            except (StopIteration, tf.errors.OutOfRangeError):
                if n == 0:
                    raise
                break
            logs, verdict = _step(lambda batch: step(iterator, batch), data, watcher, unguarded)
            if verdict == "skip":
                logs = step.logs_before()
                continue
            if verdict != "go":
                break
            step.last, step.in_epoch = logs, True
        return logs

    return train_function


def _is_finite(value: Any) -> bool:
    """Whether all numbers of what a step logs are finite; what is no number is left as it is."""
    try:
        return all(bool(np.isfinite(np.asarray(part)).all()) for part in tf.nest.flatten(value))
    except TypeError:
        return True


def one_step(model: Any, keras_function: TrainFunction, iterator: Any) -> TrainFunction:
    """Keras's train or test function on one batch, compiled as Keras would compile it.

    The iterator's element specification is the signature, so the step is traced with the same (unknown) batch size, and
    compiled to the same program, as when Keras pulls the batch inside the graph. What was compiled is kept with Keras's
    own function: the next `fit` on the model may use it again.
    """

    def run(data: Any) -> Any:
        return keras_function([data])

    if model.run_eagerly or not isinstance(iterator, tf.data.Iterator):
        return run
    spec = iterator.element_spec
    made: dict[str, TrainFunction] = keras_function.__dict__.setdefault(_COMPILED, {})
    if str(spec) not in made:
        made[str(spec)] = tf.function(run, input_signature=[spec], autograph=False)
    return made[str(spec)]


class GatedSteps:
    """The gated step of one training on one batch after the other, prepared when the first one is there.

    `before_step` is called in front of each.
    """

    def __init__(
        self,
        model: Any,
        gate: Gate | ReplicaGate,
        watcher: Watcher,
        note_dataset: Callable[[Any], None],
        before_step: Callable[[], None],
    ) -> None:
        self._model = model
        self._gate = gate
        self._holding = gate.holding
        self._before_step = before_step
        self._watcher = watcher
        self._note_dataset = note_dataset
        self._keras_function = model.train_function
        self._run: Any = None
        self._free: Any = None
        self._caution = Caution(model)
        self._steps = 0
        self._built = False
        self.last: Mapping[str, Any] = {}
        """The logs of the last healthy step."""
        self.in_epoch = False
        """Whether that was in the epoch at hand."""

    def logs_before(self) -> Mapping[str, Any]:
        """What a step that was skipped leaves in the logs: what was there before it, as far as that is finite.

        Where every step of an epoch was skipped it is no `dict`, so that Keras does not ask the metrics at the end:
        they are 0 then, the best loss that there could be.
        """
        kept = {name: value for name, value in self.last.items() if _is_finite(value)}
        return kept if self.in_epoch else MappingProxyType(kept)

    def renew(self, keras_function: TrainFunction) -> None:
        """Go on with another train function of Keras, made of the same (gated) step."""
        self._keras_function = keras_function
        self._run = self._free = None

    def __call__(self, iterator: Any, data: Any) -> tuple[dict[str, Any], Reading]:
        """The step's logs, and what the gate said. An update that came out not finite has been taken back."""
        if self._run is None:
            self._run = self._prepared(iterator, data)
        self._before_step()
        started = time.perf_counter()
        looked_at = self._steps % UPDATE_EVERY == 0
        logs, before = self._run(data) if looked_at or self._caution.is_needed else self._free(data)
        logs = dict(logs)
        reading = _reading(logs.pop(READING).numpy().tolist(), time.perf_counter() - started)
        if reading.faulty:
            self._holding.put_back(before)
            reading = replace(reading, spoilt=not before and bool(reading.code & BAD_UPDATE))
        elif looked_at and before:
            reading = replace(reading, update_sumsq=self._holding.update_sumsq(before))
        self._steps += 1
        self._caution.note(reading)
        return logs, reading

    def _prepared(self, iterator: Any, data: Any) -> Any:
        model = self._model
        self._note_dataset(getattr(iterator, "_dataset", None))
        run = one_step(model, self._keras_function, iterator)
        compiled = isinstance(run, tf.types.experimental.PolymorphicFunction)
        if compiled:
            _build_variables(model, run)
        if runs_on_replicas(model):
            with model.distribute_strategy.scope():
                _build_variables(model, run)
            assert isinstance(self._gate, ReplicaGate)
            run = self._free = keeping_state(model, run, self._gate.code)
        elif compiled:
            run, self._free = self._compiled(run, iterator.element_spec), _freely(run)
        else:
            run = self._free = self._holding.eager(run)
        if not self._built:
            self._built = True
            self._watcher.on_built(read_batch(as_one_batch(data)))
        return run

    def _compiled(self, run: Any, spec: Any) -> Any:
        """The step that gives the values from before it, too. What its updates write shows as it is traced."""
        made, name = self._keras_function.__dict__[_COMPILED], f"{spec} held"
        if name not in made:
            run.get_concrete_function()
            made[name] = self._holding.compiled(run, spec)
        return made[name]


def _freely(run: Any) -> Callable[[Any], tuple[Any, Sequence[Any]]]:
    """The step, of which nothing from before is held."""
    return lambda data: (run(data), ())


def _build_variables(model: Any, step: Any) -> None:
    """See to it that every variable exists before the first step, so that the state before it can be kept.

    A subclassed model makes its variables while its step is traced: to build its optimizer before would break the
    training ("Unknown variable"), so the step is traced first. And which optimizers a step of the user's own uses
    shows only then.
    """
    own_step = type(model).train_step is not keras.Model.train_step
    if own_step or not all(layer.built for layer in model._flatten_layers()):
        step.get_concrete_function()
    elif model.optimizer is not None and not model.optimizer.built and model.trainable_variables:
        model.optimizer.build(model.trainable_variables)


def _step(run: GatedStep, data: Any, watcher: Watcher, unguarded: Unguarded) -> tuple[Any, Verdict]:
    """One guarded step: its logs, and what follows."""
    try:
        logs, reading = run(data)
    except tf.errors.OutOfRangeError:
        raise
    except Exception as error:
        if watcher.on_error(error, read_batch(as_one_batch(data))) == "unguarded":
            return unguarded()([data]), "unguarded"
        raise
    verdict = watcher.on_step(reading, read_batch(as_one_batch(data)))
    if verdict == "unguarded":
        plain = unguarded()
        return (plain([data]) if reading.faulty else logs), verdict
    return logs, verdict


def _reading(values: Sequence[float], seconds: float) -> Reading:
    code, loss, gradients, weights, scale, skipped, rate, left_out = values
    return Reading(
        code=int(code),
        loss=loss,
        gradient_sumsq=gradients,
        weight_sumsq=weights,
        learning_rate=None if np.isnan(rate) else rate,
        seconds=seconds,
        loss_scale=scale or None,
        skipped=bool(skipped),
        left_out=bool(left_out),
    )
