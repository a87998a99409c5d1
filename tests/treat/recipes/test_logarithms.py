"""Logarithms of 0: from logits, as xlogy, with a floor."""

import marked
import pytest

from nandoctor.treat.recipes import logarithms

TF, OPS = "import tensorflow as tf\n", "from keras import ops\n"

FLOORS = [
    (TF + "y = «tf.math.log(p)»", "y = tf.math.log(tf.maximum(p, 1e-7))"),
    (OPS + "f = lambda p: «ops.log(p)»", "f = lambda p: ops.log(ops.maximum(p, 1e-7))"),
    (TF + "y = t * «tf.math.log(1.0 - p)»", "y = t * tf.math.log(tf.maximum(1.0 - p, 1e-8))"),
    (TF + "q = 1 - p\ny = «tf.math.log(q)»", "y = tf.math.log(tf.maximum(q, 1e-8))"),
    (TF + "y = «tf.math.log1p(-p)»", "y = tf.math.log1p(tf.maximum(-p, -1 + 1e-6))"),
    (TF + "y = «tf.math.xlogy(t, p)»", "y = tf.math.xlogy(t, tf.maximum(p, 1e-7))"),
    ("from tensorflow import math\ny = «math.log(p)»", "import tensorflow as tf\ny = math.log(tf.maximum(p, 1e-7))"),
]

BOTH = (
    TF
    + """
def loss(y, p):
    first = y * tf.math.log(p)
    second = (1.0 - y) * «tf.math.log(1.0 - p)»
    return -tf.reduce_mean(first + second)
"""
)


@pytest.mark.parametrize(("text", "expected"), FLOORS)
def test_a_floor_inside(text, expected):
    assert marked.written(logarithms.floor, text)[0] == expected


def test_both_ends_of_a_cross_entropy():
    """First what changes nothing else; then the other end as well."""
    forms = list(logarithms.floor(marked.site(BOTH)))
    assert forms[0].code == "second = (1.0 - y) * tf.math.log(tf.maximum(1.0 - p, 1e-8))"
    assert forms[1].code == (
        "first = y * tf.math.log(tf.maximum(p, 1e-7))\nsecond = (1.0 - y) * tf.math.log(tf.maximum(1.0 - p, 1e-8))"
    )
    assert [form.safe for form in forms] == [True, False, False]


@pytest.mark.parametrize("bound", ["EPS", "1e-7", "self.eps"])
def test_an_end_that_is_guarded_stays_as_it_is(bound):
    text = (
        TF
        + f"""
EPS = 1e-7
class Loss:
    def __init__(self, eps=1e-7):
        self.eps = eps
    def call(self, y, y_pred):
        p = tf.clip_by_value(y_pred, {bound}, 1.0)
        return y * tf.math.log(p) + (1 - y) * «tf.math.log(1.0 - p)»
"""
    )
    form = next(logarithms.floor(marked.site(text)))
    assert form.code == "return y * tf.math.log(p) + (1 - y) * tf.math.log(tf.maximum(1.0 - p, 1e-8))"
    assert form.safe


def test_a_floor_that_half_precision_holds():
    given = (marked.stats(dtype="float16"),)
    assert marked.written(logarithms.floor, TF + "y = «tf.math.log(p)»", inputs=given)[0].endswith("(p, 1e-4))")


STABLE = [
    (OPS + "s = ops.softmax(z / 2)\ny = s * «ops.log(s)»", "y = s * ops.log_softmax(z / 2)"),
    (TF + "y = «tf.math.log(tf.nn.softmax(z, axis=1))»", "y = tf.nn.log_softmax(z, axis=1)"),
    (TF + "y = t * «tf.math.log(tf.sigmoid(a + b))»", "y = t * (-tf.math.softplus(-(a + b)))"),
    (TF + "p = tf.nn.sigmoid(z)\ny = t * «tf.math.log(1.0 - p)»", "y = t * (-tf.math.softplus(z))"),
]


@pytest.mark.parametrize(("text", "expected"), STABLE)
def test_from_the_logits(text, expected):
    assert marked.written(logarithms.stable, text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        TF + "y = «tf.math.log(p)»",
        TF + "z = tf.nn.softmax(z)\ny = «tf.math.log(z)»",  # the logits are gone
        TF + "s = tf.nn.softmax(z)\nz = z + 1\ny = «tf.math.log(s)»",
        TF + "s = tf.nn.softmax(z)\ndef f(s):\n    return «tf.math.log(s)»",  # another s
    ],
)
def test_no_logits_where_they_are_not_at_hand(text):
    assert marked.written(logarithms.stable, text) == []


def test_entropy():
    text = TF + "y = -tf.reduce_sum(p * «tf.math.log(p)», -1)"
    assert marked.written(logarithms.of_itself, text) == ["y = -tf.reduce_sum(tf.math.xlogy(p, p), -1)"]


@pytest.mark.parametrize("text", [TF + "y = t * «tf.math.log(p)»", TF + "y = p + «tf.math.log(p)»"])
def test_no_xlogy_of_another_number(text):
    assert marked.written(logarithms.of_itself, text) == []
