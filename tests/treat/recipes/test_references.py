"""Functions that are passed on."""

import marked
import pytest

from nandoctor.treat.recipes import exponentials, floors, logarithms

TF = "import tensorflow as tf\nfrom keras import layers, ops\n"

PASSED = [
    (floors.inside, "«layers.Lambda(tf.sqrt)»(x)", "layers.Lambda(lambda x: tf.sqrt(tf.maximum(x, 1e-12)))(x)"),
    (
        floors.inside,
        "«layers.Lambda(ops.arccos)(x)»",
        "layers.Lambda(lambda x: ops.arccos(tf.clip_by_value(x, -1 + 1e-6, 1 - 1e-6)))(x)",
    ),
    (
        logarithms.floor,
        "«layers.Activation(tf.math.log)»(x)",
        "layers.Activation(lambda x: tf.math.log(tf.maximum(x, 1e-7)))(x)",
    ),
    (
        exponentials.bound,
        "«layers.Dense(1, activation=tf.exp)»(x)",
        "layers.Dense(1, activation=lambda x: tf.exp(tf.minimum(x, 80.0)))(x)",
    ),
]


@pytest.mark.parametrize(("recipe", "expression", "expected"), PASSED)
def test_it_is_wrapped(recipe, expression, expected):
    assert marked.written(recipe, TF + f"y = {expression}")[0] == f"y = {expected}"


@pytest.mark.parametrize("recipe", [floors.inside, logarithms.floor, exponentials.bound])
@pytest.mark.parametrize("expression", ["«layers.Lambda(tf.square)»", "«layers.Lambda(mine)»", "«f(self.log, exp)»"])
def test_nothing_for_another_function(recipe, expression):
    assert marked.written(recipe, TF + f"y = {expression}") == []
