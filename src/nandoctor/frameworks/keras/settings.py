"""Short trainings of a live Keras model, each with a learning rate, an optimizer and a clip of its own.

A step is compiled once for an optimizer and a clip; the rate is a variable in it. What does not compile runs eagerly.
Each training begins from the same state and goes over the same batches, and the model is left as it was.
"""

from __future__ import annotations

import contextlib
import functools
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from nandoctor.errors import TreatError
from nandoctor.findings import Setting
from nandoctor.frameworks.keras.batches import map_leaves
from nandoctor.frameworks.keras.changes import ScaledSchedule, inner_optimizers, with_clipping
from nandoctor.frameworks.keras.experiments import eagerly
from nandoctor.frameworks.keras.gate import innermost, optimizers_of, scales_loss
from nandoctor.frameworks.keras.replicas import runs_on_replicas
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.protocol import Batch, Present, State, Stretch
from nandoctor.frameworks.tensorflow.finite import all_finite
from nandoctor.frameworks.tensorflow.scaling import scaling_of

if TYPE_CHECKING:
    from nandoctor.frameworks.keras.training import KerasTraining

ROOM = 1 << 30
"""Bytes that the states of trainings that are to go on may take; beyond, one is made again from its start."""

Step = Callable[[Any], Any]

_KEPT = ("clipnorm", "global_clipnorm", "clipvalue", "loss_scale_factor", "gradient_accumulation_steps")
"""What another optimizer takes over from the script's."""

_UNUSED = "the step calls no optimizer that the model holds, so nothing about it can be set"


