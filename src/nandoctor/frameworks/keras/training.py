"""A Keras `fit` on the TensorFlow backend, as the rest of the house sees a training."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nandoctor.findings import Location
from nandoctor.frameworks.keras import sites
from nandoctor.frameworks.keras.batches import leaves, map_leaves, read_batch, take_rows
from nandoctor.frameworks.keras.gate import READING, Gate, _dense, optimizers_of
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.protocol import Batch, Change, State, Verdict, Watcher
from nandoctor.frameworks.reading import Reading
from nandoctor.frameworks.tensorflow.pipeline import trace_spoiling_map
from nandoctor.frameworks.tensorflow.recorder import Recorder, marking_gradients, recording
from nandoctor.trace.graph import Trace


class KerasTraining:
    """One model inside `fit`."""

    def __init__(self, model: Any, fit_location: Location | None) -> None:
        self.model = model
        self.fit_location = fit_location
        self.compile_location = sites.compile_site(model, fit_location)
        self.optimizer_location = sites.made_at(model.optimizer)
        self._open = contextlib.ExitStack()
        self._dataset: Any = None
        self._plain_step = model.train_step
        self._plain_apply = {id(o): o.apply for o in optimizers_of(model)}

    # -- watching -------------------------------------------------------------------------------

    def open_gate(self) -> None:
        """Before Keras builds its train function: see to it that the gate is in it."""
        self._open.enter_context(Gate(self.model).opened())
        self._open.enter_context(patched(self.model, "train_function", None))

    def watch(self, watcher: Watcher) -> None:
        """After Keras built its train function: look at each batch and reading that pass through it."""
        self._open.enter_context(patched(self.model, "train_function", _watched(self, watcher)))

    def note_dataset(self, dataset: Any) -> None:
        """The tf.data pipeline that the batches come from."""
        self._dataset = dataset

    def close(self) -> None:
        """Put back everything."""
        self._open.close()

    def unguarded(self) -> Callable[[Any], Any]:
        """Put back everything in the middle of `fit`, with a train function that Keras can go on with."""
        self.close()
        for metric in self.model.metrics:  # made while a step was traced that never ran: they hold nothing yet
            if not all(v.value.is_initialized() for v in metric.variables):
                metric.reset_state()
        self.model.make_train_function(force=True)
        return self.model.train_function  # type: ignore[no-any-return]

    # -- state ----------------------------------------------------------------------------------

    def _variables(self) -> dict[str, Any]:
        model = self.model
        named: dict[str, Any] = {}
        groups = [("weight", model.trainable_variables), ("state", model.non_trainable_variables)]
        groups += [("slot", optimizer.variables) for optimizer in optimizers_of(model)]
        groups += [("metric", model.metrics_variables)]
        seen: set[int] = set()
        for role, variables in groups:
            for variable in variables:
                if id(variable) not in seen:
                    seen.add(id(variable))
                    name = f"{role} {_path(variable)}"
                    named[name if name not in named else f"{name}#{len(named)}"] = variable
        return named

    def state(self) -> dict[str, np.ndarray]:
        return {name: np.array(v) for name, v in self._variables().items() if _readable(v)}

    def restore(self, state: State) -> None:
        for name, variable in self._variables().items():
            if name in state:
                variable.assign(state[name])

    def nonfinite_weights(self) -> dict[str, np.ndarray]:
        found = {}
        for name, variable in self._variables().items():
            if name.startswith("weight ") or ("seed" not in name and name.startswith("state ")):
                array = np.asarray(variable)
                if array.dtype.kind not in "iub" and not np.isfinite(array.astype(np.float32)).all():
                    found[name] = array
        return found

    def variable_site(self, name: str) -> Location | None:
        variable = self._variables().get(name)
        if variable is not None and (written := sites.variable_made_at(variable)) is not None:
            return written
        for layer in self.model._flatten_layers(include_self=False):
            own = {_path(v) for v in (*layer._trainable_variables, *layer._non_trainable_variables)}
            if name.split(" ", 1)[-1] in own:
                return sites.made_at(layer)
        return None

    # -- replay ---------------------------------------------------------------------------------

    def trace_step(self, batch: Batch) -> Trace:
        before = self.state()
        recorder = Recorder(stop=KerasTraining.trace_step.__code__)
        try:
            with self._ungated():
                _run_recorded(self, recorder, batch.data)
        finally:
            self.restore(before)
        return recorder.trace

    def trace_pipeline(self) -> Trace | None:
        return None if self._dataset is None else trace_spoiling_map(self._dataset)

    def is_finite_with(self, batch: Batch, rows: Sequence[int]) -> bool | None:
        before = self.state()
        part = take_rows(batch.data, rows)
        seen: list[bool] = []
        try:
            with self._ungated(), _noting_finiteness(self.model, seen):
                _eagerly(self.model.train_step, part)
            finite = all(seen) and not self.nonfinite_weights()
        except Exception:  # a part of a batch may not fit a model that wants it whole
            return None
        finally:
            self.restore(before)
        return finite

    def losses_with(self, start: State, batches: Sequence[Batch], steps: int, change: Change) -> list[float]:
        before = self.state()
        losses: list[float] = []
        try:
            self.restore(start)
            with self._ungated(), _noting_losses(self.model, losses), self._scaled_rate(change.learning_rate):
                for n in range(steps):
                    _eagerly(self.model.train_step, _changed(batches[n % len(batches)], change))
                    if not np.isfinite(losses[-1]):
                        break
        finally:
            self.restore(before)
        return losses

    @contextlib.contextmanager
    def _scaled_rate(self, factor: float) -> Iterator[None]:
        """While inside, every optimizer's learning rate, also one that a schedule gives, is multiplied."""
        with contextlib.ExitStack() as stack:
            for optimizer in optimizers_of(self.model) if factor != 1.0 else ():
                inner = getattr(optimizer, "inner_optimizer", optimizer)
                if isinstance(inner._learning_rate, keras.Variable):
                    inner._learning_rate.assign(inner._learning_rate * factor)  # restored with the state
                else:
                    scaled = _ScaledSchedule(inner._learning_rate, factor)
                    stack.enter_context(patched(inner, "_learning_rate", scaled))
            yield

    @contextlib.contextmanager
    def _ungated(self) -> Iterator[None]:
        """The user's own step, without the gate, whether or not it is in place."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(patched(self.model, "train_step", self._plain_step))
            for optimizer in optimizers_of(self.model):
                plain = self._plain_apply.get(id(optimizer))
                if plain is not None:
                    stack.enter_context(patched(optimizer, "apply", plain))
            yield


class _ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A learning-rate schedule, multiplied."""

    def __init__(self, schedule: Callable[..., Any], factor: float) -> None:
        super().__init__()
        self._schedule = schedule
        self._factor = factor

    def __call__(self, step: Any) -> Any:
        try:
            rate = self._schedule(step)
        except TypeError:  # Keras also takes a function without arguments
            rate = self._schedule()
        return rate * self._factor


