"""The line that put values into a weight before training: the last one, and nothing of what comes after."""

import functools
import runpy
import textwrap
from pathlib import Path

import corpus
import pytest

HEAD = """
import keras
import numpy as np
import tensorflow as tf
from keras import layers

layer = layers.Dense(3)
model = keras.Sequential([keras.Input((4,)), layer])
x, y = np.ones((4, 4), "float32"), np.ones((4, 3), "float32")
wide = [np.full((4, 3), 9.0), np.zeros(3)]

"""

NOTED = {
    "assigned": "layer.kernel.assign(wide[0])  # <- here",
    "assigned to the variable within": "layer.kernel.value.assign(wide[0])  # <- here",
    "the layer's weights set": "layer.set_weights(wide)  # <- here",
    "the model's weights set": "model.set_weights(wide)  # <- here",
    "the last of two": """
        model.set_weights([10 * w for w in wide])
        layer.kernel.assign(wide[0])  # <- here
    """,
    "by a function of the user's": """
        def widen(variable):
            variable.assign(wide[0])  # <- here

        widen(layer.kernel)
    """,
    "loaded": """
        model.save_weights("kept.weights.h5")
        model.set_weights(wide)
        model.load_weights("kept.weights.h5")  # <- here
    """,
    "before a loop": """
        layer.kernel.assign(wide[0])  # <- here
        optimizer = keras.optimizers.SGD(0.1)
        for _ in range(2):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(model(x))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            layer.kernel.assign(layer.kernel * 0.5)
    """,
    "reset to what was set": """
        layer.kernel.assign(wide[0])  # <- here
        model.set_weights(model.get_weights())
    """,
    "before a fit": """
        class Halving(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                layer.kernel.assign(layer.kernel * 0.5)

        layer.kernel.assign(wide[0])  # <- here
        model.compile("sgd", "mse")
        model.fit(x, y, verbose=0, callbacks=[Halving()])
    """,
}

NOTHING = {
    "never": "",
    "what was there": "model.set_weights(model.get_weights())",
    "by a compiled step": """
        @tf.function
        def step():
            layer.kernel.assign(layer.kernel * 0.5)

        step()
    """,
    "by a loss": """
        with tf.GradientTape():
            layer.kernel.assign(layer.kernel * 0.5)
    """,
    "by a loop": """
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(x))
        layer.kernel.assign_sub(0.1 * tape.gradient(loss, layer.kernel.value))
        layer.kernel.assign(layer.kernel * 0.5)
    """,
    "by fit, step by step": """
        layer.kernel.constraint = keras.constraints.MaxNorm(1e-3)
        model.compile("sgd", "mse", run_eagerly=True)
        model.fit(x, y, verbose=0)
    """,
    "by us, as a state is put back": """
        from nandoctor.frameworks.keras.training import KerasTraining

        model.compile("sgd", "mse")
        training = KerasTraining(model, None)
        training.restore({name: array + 1 for name, array in training.state().items()})
    """,
}


def _noted(path: str) -> None:
    """The line that is noted of a script's layer is the marked one, if there is one."""
    import keras
    from tensorflow.python.ops.resource_variable_ops import ResourceVariable

    from nandoctor.frameworks.keras import sites
    from nandoctor.frameworks.keras.hooks import guarding_fit
    from nandoctor.frameworks.keras.loop_hooks import watching_optimizers
    from nandoctor.frameworks.tensorflow.loops import Loops
    from nandoctor.guard import Guard
    from nandoctor.watch.loop import LoopListener

    loops = Loops(LoopListener(lambda *_: None), strict=True)
    with loops.watching(), watching_optimizers(loops):
        before = ResourceVariable.assign
        with guarding_fit(lambda _: Guard(out=None), lambda _: Guard(out=None), lambda _: False):
            layer = runpy.run_path(path)["layer"]
        assert ResourceVariable.assign is before
    place = sites.assigned_at(layer.kernel)
    text = Path(path).read_text().splitlines()
    marked = [number for number, line in enumerate(text, 1) if "# <- here" in line]
    assert ([] if place is None else [place.line]) == marked
    assert keras.Variable.assign.__module__.startswith("keras.")


@pytest.mark.parametrize("name", [*NOTED, *NOTHING])
def test_what_training_starts_from_is_noted(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "train.py"
    path.write_text(HEAD + textwrap.dedent((NOTED | NOTHING)[name]))
    corpus.in_fork(functools.partial(_noted, str(path)))