class KerasTrainings:
    """The trainings from one state. The training's own step must be in place, without a gate.

    Args:
        training: of the live model.
        start: the state that all begin from; the learning rate is that of now.
        batches: what they train on, again and again in this order.
        most: steps of the longest one.
        roles: which arrays are meant where a setting standardises `inputs` or `targets`.

    Raises:
        TreatError: a strategy runs the steps on several devices, or there is no optimizer.
    """

    def __init__(
        self,
        training: KerasTraining,
        start: State,
        batches: Sequence[Batch],
        most: int,
        roles: Mapping[str, frozenset[str]],
    ) -> None:
        model = training.model
        if runs_on_replicas(model):
            raise TreatError("a tf.distribute strategy runs this training; settings are tried on one device only.")
        if not optimizers_of(model):
            raise TreatError("this training has no optimizer that is known, so there is none to set.")
        self._training, self._model, self._start = training, model, start
        self._batches, self._roles = batches, roles
        self._data: dict[tuple[str, ...], list[Any]] = {}
        self._restore_start()
        self._reader = _Reader(model)
        self._own = self._optimizers_at_work()
        self._rates = [_Rate(optimizer, most) for optimizer in self._own]
        self._others: dict[str, tuple[Any, list[np.ndarray]]] = {}
        self._steps: dict[tuple[object, ...], Step] = {}
        self._used: dict[tuple[object, ...], bool] = {}
        self._done: dict[Setting, int] = {}
        self._paused: dict[Setting, State] = {}

    @functools.cached_property
    def present(self) -> Present:
        first = self._own[0]
        return Present(
            optimizer=" and ".join(type(optimizer).__name__ for optimizer in self._own),
            rate=self._rates[0].present,
            schedule=self._rates[0].schedule is not None,
            clips=any(getattr(first, name, None) for name in _KEPT[:3]),
            replaceable=len(inner_optimizers(self._model)) == 1 and bool(_holders(self._model)),
        )

    def further(self, setting: Setting, steps: int) -> Stretch:
        """The next steps with a setting. Whatever the user's code raises is told, not raised."""
        done = self._done.get(setting, 0)
        try:
            with self._set(setting), _seeded():
                paused = self._paused.pop(setting, None)
                if paused is None:
                    self._begin(setting)
                    self._take(setting, 0, done)
                else:
                    self._training.restore(paused)
                stretch = self._take(setting, done, done + steps)
                self._done[setting] = done + len(stretch.losses)
                self._pause(setting)
        except Exception as error:
            return Stretch(error=_short(error))
        return stretch

    def forget(self, setting: Setting) -> None:
        self._paused.pop(setting, None)

    def _optimizers_at_work(self) -> list[Any]:
        """Those that the step calls: a model that keeps its own may be compiled with another."""
        held = inner_optimizers(self._model)
        if len(held) < 2:
            return held
        with self._reader.reading(), contextlib.suppress(Exception), _seeded():
            eagerly(self._reader.step(self._model.train_step), self._batches[0].data)
        self._restore_start()
        return [optimizer for optimizer in held if id(optimizer) in self._reader.applied] or held

    # -- one training -------------------------------------------------------------------------------

    def _restore_start(self) -> None:
        self._training.restore({n: a for n, a in self._start.items() if not n.endswith("/learning_rate")})

    def _begin(self, setting: Setting) -> None:
        self._restore_start()
        if not setting.own:
            optimizer, initial = self._others[setting.optimizer]
            for variable, value in zip(optimizer.variables, initial, strict=True):
                variable.assign(value)

    def _pause(self, setting: Setting) -> None:
        """Keep the state for the steps that may come, where there is room for it."""
        state = self._training.state()
        if _bytes(state) + sum(map(_bytes, self._paused.values())) <= ROOM:
            self._paused[setting] = state

    def _take(self, setting: Setting, first: int, last: int) -> Stretch:
        data, losses = self._data_for(setting), []
        for rate in self._rates:
            rate.set(self._factor(setting), setting.rate)
        key = self._key(setting)
        for n in range(first, last):
            batch = data[n % len(data)]
            with self._reader.reading():
                loss, finite = self._step(key, batch)(batch).numpy().tolist()
            if not self._used.setdefault(key, bool(self._reader.applied)):
                return Stretch(error=_UNUSED)
            losses.append(loss)
            if not finite:
                return Stretch(tuple(losses), finite=False)
        return Stretch(tuple(losses))

    def _factor(self, setting: Setting) -> float:
        return setting.rate / self.present.rate if self.present.has_rate else 1.0

    def _key(self, setting: Setting) -> tuple[object, ...]:
        """What a compiled step depends on: the optimizer, the clip, and how the batches look."""
        return setting.optimizer, setting.own, setting.clip, common_spec(self._data_for(setting))

    def _step(self, key: tuple[object, ...], batch: Any) -> Step:
        if key not in self._steps:
            self._reader.applied.clear()
            self._steps[key] = self._made(key[-1], batch)
        return self._steps[key]

    def _made(self, spec: Any, batch: Any) -> Step:
        plain = self._reader.step(self._model.train_step)
        if not self._model.run_eagerly:
            function = tf.function(plain, input_signature=None if spec is None else [spec], autograph=False)
            with contextlib.suppress(Exception):  # what it is, the eager step will tell
                function.get_concrete_function(*(() if spec is not None else (batch,)))
                return function  # type: ignore[no-any-return]
        return functools.partial(eagerly, plain)

    # -- what a setting sets ------------------------------------------------------------------------

    @contextlib.contextmanager
    def _set(self, setting: Setting) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            optimizers = self._own
            if not setting.own:
                optimizers = [self._other(setting.optimizer)]
                for owner, name in _holders(self._model):
                    stack.enter_context(patched(owner, name, optimizers[0]))
            if setting.clip is not None:
                norm = None if setting.clip == "none" else setting.clip
                stack.enter_context(with_clipping(self._model, norm))
            for rate, optimizer in zip(self._rates, optimizers, strict=True):
                stack.enter_context(rate.in_place(optimizer, own=setting.own, multiplied=self.present.has_rate))
            yield

    def _other(self, name: str) -> Any:
        """Another optimizer in the place of the script's, with what it starts from."""
        if name not in self._others:
            inner = self._own[0]
            kept = {key: value for key in _KEPT if (value := getattr(inner, key, None)) is not None}
            made = getattr(keras.optimizers, name)(learning_rate=1.0, **kept)
            with tf.init_scope():
                made.build(inner._trainable_variables if inner.built else self._model.trainable_variables)
            self._others[name] = made, [np.array(v.numpy()) for v in made.variables]
        return self._others[name][0]

    # -- data ---------------------------------------------------------------------------------------

    def _data_for(self, setting: Setting) -> list[Any]:
        key = setting.standardised
        if key not in self._data:
            roles = frozenset().union(*(self._roles.get(name, frozenset()) for name in key))
            scalings = {role: scaling_of([b.arrays[role] for b in self._batches]) for role in roles}

            def arrange(role: str, leaf: Any) -> Any:
                return scalings[role](leaf) if role in scalings and isinstance(leaf, tf.Tensor) else leaf

            self._data[key] = [map_leaves(b.data, arrange) if roles else b.data for b in self._batches]
        return self._data[key]


