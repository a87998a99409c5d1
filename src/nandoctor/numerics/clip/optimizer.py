"""The wrapper that clips before any Keras optimizer updates, and leaves out a step that is not finite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras
from keras import ops

from nandoctor.numerics.clip import magnitudes
from nandoctor.numerics.clip.clipping import Clipped, Clipping
from nandoctor.numerics.clip.sparse import is_sparse, summed, with_values


@keras.saving.register_keras_serializable("nandoctor")
class ClippedOptimizer(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Clips the gradients, if they are finite, and has the inner optimizer apply them; otherwise the step is left out.

    Clipping is no cure for NaN: a NaN that is clipped is a NaN still, and by the global norm it spoils every other
    gradient too. In a step that is left out the weights, the inner optimizer's slots and step count, and what the
    clipping remembers stay what they were, and `skipped` is counted up by one: `int(optimizer.skipped)` after `fit`.

    It works in `compile` and `fit` on every backend, under `tf.function` and XLA, and in a loop of one's own. Learning
    rate, iterations, weight decay and moving averages are the inner optimizer's. If that one accumulates gradients,
    each part is clipped before it is added.

    Args:
        inner_optimizer: any Keras optimizer, but no `LossScaleOptimizer`: that one must be outside, and is put there by
            `nandoctor.clip`'s functions.
        clipping: how to clip, such as `ByGlobalNorm(1.0)`.
        name: of this optimizer.

    Raises:
        TypeError: if the inner optimizer is none, or scales the loss.
    """

    def __init__(self, inner_optimizer: Any, clipping: Clipping, name: str | None = None) -> None:
        _check_inner(inner_optimizer)
        if not isinstance(clipping, Clipping):
            raise TypeError(
                f"clipping is {clipping!r}. Give a way to clip, as in ClippedOptimizer(Adam(), ByNorm(1.0))."
            )
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.clipping = clipping
        # Gradients are clipped in their true size, so the factor is taken out here, before it, and not there, after it.
        self.loss_scale_factor = inner_optimizer.loss_scale_factor
        inner_optimizer.loss_scale_factor = None
        self.skipped = self.add_variable(shape=(), dtype="int", aggregation="only_first_replica", name="skipped")
        self._memory: list[Any] = []

    def build(self, variables: Sequence[Any]) -> None:
        """Make the state of the clipping and of the inner optimizer."""
        if self.built:
            return
        for name, (shape, dtype) in self.clipping.initial_state().items():
            self._memory.append(
                self.add_variable(shape=shape, dtype=dtype, aggregation="only_first_replica", name=name)
            )
        if not self.inner_optimizer.built:
            self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Any]:
        """Its own and the inner optimizer's."""
        return [*self._variables, *self.inner_optimizer.variables]

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Clip and apply, or leave the step out.

        Args:
            grads: a gradient for each variable; None and sparse ones (`tf.IndexedSlices`) may be among them.
            trainable_variables: needed in the first call, unless it was built.

        Raises:
            ValueError: if the numbers of gradients and variables differ.
        """
        _refuse_replicas(self)
        grads = list(grads)
        variables = list(self._trainable_variables if trainable_variables is None else trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(
                f"{len(grads)} gradients were given for {len(variables)} variables. Give one for each, None where "
                "there is none; in the first call, give the variables too: optimizer.apply(gradients, variables)."
            )
        self.build(variables)
        self._clip_and_apply(grads, variables)

    def _clip_and_apply(self, grads: list[Any], variables: list[Any]) -> None:
        places = [i for i, g in enumerate(grads) if g is not None and not _takes_gradient_as_value(variables[i])]
        if not places:
            self.inner_optimizer.apply(grads, variables)
            return
        result = self._clipped([grads[i] for i in places], [variables[i] for i in places])
        for place, gradient in zip(places, result.gradients, strict=True):
            grads[place] = gradient
        self._apply_if(result, grads, variables)

    def _clipped(self, grads: list[Any], variables: list[Any]) -> Clipped:
        grads = [summed(g) if is_sparse(g) else g for g in grads]
        wide = [magnitudes.widened(g.values if is_sparse(g) else g) for g in grads]
        if self.loss_scale_factor is not None:
            wide = [g / self.loss_scale_factor for g in wide]
        state = [ops.convert_to_tensor(v) for v in self._memory]
        finite, clipped, after = self.clipping.clip(wide, variables, [_path(v) for v in variables], state)
        narrow = [ops.cast(new, old.dtype) for new, old in zip(clipped, grads, strict=True)]
        as_given = [with_values(old, new) if is_sparse(old) else new for new, old in zip(narrow, grads, strict=True)]
        return Clipped(finite, as_given, after)

    def _apply_if(self, result: Clipped, grads: list[Any], variables: list[Any]) -> None:
        def step() -> None:
            self.inner_optimizer.apply(grads, variables)
            for variable, value in zip(self._memory, result.state, strict=True):
                variable.assign(value)

        def skip() -> None:
            self.skipped.assign_add(1)

        if keras.backend.backend() == "jax":
            _without_effects(result.finite, step, skip, [*self.variables, *variables])
        else:
            ops.cond(result.finite, step, skip)

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def iterations(self) -> Any:
        """The steps that were applied: those left out do not count, for a schedule either."""
        return self.inner_optimizer.iterations

    def finalize_variable_values(self, var_list: Iterable[Any]) -> None:
        """As the inner optimizer does: it may put moving averages in place of the weights."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """As the inner optimizer does."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all its variables, the inner optimizer's among them, as a model in an .h5 file does."""
        for variable, weight in zip(self.variables, weights, strict=True):
            variable.assign(weight)

    def save_own_variables(self, store: Any) -> None:
        """Its own: Keras saves those of the inner optimizer as that one's."""
        for i, variable in enumerate(self._variables):
            store[str(i)] = keras.ops.convert_to_numpy(variable)

    def load_own_variables(self, store: Any) -> None:
        """The same."""
        for i, variable in enumerate(self._variables):
            variable.assign(store[str(i)])

    def get_config(self) -> dict[str, Any]:
        """What the constructor was given, and the loss scale factor that was the inner optimizer's."""
        return {
            "name": self.name,
            "inner_optimizer": keras.saving.serialize_keras_object(self.inner_optimizer),
            "clipping": keras.saving.serialize_keras_object(self.clipping),
            "loss_scale_factor": self.loss_scale_factor,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> ClippedOptimizer:
        """Make it again from its config."""
        config = dict(config)
        factor = config.pop("loss_scale_factor", None)
        for part in ("inner_optimizer", "clipping"):
            config[part] = keras.saving.deserialize_keras_object(config[part], custom_objects=custom_objects)
        optimizer = cls(**config)
        optimizer.loss_scale_factor = factor
        return optimizer


def _check_inner(optimizer: Any) -> None:
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise TypeError(
            f"{optimizer!r} is no Keras optimizer. Give one, as in "
            "nandoctor.clip.by_global_norm(keras.optimizers.Adam(), 1.0)."
        )
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise TypeError(
            "A LossScaleOptimizer cannot be inside: the gradients it is given are scaled still. Put it outside, as in "
            "LossScaleOptimizer(ClippedOptimizer(Adam(), clipping)), or give it to nandoctor.clip.by_global_norm and "
            "its like, which do so."
        )


def _refuse_replicas(optimizer: Any) -> None:
    strategy = getattr(optimizer, "_distribution_strategy", None)
    replicas = getattr(strategy, "num_replicas_in_sync", 1)
    if replicas > 1:
        raise NotImplementedError(
            f"ClippedOptimizer is used under a tf.distribute strategy with {replicas} replicas, whose gradients are "
            "added up only after it. Use Keras's own global_clipnorm there."
        )


def _takes_gradient_as_value(variable: Any) -> bool:
    """A statistic of float8 training: what is called its gradient is its new value, and not to be clipped."""
    return bool(getattr(variable, "overwrite_with_gradient", False))


def _path(variable: Any) -> str:
    return str(getattr(variable, "path", None) or variable.name)


def _without_effects(condition: Any, step: Any, skip: Any, variables: Sequence[Any]) -> None:
    """`cond` for JAX, where a branch may write no variable: both give all values, which are written after it."""

    def values_after(run: Any) -> Any:
        def branch() -> list[Any]:
            with keras.StatelessScope(state_mapping=[(v, v.value) for v in variables]) as scope:
                run()
            return [scope.get_current_value(v) for v in variables]

        return branch

    after = ops.cond(condition, values_after(step), values_after(skip))
    for variable, value in zip(variables, after, strict=True):
        variable.assign(value)
