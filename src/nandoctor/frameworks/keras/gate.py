"""The gate inside the compiled Keras train step (TensorFlow backend): no update passes unless all is finite.

The loss, the gradients, the state that the step writes and the weights after the update are tested on the
device. If one is not finite, the weights, the optimizer's slots, the moving statistics, the metrics and the
random state stay what they were before the step. (An update that came out not finite itself is there already: the host
takes it back, see `holding.py`.) In a healthy step the same operations run as without the
gate, in the same order, so the weights come out identical to the bit. A loss that is not finite is a fault once the
step goes on to write weights: a step of the user's own may look at its loss and leave the batch out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from nandoctor.frameworks.keras.holding import Holding, into_new_memory
from nandoctor.frameworks.patching import patched
from nandoctor.frameworks.reading import BAD_GRADIENT, BAD_LOSS, BAD_STATE, BAD_UPDATE, SPIKE
from nandoctor.frameworks.tensorflow.finite import all_finite, sum_of_squares

READING = "__nandoctor_reading__"
"""The key under which a gated step returns its reading, beside the user's logs."""


Wrap = Callable[[Any], Callable[..., Any]]


class Gate:
    """Wraps one model's train step. Use `opened` around training; nothing stays behind afterwards.

    `spikes`: a step beyond the limits is refused, too.
    """

    def __init__(self, model: Any, *, spikes: bool = False) -> None:
        self._model = model
        self._stepping = False
        self._in_xla = bool(model.jit_compile)
        self.holding = Holding()
        with tf.init_scope():
            self._code = _scalar("code")
            self._suspect = _scalar("suspect")
            self._loss = _scalar("loss")
            self._gradients = _scalar("gradient_sumsq")
            self._weights = _scalar("weight_sumsq")
            self._scale = _scalar("loss_scale")
            self._skipped = _scalar("skipped")
            self._limits = tf.Variable([float("inf")] * 2, trainable=False, name="nandoctor_limits") if spikes else None

    def limit(self, loss: float, gradient_norm: float) -> None:
        """From the next step on, refuse one whose loss or gradient norm is larger."""
        if self._limits is not None:
            self._limits.assign([loss, gradient_norm])

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """While inside, the model's next train function is built with the gate in it."""
        with wrapped(self._model, self._gated_step, self._seen_loss, self._gated_apply):
            yield

    def _gated_step(self, train_step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def step(data: Any) -> dict[str, Any]:
            for variable in (self._code, self._suspect, self._gradients, self._weights, self._scale):
                variable.assign(0.0)
            self._skipped.assign(0.0)
            self._loss.assign(float("nan"))
            state = _tf_variables(state_of(self._model))
            own = _written_by_own_step(self._model)
            others = _tf_variables([*self._model.metrics_variables, *own])
            before = [tf.identity(v) for v in (*state, *others)]
            with self._watching_tapes():
                self._stepping = True
                try:
                    logs = dict(train_step(data))
                finally:
                    self._stepping = False
            self._check_state(state, before[: len(state)])
            self._judge_loss(others, before[len(state) :])
            if own:  # it may take several losses, with an update after each: the last is the one that is read
                self._judge_size()
            tf.cond(tf.equal(self._code, 0.0), lambda: True, lambda: _restore((*state, *others), before))
            if tf.executing_eagerly() and self._code.numpy():
                _reset_others(self._model.metrics, others)
            logs[READING] = self._packed()
            return logs

        return step

    def _packed(self) -> Any:
        rate = learning_rate(self._model.optimizer)
        parts = (self._code, self._loss, self._gradients, self._weights, self._scale, self._skipped)
        left_out = tf.where(tf.equal(self._code, 0.0), self._suspect.read_value(), 0.0)
        return tf.stack([*(p.read_value() for p in parts), rate, left_out])

    def _seen_loss(self, compute_loss: Callable[..., Any]) -> Callable[..., Any]:
        def seen(*args: Any, **kwargs: Any) -> Any:
            loss = compute_loss(*args, **kwargs)
            if loss is not None and self._stepping:  # not in the test step, which shares `compute_loss`
                self._note_loss(loss)
            return loss

        return seen

    def _note_loss(self, loss: Any) -> None:
        total = tf.add_n([tf.reduce_sum(tf.cast(t, tf.float32)) for t in tf.nest.flatten(loss)])
        self._loss.assign(total)
        self._suspect.assign(tf.where(tf.math.is_finite(total), self._suspect.read_value(), 1.0))

    @contextlib.contextmanager
    def _watching_tapes(self) -> Iterator[None]:
        """A hand-written train step may not call `compute_loss`: what its tape differentiates is its loss."""
        if any(scales_loss(o) for o in optimizers_of(self._model)):
            yield
            return
        original = tf.GradientTape.gradient

        def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
            inner = tape._recording
            result = original(tape, target, sources, *args, **kwargs)
            if not inner and not isinstance(target, tf.Variable):
                self._note_loss(target)
            return result

        tf.GradientTape.gradient = gradient
        try:
            yield
        finally:
            tf.GradientTape.gradient = original

    def _gated_apply(self, optimizer: Any) -> Callable[..., Any]:
        apply = optimizer.apply

        def gated(grads: Any, trainable_variables: Any = None) -> Any:
            grads = list(grads)
            known = [g for g in grads if g is not None]
            if not known:
                return apply(grads, trainable_variables)
            if not optimizer.built and trainable_variables is not None:
                trainable_variables = list(trainable_variables)
                optimizer.build(trainable_variables)
                optimizer.built = True
            self._fail_unless(tf.equal(self._suspect.read_value(), 0.0), BAD_LOSS)
            self._fail_unless(tf.math.is_finite(learning_rate(optimizer)), BAD_UPDATE)
            sumsq = sum_of_squares(known, in_xla=self._in_xla)
            self._gradients.assign_add(sumsq)
            fine = _all_finite_exactly(sumsq, known)
            if scales_loss(optimizer):  # it skips the step by itself: whether that ends is for the watch to judge
                self._scale.assign(tf.cast(optimizer.dynamic_scale, tf.float32))
                self._skipped.assign(tf.where(fine, self._skipped.read_value(), 1.0))
            else:
                self._fail_unless(fine, BAD_GRADIENT)
            if not _written_by_own_step(self._model):
                self._judge_size()
            tf.cond(
                tf.equal(self._code, 0.0),
                lambda: self._update(optimizer, apply, grads, trainable_variables),
                lambda: False,
            )
            return None

        return gated

    def _judge_size(self) -> None:
        """Refuse a step beyond the limits: not one whose loss is not known (NaN), nor one that a scaler skips."""
        if self._limits is None:
            return
        loss, norm = tf.unstack(self._limits.read_value())
        scale = self._scale.read_value()  # the gradients are those of the scaled loss
        most = tf.square(norm * tf.where(scale > 0.0, scale, 1.0))
        beyond = (self._loss.read_value() > loss) | (self._gradients.read_value() > most)
        judged = tf.equal(self._code.read_value(), 0.0) & tf.equal(self._skipped.read_value(), 0.0)
        self._fail_unless(~(beyond & judged), SPIKE)

    def _update(self, optimizer: Any, apply: Callable[..., Any], grads: Any, targets: Any) -> bool:
        """Apply the update, and test what came out; a variable with a sparse gradient (an embedding) is left out.

        To hold its old values while some rows of it are written would copy the whole table.
        """
        targets_now = optimizer._trainable_variables if targets is None else targets
        sparse = any(isinstance(g, tf.IndexedSlices) for g in grads)
        dense = [v for v, g in zip(targets_now, grads, strict=True) if isinstance(g, tf.Tensor)]
        weights = _tf_variables(dense)
        self.holding.note(weights, [] if sparse else _tf_variables(optimizer.variables))
        with into_new_memory():
            apply(grads, targets)
        sumsq = sum_of_squares(weights, in_xla=self._in_xla)
        self._weights.assign_add(sumsq)
        self._fail_unless(_all_finite_exactly(sumsq, weights), BAD_UPDATE)
        return True

    def _check_state(self, state: Sequence[Any], before: Sequence[Any]) -> None:
        """A statistic that was finite and no longer is; one that never was (a running minimum) is not judged."""
        pairs = [(v.read_value(), o) for v, o in zip(state, before, strict=True) if v.dtype.is_floating]
        if pairs:
            sumsq = sum_of_squares([v for v, _ in pairs], in_xla=self._in_xla)
            kept = tf.cond(tf.math.is_finite(sumsq), lambda: tf.constant(True), lambda: ~_lost(pairs))
            self._fail_unless(kept, BAD_STATE)

    def _judge_loss(self, written: Sequence[Any], before: Sequence[Any]) -> None:
        """A loss that is not finite, where no optimizer was called: whether something else went wrong, or was written.

        Metrics may be: they are not looked at.
        """
        weights = {id(v) for v in _tf_variables(self._model.trainable_variables)}
        pairs = [(v, o) for v, o in zip(written, before, strict=True) if id(v) in weights]

        def left_out() -> Any:
            """A step of the user's own has written nothing."""
            same = [tf.reduce_all(tf.equal(v, o)) for v, o in pairs]
            return tf.equal(self._code.read_value(), 0.0) & (tf.reduce_all(tf.stack(same)) if same else False)

        self._fail_unless(tf.cond(tf.equal(self._suspect, 0.0), lambda: tf.constant(True), left_out), BAD_LOSS)

    def _fail_unless(self, fine: Any, bit: int) -> None:
        has = tf.equal(tf.math.floormod(tf.math.floordiv(self._code.read_value(), float(bit)), 2.0), 1.0)
        self._code.assign_add(tf.where(fine | has, 0.0, float(bit)))


@contextlib.contextmanager
def wrapped(model: Any, step: Wrap, loss: Wrap, apply: Wrap) -> Iterator[None]:
    """While inside, the model's train step, its loss and the updates of its optimizers are wrapped."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(patched(model, "train_step", step(model.train_step)))
        stack.enter_context(patched(model, "compute_loss", loss(model.compute_loss)))
        for optimizer in optimizers_of(model):
            stack.enter_context(patched(optimizer, "apply", apply(optimizer)))
        yield


def optimizers_of(model: Any) -> list[Any]:
    """The compiled optimizer and those that a model keeps for a train step of its own (a GAN's two)."""
    own = [v for v in _held_by(model) if isinstance(v, keras.optimizers.Optimizer)]
    found = ([] if model.optimizer is None else [model.optimizer]) + own
    return list({id(optimizer): optimizer for optimizer in found}.values())


def innermost(optimizer: Any) -> Any:
    """The optimizer that updates weights, out of what is wrapped around it (a loss scaler, a clip)."""
    while (inner := getattr(optimizer, "inner_optimizer", None)) is not None:
        optimizer = inner
    return optimizer


def state_of(model: Any) -> list[Any]:
    """What a step writes beside the weights: moving statistics, seeds, and what Keras does not track.

    That is the state of a stateful recurrence, and plain `tf.Variable`s of the user's layers.
    """
    known = list(model.non_trainable_variables)
    seen = {id(v) for v in (*known, *model.variables, *model.metrics_variables)}
    for layer in model._flatten_layers():
        own = [v for v in _untracked_variables(layer) if id(v) not in seen]
        known += own
        seen.update(map(id, own))
    return known


def _untracked_variables(layer: Any) -> list[Any]:
    """The variables of numbers among a layer's attributes, also in lists and dicts."""
    held = [v for v in _held_by(layer) if isinstance(v, (tf.Variable, keras.Variable))]
    return [v for v in held if (dtype := tf.as_dtype(v.dtype)).is_floating or dtype.is_integer]


def _held_by(layer: Any) -> list[Any]:
    """A layer's attributes, and what is in those that are lists or dicts."""
    held: list[Any] = []
    for value in vars(layer).values():
        held += value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else [value]
    return held


def _written_by_own_step(model: Any) -> list[Any]:
    """What a step of the user's own may have written before it meets a fault: by hand, or by another optimizer."""
    optimizers = optimizers_of(model)
    if len(optimizers) < 2 and type(model).train_step is keras.Model.train_step:
        return []
    return [*model.trainable_variables, *(v for o in optimizers for v in o.variables)]


def _scalar(name: str) -> Any:
    return tf.Variable(0.0, trainable=False, name=f"nandoctor_{name}")


def _tf_variables(variables: Any) -> list[Any]:
    return [v.value if isinstance(v, keras.Variable) else v for v in variables]


def _all_finite_exactly(sumsq: Any, tensors: Sequence[Any]) -> Any:
    """Element by element, only when the cheap sum is not finite."""
    return tf.cond(tf.math.is_finite(sumsq), lambda: tf.constant(True), lambda: all_finite(tensors))


def _lost(pairs: Sequence[tuple[Any, Any]]) -> Any:
    """Whether a number was finite before and is not now."""
    return tf.reduce_any(tf.stack([tf.reduce_any(tf.math.is_finite(o) & ~tf.math.is_finite(v)) for v, o in pairs]))


def _reset_others(metrics: Sequence[Any], known: Sequence[Any]) -> None:
    """What an eager step itself made has no value from before it."""
    ids = {id(v) for v in known}
    for metric in metrics:
        if any(id(v) not in ids for v in _tf_variables(metric.variables)):
            metric.reset_state()


def _restore(variables: Sequence[Any], values: Sequence[Any]) -> bool:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return True


def scales_loss(optimizer: Any) -> bool:
    """A loss scaler skips steps that overflow by itself; its infinite gradients are no fault."""
    return isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def learning_rate(optimizer: Any) -> Any:
    """The rate of the step at hand, float32; NaN where there is no optimizer."""
    if optimizer is None:
        return tf.constant(float("nan"))
    return tf.cast(tf.convert_to_tensor(optimizer.learning_rate), tf.float32)