def _watched(training: KerasTraining, watcher: Watcher) -> Callable[[Any], Any]:
    """Keras's train function for one step at a time, with the batch in hand before it goes in."""
    model = training.model
    step = _GatedStep(training, watcher, model.train_function)

    def train_function(iterator: Any) -> Any:
        logs: Any = None
        for n in range(int(model.steps_per_execution)):
            try:
                data = iterator.get_next() if isinstance(iterator, tf.data.Iterator) else next(iterator)
            except (StopIteration, tf.errors.OutOfRangeError):
                if n == 0:
                    raise
                break
            logs, verdict = _step(lambda batch: step(iterator, batch), training, data, watcher)
            if verdict != "go":
                break
        return logs

    return train_function


class _GatedStep:
    """One step on one batch, compiled as Keras would compile it.

    The iterator's element specification is the signature, so the step is traced with the same (unknown)
    batch size, and compiled to the same program, as when Keras pulls the batch inside the graph.
    """

    def __init__(self, training: KerasTraining, watcher: Watcher, keras_function: Callable[[Any], Any]) -> None:
        self._training = training
        self._watcher = watcher
        self._keras_function = keras_function
        self._run: Any = None

    def __call__(self, iterator: Any, data: Any) -> Any:
        if self._run is None:
            self._run = self._prepared(iterator)
        return self._run(data)

    def _one_step(self, data: Any) -> Any:
        return self._keras_function([data])

    def _prepared(self, iterator: Any) -> Any:
        model, run = self._training.model, self._one_step
        self._training.note_dataset(getattr(iterator, "_dataset", None))
        if not model.run_eagerly and isinstance(iterator, tf.data.Iterator):
            run = tf.function(run, input_signature=[iterator.element_spec], autograph=False)
            _build_variables(model, run)
        self._watcher.on_built()
        return run


