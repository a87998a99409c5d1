"""The line behind a regulariser: where it was set last and took effect, and nowhere else."""

import functools
import runpy
import textwrap
from pathlib import Path

import corpus
import pytest

HEAD = """
import keras
from keras import layers, regularizers

"""

SET_LATER = {
    "on the weight": """
        model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
        for layer in model.layers:
            layer.kernel.regularizer = regularizers.L2(100.0)  # <- here
    """,
    "on the weight, twice": """
        model = keras.Sequential([keras.Input((4,)), layers.Dense(3, kernel_regularizer="l2")])
        model.layers[0].kernel.regularizer = regularizers.L2(1e-4)
        setattr(model.layers[0].kernel, "regularizer", regularizers.L2(100.0))  # <- here
    """,
    "on a layer that is not built": """
        model = keras.Sequential([layers.Dense(3)])
        model.layers[0].kernel_regularizer = regularizers.L2(100.0)  # <- here
        model.build((None, 4))
    """,
    "on a model that is then made anew": """
        model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
        for layer in model.layers:
            layer.kernel_regularizer = regularizers.L2(100.0)  # <- here
        model = keras.models.model_from_json(model.to_json())
    """,
    "over several lines": """
        model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
        model.layers[0].kernel.regularizer = regularizers.L2(  # <- here
            100.0,
        )
    """,
}

MADE_WITH = {
    "on a layer whose weights are there": """
        model = keras.Sequential(
            [
                keras.Input((4,)),
                layers.Dense(3, kernel_regularizer=regularizers.L2(100.0)),  # <- here
            ]
        )
        model.layers[0].kernel_regularizer = regularizers.L2(1e-4)
    """,
    "on another layer": """
        first = layers.Dense(3, kernel_regularizer=regularizers.L2(100.0))  # <- here
        second = layers.Dense(3)
        second.kernel_regularizer = regularizers.L2(100.0)
        second.build((None, 3))
        model = keras.Sequential([keras.Input((4,)), first])
    """,
    "by the layer itself": """
        class Own(layers.Layer):
            def build(self, shape):
                strong = regularizers.L2(100.0)
                self.kernel = self.add_weight(shape=(4, 3), name="kernel", regularizer=strong)  # <- here

            def call(self, x):
                return x @ self.kernel

        model = keras.Sequential([keras.Input((4,)), Own()])
    """,
}


def _named(path: str) -> None:
    """The one penalty of a script's model is placed at one of the script's marked lines."""
    import keras
    import numpy as np

    from nandoctor.frameworks.keras import sites
    from nandoctor.frameworks.keras.penalties import penalties_of

    with sites.noting():
        model = runpy.run_path(path)["model"]
    model.compile("sgd")
    (penalty,) = penalties_of(model, np.ones((2, 4), "float32"), None)
    lines = Path(path).read_text().splitlines()
    assert "# <- here" in lines[penalty.location.line - 1], penalty.location
    assert keras.layers.Layer.__setattr__.__module__.startswith("keras.")
    assert keras.Variable.regularizer.fset.__module__.startswith("keras.")


@pytest.mark.parametrize("name", [*SET_LATER, *MADE_WITH])
def test_the_line_is_the_one_that_took_effect(name, tmp_path):
    path = tmp_path / "train.py"
    path.write_text(HEAD + textwrap.dedent((SET_LATER | MADE_WITH)[name]))
    corpus.in_fork(functools.partial(_named, str(path)))
