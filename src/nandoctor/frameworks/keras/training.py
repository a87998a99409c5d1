"""A Keras `fit` on the TensorFlow backend, as the rest of the house sees a training."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from nandoctor.findings import Location
from nandoctor.frameworks.keras import sites
from nandoctor.frameworks.keras.batches import rebuilt, take_rows
from nandoctor.frameworks.keras.changes import contracted, hold_scale, inner_optimizers, making
from nandoctor.frameworks.keras.experiments import changed, eagerly, noting_finiteness, noting_looks
from nandoctor.frameworks.keras.finding_rows import find_rows, given_arrays
from nandoctor.frameworks.keras.gate import innermost, optimizers_of, state_of
from nandoctor.frameworks.keras.given import given_to
from nandoctor.frameworks.keras.keeping import Kept, kept_for
from nandoctor.frameworks.keras.penalties import penalties_of
from nandoctor.frameworks.keras.rates import Rates
from nandoctor.frameworks.keras.recording import Places, path_of, run_recorded
from nandoctor.frameworks.keras.settings import KerasTrainings
from nandoctor.frameworks.keras.stepping import GatedSteps, watched
from nandoctor.frameworks.keras.uncalled import callbacks_in_call, uncalled_clipping
from nandoctor.frameworks.keras.validating import bad_loss, watched_test
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.protocol import Batch, Change, DataRows, Look, Penalty, State, Watcher
from nandoctor.frameworks.tensorflow.assigning import training
from nandoctor.frameworks.tensorflow.pipeline import trace_spoiling_map
from nandoctor.frameworks.tensorflow.recorder import Recorder
from nandoctor.trace.graph import Trace

_OPEN: weakref.WeakKeyDictionary[Any, KerasTraining] = weakref.WeakKeyDictionary()
"""The models whose gate is in place."""


class KerasTraining:
    """One model inside `fit`."""

    recurrence_before = None

    def __init__(self, model: Any, fit_location: Location | None) -> None:
        if model in _OPEN:
            _OPEN[model].close()
        self.model = model
        self.fit_location = fit_location
        self.compile_location = sites.compile_site(model, fit_location)
        self.optimizer_location = sites.made_at(innermost(model.optimizer)) or sites.made_at(model.optimizer)
        self._callbacks = callbacks_in_call()
        self._open = contextlib.ExitStack()
        self._validating = contextlib.ExitStack()
        self._dataset: Any = None
        self._rates = Rates(model)
        self._kept: Kept | None = None
        self._steps: GatedSteps | None = None
        self._renewed = False
        self._plain_step = model.train_step
        self._plain_apply = {id(o): o.apply for o in optimizers_of(model)}

    @property
    def uncalled_clipping(self) -> Location | None:
        return uncalled_clipping(self._callbacks)

    # -- watching -------------------------------------------------------------------------------

    def open_gate(self, *, spikes: bool = False) -> None:
        """Before Keras builds its train function: see to it that the gate is in it.

        A `fit` that was interrupted told nobody: what it left in the model is put back first.
        """
        self._kept = kept = kept_for(self.model, spikes=spikes)
        self._open.enter_context(kept.gate.opened())
        self._open.enter_context(patched(self.model, "train_function", kept.function))
        _OPEN[self.model] = self

    def watch(self, watcher: Watcher) -> None:
        """After Keras built its train function: look at each batch and reading that pass through it."""
        assert self._kept is not None
        self._kept.function = self.model.train_function
        self._steps = GatedSteps(self.model, self._kept.gate, watcher, self._note_dataset, self._rates.hold)
        function = watched(self.model, self._steps, watcher, self.unguarded)
        self._open.enter_context(training())
        self._open.enter_context(patched(self.model, "train_function", function))

    def begin_epoch(self) -> None:
        if self._steps is not None:
            self._steps.in_epoch = False

    def limit(self, loss: float, gradient_norm: float) -> None:
        if self._kept is not None:
            self._kept.gate.limit(loss, gradient_norm)

    def _note_dataset(self, dataset: Any) -> None:
        """The tf.data pipeline that the batches come from."""
        self._dataset = dataset

    def watch_validation(self, watcher: Watcher) -> None:
        """After Keras built its test function."""
        self.end_validation()
        test = watched_test(self.model, watcher, self._note_dataset)
        self._validating.enter_context(patched(self, "_dataset", None))
        self._validating.enter_context(patched(self.model, "test_function", test))

    def end_validation(self) -> None:
        self._validating.close()

    def close(self) -> None:
        """Put back everything."""
        self.end_validation()
        self._open.close()
        _OPEN.pop(self.model, None)
        if self._renewed:  # what Keras compiled before this training is of the optimizer as it was then
            self._renewed = False
            self.model.train_function = None

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
        groups = [("weight", model.trainable_variables), ("state", state_of(model))]
        groups += [("slot", optimizer.variables) for optimizer in optimizers_of(model)]
        groups += [("metric", model.metrics_variables)]
        seen: set[int] = set()
        for role, variables in groups:
            for variable in variables:
                if id(variable) not in seen:
                    seen.add(id(variable))
                    name = f"{role} {path_of(variable)}"
                    named[name if name not in named else f"{name}#{len(named)}"] = variable
        return named

    def state(self) -> dict[str, np.ndarray]:
        return {name: np.array(v.numpy()) for name, v in self._variables().items() if _readable(v)}

    def restore(self, state: State) -> None:
        for name, variable in self._variables().items():
            if name in state:
                variable.assign(state[name])

    def roll_back(self, state: State, *, same_epoch: bool) -> None:
        rates = {id(rate) for rate in self._rates.variables}
        kept = {name for name, v in self._variables().items() if id(v) not in rates}
        self.restore({name: a for name, a in state.items() if name in kept})
        if not same_epoch:
            self.model.reset_metrics()

    def adopt(self, change: Change) -> None:
        compiled = self._rates.cut(change.learning_rate) if change.learning_rate != 1.0 else False
        for optimizer in inner_optimizers(self.model) if change.clip_norm is not None else ():
            optimizer.clipnorm = optimizer.clipvalue = None
            optimizer.global_clipnorm = change.clip_norm
            compiled = True
        if compiled:
            self._renew()

    def _renew(self) -> None:
        """Have Keras make its train function anew, in the middle of `fit`, and go on with that."""
        if self._kept is None or self._steps is None:
            return
        ours = self.model.train_function
        self.model.make_train_function(force=True)
        self._kept.function = self.model.train_function
        self.model.__dict__["train_function"] = ours
        self._steps.renew(self._kept.function)
        self._renewed = True

    def nonfinite_weights(self) -> dict[str, np.ndarray]:
        found = {}
        for name, variable in self._variables().items():
            if name.startswith("weight ") or ("seed" not in name and name.startswith("state ")):
                array = np.asarray(variable.numpy())
                if array.dtype.kind not in "iub" and not np.isfinite(array.astype(np.float32)).all():
                    found[name] = array
        return found

    def variable_site(self, name: str) -> Location | None:
        variable = self._variables().get(name)
        if variable is not None and (written := sites.variable_made_at(variable)) is not None:
            return written
        for layer in self.model._flatten_layers(include_self=False):
            own = {path_of(v) for v in (*layer._trainable_variables, *layer._non_trainable_variables)}
            if name.split(" ", 1)[-1] in own:
                return sites.made_at(layer)
        return None

    def assigned_site(self, name: str) -> Location | None:
        variable = self._variables().get(name)
        return None if variable is None else sites.assigned_at(variable)

    # -- replay ---------------------------------------------------------------------------------

    def batch_like(self, batch: Batch, arrays: Mapping[str, np.ndarray]) -> Batch:
        return rebuilt(batch, arrays)

    def trace_step(self, batch: Batch) -> Trace:
        before = self.state()
        recorder = Recorder(stop=KerasTraining.trace_step.__code__)
        try:
            hold_scale(self.model, 1.0)
            with self._ungated():
                places = Places(self.compile_location, self.optimizer_location)
                run_recorded(self.model, self._step_of(batch), places, recorder, batch.data, self._variables())
        finally:
            self.restore(before)
        return recorder.trace

    def _step_of(self, batch: Batch) -> Callable[[Any], Any]:
        """The step that is given such a batch; the sums of a validation begin anew with it."""
        if not batch.validation:
            return self.model.train_step  # type: ignore[no-any-return]
        self.model.reset_metrics()
        return self.model.test_step  # type: ignore[no-any-return]

    def trace_pipeline(self) -> Trace | None:
        return None if self._dataset is None else trace_spoiling_map(self._dataset)

    def is_finite_with(self, batch: Batch, rows: Sequence[int]) -> bool | None:
        return self._is_finite(batch, take_rows(batch.data, rows), 1.0)

    def data_rows(self, batch: Batch, rows: Sequence[int], index: int) -> DataRows | None:
        try:
            given = given_to(self.model)
            return None if given is None else find_rows(given, batch, rows, index)
        except Exception:  # a data set of the user's own may do what it likes
            return None

    def data_given(self) -> dict[str, np.ndarray]:
        given = given_to(self.model)
        return {} if given is None else given_arrays(given)

    def model_given(self) -> Any:
        return self.model

    def _is_finite(self, batch: Batch, data: Any, scale: float) -> bool | None:
        before = self.state()
        seen: list[bool] = []
        try:
            hold_scale(self.model, scale)
            with self._ungated(), noting_finiteness(seen):
                logs = eagerly(self._step_of(batch), data)
            finite = all(seen) and not self.nonfinite_weights()
            if batch.validation:
                finite = bad_loss(logs) is None
        except Exception:  # a part of a batch may not fit a model that wants it whole
            return None
        finally:
            self.restore(before)
        return finite

    def losses_with(self, start: State, batches: Sequence[Batch], steps: int, change: Change) -> list[float]:
        looks: list[Look] = []
        try:
            self._train(looks, start, batches, steps, change)
        except Exception:  # a change may not fit the user's own code: a cast that it writes out, a shape
            if change == Change():
                raise
        return [look.loss if look.finite else float("nan") for look in looks]

    def looks_with(self, start: State, batches: Sequence[Batch], steps: int) -> list[Look]:
        looks: list[Look] = []
        self._train(looks, start, batches, steps, Change())
        return looks

    def _train(self, looks: list[Look], start: State, batches: Sequence[Batch], steps: int, change: Change) -> None:
        """Take steps from a state, and note each; the present state is put back."""
        before = self.state()
        try:
            self._begin(start, change)
            with self._ungated(), making(self.model, change), noting_looks(looks):
                for n in range(steps):
                    hold_scale(self.model, 1.0)
                    self._contract(change.bounded)
                    eagerly(self.model.train_step, changed(batches[n % len(batches)], change))
                    if not looks or not looks[-1].finite:
                        break
        finally:
            self.restore(before)

    @contextlib.contextmanager
    def short_trainings(
        self, start: State, batches: Sequence[Batch], most: int, roles: Mapping[str, frozenset[str]]
    ) -> Iterator[KerasTrainings]:
        before = self.state()
        try:
            with self._ungated():
                yield KerasTrainings(self, start, batches, most, roles)
        finally:
            self.restore(before)

    def _begin(self, start: State, change: Change) -> None:
        self.restore({name: a for name, a in start.items() if not name.endswith("/learning_rate")})
        self.restore(change.weights)

    def _contract(self, names: frozenset[str]) -> None:
        """Hold the norm of matrices that multiply a state at 1."""
        for name, variable in self._variables().items() if names else ():
            if name in names:
                variable.assign(contracted(np.asarray(variable.numpy())))

    def is_finite_at(self, batch: Batch, scale: float) -> bool | None:
        return self._is_finite(batch, batch.data, scale)

    def penalties(self, batch: Batch, start: State) -> Sequence[Penalty]:
        before = self.state()
        try:
            self.restore(start)
            x, _, _ = keras.utils.unpack_x_y_sample_weight(batch.data)
            return penalties_of(self.model, x, self.optimizer_location or self.compile_location)
        except Exception:  # a model that its own train step calls in another way
            return ()
        finally:
            self.restore(before)

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


def _readable(variable: Any) -> bool:
    return str(getattr(variable, "dtype", "")) not in ("string", "resource", "variant")