def _build_variables(model: Any, step: Any) -> None:
    """See to it that every variable exists before the first step, so that the state before it can be kept.

    A subclassed model makes its variables while its step is traced: to build its optimizer before would break the
    training ("Unknown variable"), so the step is traced first.
    """
    if not all(layer.built for layer in model._flatten_layers()):
        step.get_concrete_function()
    elif model.optimizer is not None and not model.optimizer.built and model.trainable_variables:
        model.optimizer.build(model.trainable_variables)


def _step(run: Callable[[Any], Any], training: KerasTraining, data: Any, watcher: Watcher) -> tuple[Any, Verdict]:
    """One guarded step: its logs, and what follows."""
    started = time.perf_counter()
    try:
        logs = dict(run(data))
    except tf.errors.OutOfRangeError:
        raise
    except Exception as error:
        if watcher.on_error(error, read_batch(data)) == "unguarded":
            return training.unguarded()([data]), "unguarded"
        raise
    values = logs.pop(READING).numpy().tolist()
    reading = _reading(values, time.perf_counter() - started)
    verdict = watcher.on_step(reading, read_batch(data))
    if verdict == "unguarded":
        plain = training.unguarded()
        return (plain([data]) if reading.faulty else logs), verdict
    return logs, verdict


def _reading(values: Sequence[float], seconds: float) -> Reading:
    code, loss, gradients, weights, updates, rate = values
    return Reading(int(code), loss, gradients, weights, updates, None if np.isnan(rate) else rate, seconds)


def _eagerly(step: Callable[[Any], Any], data: Any) -> Any:
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        return step(data)
    finally:
        tf.config.run_functions_eagerly(before)


def _run_recorded(training: KerasTraining, recorder: Recorder, data: Any) -> None:
    """The user's train step under the recorder, with its loss, gradients and writes marked in the trace."""
    model, trace = training.model, recorder.trace
    for role, variable in training._variables().items():
        recorder.name_variable(role, variable.value if isinstance(variable, keras.Variable) else variable)
    for role, leaf in leaves(data):
        if isinstance(leaf, tf.Tensor):
            recorder.name_tensor(role, leaf)
    differentiated: list[Any] = []
    computed: list[Any] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(_marking_layers(recorder))
        stack.enter_context(_marking_loss(training, recorder, computed))
        stack.enter_context(_marking_updates(training, recorder))
        stack.enter_context(marking_gradients(recorder, differentiated))
        stack.enter_context(recording(recorder))
        try:
            model.train_step(data)
        except Exception as error:
            _note_error(trace, error)
    trace.loss = [recorder.value(t) for t in (computed or differentiated)]
    recorder.mark_written()


def _note_error(trace: Trace, error: Exception) -> None:
    trace.error = str(error)
    frames, tb = [], error.__traceback__
    while tb is not None:
        frames.append((tb.tb_frame.f_code, tb.tb_lasti))
        tb = tb.tb_next
    trace.error_frames = tuple(reversed(frames))