class _Rate:
    """The learning rate of one of the script's optimizers: what it is, and what it is set to."""

    def __init__(self, optimizer: Any, most: int) -> None:
        rate = optimizer._learning_rate
        self.schedule = None if isinstance(rate, keras.Variable) else rate if callable(rate) else None
        self._steps_before = int(optimizer.iterations.numpy())
        with tf.init_scope():
            self._factor = tf.Variable(1.0, trainable=False, name="nandoctor_factor")
            self._plain = keras.Variable(0.0, trainable=False, name="nandoctor_rate")
        if self.schedule is None:
            self.present = _exactly(optimizer.learning_rate)
        else:
            one = ScaledSchedule(self.schedule, 1.0)
            taken = range(self._steps_before, self._steps_before + most)
            self.present = max((_exactly(one(tf.constant(n, tf.int64))) for n in taken), key=_nan_last)

    def set(self, factor: float, rate: float) -> None:
        """Set what `in_place` has put into the optimizer."""
        self._factor.assign(factor)
        self._plain.assign(self.present * factor if np.isfinite(self.present) and self.present > 0 else rate)

    def in_place(self, optimizer: Any, *, own: bool, multiplied: bool) -> contextlib.AbstractContextManager[None]:
        """While inside, an optimizer (the script's, or the one in its place) takes its rate from here."""
        rate: Any = self._plain
        if self.schedule is not None and multiplied:
            before = 0 if own else self._steps_before
            rate = _Multiplied(self.schedule, self._factor, before)
        return patched(optimizer, "_learning_rate", rate)


def _exactly(rate: Any) -> float:
    """The number as it was typed: 0.1, where float32 has 0.10000000149."""
    return float(str(np.asarray(rate).astype(np.float32)))


def _nan_last(rate: float) -> float:
    return math.inf if math.isnan(rate) else rate


class _Multiplied(ScaledSchedule):
    """A schedule that is multiplied by a variable, and told of steps that its optimizer has not taken."""

    def __init__(self, schedule: Callable[..., Any], factor: Any, steps_before: int) -> None:
        super().__init__(schedule, factor)
        self._steps_before = steps_before

    def __call__(self, step: Any) -> Any:
        return super().__call__(step + self._steps_before if self._steps_before else step)


