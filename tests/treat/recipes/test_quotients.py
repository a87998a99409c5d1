"""Denominators that come out as 0, and means of nothing."""

import marked
import pytest

from nandoctor.treat.recipes import quotients

TF, OPS, NP = "import tensorflow as tf\n", "from keras import ops\n", "import numpy as np\n"
COUNT = (marked.stats(()), marked.stats((), high=12.0))
EMPTY = (marked.stats((0,)),)


def first(recipe, text, **given):
    return next(iter(marked.written(recipe, text, kind="div", **given)), None)


COUNTS = [
    (
        TF + "y = «tf.reduce_sum(e * m) / tf.reduce_sum(m)»",
        "y = tf.reduce_sum(e * m) / tf.maximum(tf.reduce_sum(m), 1.0)",
    ),
    (OPS + "f = lambda e, n: «ops.sum(e) / n»", "f = lambda e, n: ops.sum(e) / ops.maximum(n, 1.0)"),
    (
        TF + "y = «tf.divide(tf.reduce_sum(e), tf.reduce_sum(m))»",
        "y = tf.divide(tf.reduce_sum(e), tf.maximum(tf.reduce_sum(m), 1.0))",
    ),
    (TF + "y = «tf.reduce_sum(e) / (n - 1)»", "y = tf.reduce_sum(e) / tf.maximum(n - 1, 1.0)"),
]


@pytest.mark.parametrize(("text", "expected"), COUNTS)
def test_a_count_with_a_floor(text, expected):
    assert first(quotients.floor_count, text, inputs=COUNT) == expected


def test_a_count_that_divides_more_than_once():
    text = TF + "def f(a, b, m):\n    n = tf.reduce_sum(m)\n    x = «a / n»\n    return x + b / n\n"
    assert (
        first(quotients.floor_count, text, inputs=COUNT)
        == "x = a / tf.maximum(n, 1.0)\nreturn x + b / tf.maximum(n, 1.0)"
    )


def test_a_share_is_no_count():
    text = TF + "y = «tf.reduce_mean(e * m) / tf.reduce_mean(m)»"
    assert first(quotients.floor_count, text, inputs=COUNT) == (
        "y = tf.math.divide_no_nan(tf.reduce_mean(e * m), tf.reduce_mean(m))"
    )


MEANS = [
    (
        TF + "def f(e, m):\n    return 2 * «tf.reduce_mean(tf.boolean_mask(e, m))»\n",
        "selected = tf.boolean_mask(e, m)\n"
        "return 2 * (tf.reduce_sum(selected) / tf.maximum(tf.cast(tf.size(selected), selected.dtype), 1.0))",
    ),
    (
        TF + "y = «tf.reduce_mean(x)»",
        "y = tf.reduce_sum(x) / tf.maximum(tf.cast(tf.size(x), x.dtype), 1.0)",
    ),
    (
        TF + "y = «tf.reduce_mean(x, axis=0)»",
        "y = tf.reduce_sum(x, axis=0) / tf.maximum(tf.reduce_sum(tf.ones_like(x), axis=0), 1.0)",
    ),
    (
        OPS + "f = lambda x, m: «ops.mean(x[m])»",
        "f = lambda x, m: ops.sum(x[m]) / ops.maximum(ops.sum(ops.ones_like(x[m])), 1.0)",
    ),
]


@pytest.mark.parametrize(("text", "expected"), MEANS)
def test_the_mean_of_nothing(text, expected):
    assert first(quotients.floor_count, text, inputs=EMPTY) == expected


def test_a_loss_of_a_selection():
    text = TF + "y = «loss_of(tf.boolean_mask(a, m), tf.boolean_mask(b, m))»"
    assert first(quotients.floor_count, text, inputs=EMPTY) == (
        "y = tf.cond(tf.size(tf.boolean_mask(a, m)) > 0, "
        "lambda: loss_of(tf.boolean_mask(a, m), tf.boolean_mask(b, m)), lambda: tf.zeros(()))"
    )


def test_a_name_that_is_taken_is_not_used_again():
    text = TF + "selected = 3\ny = «tf.reduce_mean(tf.boolean_mask(e, m))»"
    assert "selected_2 = tf.boolean_mask(e, m)" in first(quotients.floor_count, text, inputs=EMPTY)


NO_NAN = [
    (TF + "y = tf.abs(«(a - b) / a»)", "y = tf.abs(tf.math.divide_no_nan(a - b, a))"),
    (OPS + "y = «a / ops.sum(a)»", "y = ops.divide_no_nan(a, ops.sum(a))"),
    (TF + "y = «tf.math.rsqrt(a)»", "y = tf.math.rsqrt(tf.maximum(a, 1e-12))"),
    (TF + "y = «tf.math.reciprocal(a)»", "y = tf.math.divide_no_nan(tf.ones_like(a), a)"),
    (
        TF + "y = «v / tf.norm(v, axis=1, keepdims=True)»",
        "y = v / tf.sqrt(tf.maximum(tf.reduce_sum(tf.square(v), axis=1, keepdims=True), 1e-12))",
    ),
]