@contextlib.contextmanager
def _marking_layers(recorder: Recorder) -> Iterator[None]:
    original = keras.layers.Layer.__call__

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        with recorder.scope(layer.name, sites.made_at(layer)):
            outputs = original(layer, *args, **kwargs)
        if len(recorder.scopes) == 0:
            flat = [t for t in keras.tree.flatten(outputs) if isinstance(t, tf.Tensor)]
            recorder.trace.outputs.extend(recorder.value(t) for t in flat)
        return outputs

    with patched(keras.layers.Layer, "__call__", call):
        yield


@contextlib.contextmanager
def _marking_loss(training: KerasTraining, recorder: Recorder, computed: list[Any]) -> Iterator[None]:
    original = training.model.compute_loss

    def compute_loss(*args: Any, **kwargs: Any) -> Any:
        with recorder.scope("loss", training.compile_location):
            loss = original(*args, **kwargs)
        computed.extend(t for t in keras.tree.flatten(loss) if isinstance(t, tf.Tensor))
        return loss

    with patched(training.model, "compute_loss", compute_loss):
        yield


@contextlib.contextmanager
def _marking_updates(training: KerasTraining, recorder: Recorder) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for optimizer in optimizers_of(training.model):
            stack.enter_context(patched(optimizer, "apply", _marked_apply(training, recorder, optimizer)))
        yield


def _marked_apply(training: KerasTraining, recorder: Recorder, optimizer: Any) -> Callable[..., Any]:
    apply = optimizer.apply

    def marked(grads: Any, trainable_variables: Any = None) -> Any:
        grads = list(grads)
        targets = optimizer._trainable_variables if trainable_variables is None else list(trainable_variables)
        for gradient, variable in zip(grads, targets, strict=False):
            if gradient is not None:
                recorder.trace.gradients.append((_path(variable), recorder.value(_dense(gradient))))
        before, recorder.updating = recorder.updating, True
        try:
            with recorder.scope("optimizer", training.optimizer_location or training.compile_location):
                return apply(grads, trainable_variables)
        finally:
            recorder.updating = before

    return marked


@contextlib.contextmanager
def _noting_losses(model: Any, losses: list[float]) -> Iterator[None]:
    """Append the loss of each step run inside."""
    original = tf.GradientTape.gradient

    def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        if not tape._recording:
            losses.append(float(sum(np.asarray(t, np.float64).sum() for t in tf.nest.flatten(target))))
        return original(tape, target, sources, *args, **kwargs)

    with patched(tf.GradientTape, "gradient", gradient):
        yield


@contextlib.contextmanager
def _noting_finiteness(model: Any, seen: list[bool]) -> Iterator[None]:
    """Append whether each loss and gradient of the step run inside is finite."""
    original = tf.GradientTape.gradient

    def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(tape, target, sources, *args, **kwargs)
        tensors = [_dense(t) for t in (*tf.nest.flatten(target), *tf.nest.flatten(result)) if t is not None]
        seen.extend(bool(tf.reduce_all(tf.math.is_finite(t))) for t in tensors if t.dtype.is_floating)
        return result

    with patched(tf.GradientTape, "gradient", gradient):
        yield


def _changed(batch: Batch, change: Change) -> Any:
    if not change.standardise:
        return batch.data

    def standardise(role: str, leaf: Any) -> Any:
        if role not in change.standardise or not isinstance(leaf, tf.Tensor):
            return leaf
        mean, variance = tf.nn.moments(tf.cast(leaf, tf.float64), axes=[0], keepdims=True)
        scaled = (tf.cast(leaf, tf.float64) - mean) / tf.maximum(tf.sqrt(variance), 1e-6)
        return tf.cast(scaled, leaf.dtype if leaf.dtype.is_floating else tf.float32)

    return map_leaves(batch.data, standardise)


def _path(variable: Any) -> str:
    return str(getattr(variable, "path", None) or variable.name)


def _readable(variable: Any) -> bool:
    return str(getattr(variable, "dtype", "")) not in ("string", "resource", "variant")