class _Reader:
    """What a step comes to, noted on the device: its loss, and whether all was finite.

    The loss is what the model computes as such, or, in a step of the user's own that does not ask it to, what its tapes
    differentiate.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._scalers = [o for o in optimizers_of(model) if scales_loss(o)]
        self.applied: set[int] = set()
        with tf.init_scope():
            self._computed, self._taped, self._has_computed, self._fine = (
                tf.Variable(0.0, trainable=False, name=f"nandoctor_{name}")
                for name in ("computed", "taped", "has_computed", "fine")
            )

    def step(self, train_step: Step) -> Step:
        """A step that gives the loss, and 1 where all was finite."""

        def step(data: Any) -> Any:
            for variable, value in zip(self._all, (0.0, 0.0, 0.0, 1.0), strict=True):
                variable.assign(value)
            train_step(data)
            weights = all_finite(v.value for v in self._model.trainable_variables)
            loss = tf.where(self._has_computed.read_value() > 0, self._computed.read_value(), self._taped.read_value())
            fine = weights & (self._fine.read_value() > 0) & tf.math.is_finite(loss)
            return tf.stack([loss, tf.cast(fine, tf.float32)])

        return step

    @property
    def _all(self) -> tuple[Any, ...]:
        return self._computed, self._taped, self._has_computed, self._fine

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """While inside, what a step computes is noted, as it is compiled or runs."""
        compute, gradient = self._model.compute_loss, tf.GradientTape.gradient

        def noted_loss(*args: Any, **kwargs: Any) -> Any:
            loss = compute(*args, **kwargs)
            if loss is not None:
                self._computed.assign_add(_total(loss))
                self._has_computed.assign(1.0)
            return loss

        def noted_gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
            inner = tape._recording
            result = gradient(tape, target, sources, *args, **kwargs)
            if not inner and not isinstance(target, tf.Variable):
                self._note(target, result)
            return result

        with contextlib.ExitStack() as stack:
            stack.enter_context(patched(self._model, "compute_loss", noted_loss))
            stack.enter_context(patched(tf.GradientTape, "gradient", noted_gradient))
            for optimizer in optimizers_of(self._model):
                stack.enter_context(patched(optimizer, "apply", self._noting(optimizer)))
            yield

    def _note(self, target: Any, gradients: Any) -> None:
        scale = self._scalers[0].dynamic_scale if self._scalers else 1.0
        self._taped.assign_add(_total(target) / tf.cast(scale, tf.float32))
        if not self._scalers:  # one of those skips the steps whose gradients are not finite
            fine = all_finite(tf.nest.flatten(gradients))
            self._fine.assign(tf.where(fine, self._fine.read_value(), 0.0))

    def _noting(self, optimizer: Any) -> Callable[..., Any]:
        apply = optimizer.apply

        def noted(*args: Any, **kwargs: Any) -> Any:
            self.applied.add(id(innermost(optimizer)))
            return apply(*args, **kwargs)

        return noted


def _total(loss: Any) -> Any:
    return tf.add_n([tf.reduce_sum(tf.cast(t, tf.float32)) for t in tf.nest.flatten(loss)])


def _holders(model: Any) -> list[tuple[Any, str]]:
    """Where the model's one optimizer can be replaced: the attributes that hold it, or what is wrapped around it."""
    outer = optimizers_of(model)[0]
    holder = outer
    while (inner := getattr(holder, "inner_optimizer", None)) is not None:
        if getattr(inner, "inner_optimizer", None) is None:
            return [(holder, "inner_optimizer")]
        holder = inner
    return [(model, name) for name, value in vars(model).items() if value is outer]


def common_spec(data: Sequence[Any]) -> Any:
    """The specification that all batches fit, as Keras compiles its own step for; None where there is none."""
    leaves = [tf.nest.flatten(batch) for batch in data]
    if not all(isinstance(leaf, tf.Tensor) for batch in leaves for leaf in batch):
        return None
    if any(len(batch) != len(leaves[0]) for batch in leaves):
        return None
    columns = list(zip(*leaves, strict=True))
    if any(len({(leaf.dtype, leaf.shape.rank) for leaf in column}) != 1 for column in columns):
        return None
    specs = [tf.TensorSpec(_common_shape(column), column[0].dtype) for column in columns]
    return tf.nest.pack_sequence_as(data[0], specs)


def _common_shape(tensors: Sequence[Any]) -> list[int | None]:
    """The length of each axis; None where they differ."""
    lengths = zip(*(tuple(tensor.shape) for tensor in tensors), strict=True)
    return [of[0] if len(set(of)) == 1 else None for of in lengths]


@contextlib.contextmanager
def _seeded() -> Iterator[None]:
    """While inside, Python's and NumPy's generators start from one seed; then they go on from where they were."""
    before = random.getstate(), np.random.get_state()
    random.seed(0)
    np.random.seed(0)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])


def _bytes(state: State) -> int:
    return sum(array.nbytes for array in state.values())


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"the step raises {type(error).__name__}: {text if len(text) <= 160 else text[:157] + '...'}"
