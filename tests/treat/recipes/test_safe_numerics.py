"""The same with nandoctor's own operations."""

import marked
import pytest

from nandoctor.treat.recipes import floors, safe_numerics

TF = "import tensorflow as tf\n"
IMPORT = "from nandoctor import ops as safe_ops\n"

TWINS = [
    ("«tf.math.log(p)»", "safe_ops.log(p)"),
    ("2 * «tf.sqrt(a + b)»", "2 * safe_ops.sqrt(a + b)"),
    ("«tf.math.rsqrt(s)»", "safe_ops.power(s, -0.5)"),
    ("«tf.norm(v)»", "safe_ops.norm(v, axis=None)"),
    ("«tf.norm(v, axis=1, keepdims=True)»", "safe_ops.norm(v, axis=1, keepdims=True)"),
    ("«v / tf.norm(v, axis=1, keepdims=True)»", "safe_ops.normalize(v, axis=1)"),
    ("v / «tf.norm(v, axis=1, keepdims=True)»", "safe_ops.normalize(v, axis=1)"),
    ("v / «tf.norm(w, axis=1, keepdims=True)»", "v / safe_ops.norm(w, axis=1, keepdims=True)"),
    ("«tf.math.reduce_std(x, 0)»", "safe_ops.std(x, axis=0)"),
    ("«x ** 0.4»", "safe_ops.power(x, 0.4)"),
    ("«tf.acos(c)»", "safe_ops.acos(c)"),
    ("«a / b» + c", "safe_ops.divide(a, b) + c"),
    ("«tf.reduce_sum(e * m, axis=1) / tf.reduce_sum(m, axis=1)»", "safe_ops.masked_mean(e, m, axis=1)"),
    ("tf.math.log(1 + «tf.exp(x)»)", "safe_ops.softplus(x)"),
    ("tf.math.log(tf.reduce_sum(«tf.exp(x)», axis=1))", "safe_ops.logsumexp(x, axis=1)"),
    ("tf.math.log(«tf.cosh(x)»)", "safe_ops.logcosh(x)"),
    ('«tf.nn.softmax(tf.where(m, s, float("-inf")))»', "safe_ops.masked_softmax(s, m)"),
    ('«tf.nn.softmax(tf.where(pad, float("-inf"), s), axis=1)»', "safe_ops.masked_softmax(s, ~(pad), axis=1)"),
]


@pytest.mark.parametrize(("expression", "expected"), TWINS)
def test_the_safe_twin(expression, expected):
    (form,) = marked.written(safe_numerics.twin, TF + f"y = {expression}")
    assert form == f"{IMPORT}y = {expected}"


@pytest.mark.parametrize("expression", ["«f(x)»", "«tf.norm(v, ord=1)»", "«tf.exp(x)»", "«tf.nn.softmax(s)»"])
def test_no_twin(expression):
    assert marked.written(safe_numerics.twin, TF + f"y = {expression}") == []


def test_no_twin_for_the_data():
    assert marked.written(safe_numerics.twin, TF + "y = «a / b»", phase="data", inputs=None) == []


def test_only_for_the_style_that_asks_for_it():
    recipe = safe_numerics.or_safe(floors.inside)
    text = TF + "y = «tf.sqrt(s)»"
    assert marked.written(recipe, text) == marked.written(floors.inside, text)
    assert marked.written(recipe, text, style="nandoctor") == [
        f"{IMPORT}y = safe_ops.sqrt(s)",
        *marked.written(floors.inside, text),
    ]