@pytest.mark.parametrize(("text", "expected"), NO_NAN)
def test_a_division_that_knows_0(text, expected):
    assert first(quotients.no_nan, text) == expected


def test_a_floor_under_the_denominator():
    assert first(quotients.floor, TF + "y = «a / b»") == "y = a / tf.maximum(b, 1e-7)"
    below = (marked.stats(), marked.stats(low=-1.0))
    assert first(quotients.floor, TF + "y = «a / b»", inputs=below) == "y = a / tf.where(tf.abs(b) > 1e-7, b, 1e-7)"
    assert first(quotients.floor, TF + "y = «a / (b - c)»", inputs=below) is None


SPREADS = [
    (
        NP + "mu, sd = x.mean(0), 2\nsd = x.std(0)\nx = «(x - mu) / sd»",
        "sd = np.where(sd > 0, sd, 1.0)",
    ),
    (
        "import numpy\ndef f(x, sd):\n    return «x / sd»",
        "sd = numpy.where(sd > 0, sd, 1.0)",
    ),
    (
        NP + "SD = x.std(0)\ndef f(x):\n    return «x / SD»",  # a name of the file cannot be given anew in a function
        "return x / np.where(SD > 0, SD, 1.0)",
    ),
    (
        NP + "MU, SD = x.mean(0), x.std(0)\ndef f(x):\n    return «(x - MU) / SD»",
        "return (x - MU) / np.where(SD > 0, SD, 1.0)",
    ),
    (NP + "f = lambda x, sd: «x / sd»", "f = lambda x, sd: x / np.where(sd > 0, sd, 1.0)"),
    (NP + "x = «(x - x.min(0)) / (x.max(0) - x.min(0))»", "x = (x - x.min(0)) / np.maximum(x.max(0) - x.min(0), 1e-7)"),
    (NP + "x /= «x.std(axis=0)»", "x /= np.maximum(x.std(axis=0), 1e-7)"),
    (NP + "x -= 1\n«x /= sd»", "sd = np.where(sd > 0, sd, 1.0)"),
    ("x = «x / sd»", "import numpy as np\nsd = np.where(sd > 0, sd, 1.0)"),
]


@pytest.mark.parametrize(("text", "expected"), SPREADS)
def test_a_spread_of_nothing_in_the_data(text, expected):
    assert first(quotients.floor_spread, text, phase="data", inputs=None) == expected


def test_a_spread_in_a_pipeline():
    text = TF + "d = d.map(lambda s: «(s - tf.reduce_min(s)) / (tf.reduce_max(s) - tf.reduce_min(s))»)"
    assert first(quotients.floor_spread, text, phase="data", inputs=None) == (
        "d = d.map(lambda s: tf.math.divide_no_nan(s - tf.reduce_min(s), tf.reduce_max(s) - tf.reduce_min(s)))"
    )


def test_divisors_before_training():
    forms = marked.written(quotients.floor_divisor, NP + "counts = np.bincount(y)\nw = «1.0 / counts»", inputs=None)
    assert forms == [
        "w = 1.0 / np.maximum(counts, 1)",
        "w = np.divide(1.0, counts, out=np.zeros_like(counts, dtype=float), where=counts != 0)",
        "w = 1.0 / np.maximum(counts, 1e-7)",
    ]
    assert (
        first(quotients.floor_divisor, NP + "w = «1.0 / (a + b)»", inputs=None) == "w = 1.0 / np.maximum(a + b, 1e-7)"
    )


@pytest.mark.parametrize(
    "recipe",
    [quotients.no_nan, quotients.floor, quotients.floor_count, quotients.floor_spread, quotients.floor_divisor],
)
@pytest.mark.parametrize("text", [TF + "y = «model(x)»", TF + "y = «a * b»", TF + "y = «tf.exp(x)»"])
def test_nothing_where_nothing_is_divided(recipe, text):
    assert first(recipe, text) is None


MAPPED = (
    TF
    + NP
    + """
mean, spread = np.load("m.npy"), np.load("s.npy")
def prepare(scan, label):
    return «(scan - mean) / spread», (label - mean) / spread
data = data.map(prepare, num_parallel_calls=4)
"""
)


def test_what_a_pipeline_maps_is_made_of_tensors():
    assert marked.written(quotients.floor_spread, MAPPED, phase="data", inputs=None) == [
        "return tf.math.divide_no_nan(scan - mean, spread), tf.math.divide_no_nan(label - mean, spread)",
        "return (scan - mean) / tf.maximum(spread, 1e-7), (label - mean) / tf.maximum(spread, 1e-7)",
    ]
