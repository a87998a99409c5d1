"""What a model is made of: initial weights, penalties, recurrence, normalisation; and what precision asks of a setting."""

# ruff: noqa: E501 (each script is one string)

import marked
import pytest

from nandoctor.treat.recipes import (
    arithmetic,
    finite_clip,
    initial_weights,
    loss_scale,
    normalising,
    penalties,
    recurrence,
    statistics,
)

K = "import keras\nfrom keras import layers\n"
TF = "import tensorflow as tf\n"
NP = "import numpy as np\n"
OPS = "import keras\nfrom keras import layers, ops\n"

INITIAL = [
    (K + 'd = «layers.Dense(8, activation="relu", kernel_initializer=keras.initializers.RandomNormal(stddev=5.0))»',
     'd = layers.Dense(8, activation="relu", kernel_initializer="he_normal")'),
    (K + 'd = «layers.Dense(8, kernel_initializer="ones")»', 'd = layers.Dense(8, kernel_initializer="glorot_uniform")'),
    (K + 'd = «layers.Dense(8, kernel_initializer="ones")»\nr = layers.ReLU()', 'd = layers.Dense(8, kernel_initializer="he_normal")'),
    (K + 'big = keras.initializers.RandomUniform(-3, 3)\nd = «layers.Dense(8, activation="tanh", kernel_initializer=big)»', 'big = "glorot_uniform"'),
    (K + "big = keras.initializers.Constant(2.0)\nw = big((3, 3))\nd = «layers.Dense(8, kernel_initializer=big)»", "big = keras.initializers.GlorotUniform()"),
    (K + "d = «layers.Conv2D(8, 3, kernel_initializer=keras.initializers.VarianceScaling(scale=100.0))»",
     'd = layers.Conv2D(8, 3, kernel_initializer="glorot_uniform")'),
    (K + "d = «layers.SimpleRNN(8, recurrent_initializer=keras.initializers.Orthogonal(gain=3.0))»", 'd = layers.SimpleRNN(8, recurrent_initializer="orthogonal")'),
    (K + 'def block(start):\n    return «layers.Dense(8, kernel_initializer=start)»\nblock("ones")', 'block("glorot_uniform")'),
    (K + "class D(layers.Layer):\n    def build(self, shape):\n        self.w = «self.add_weight(shape=(4, 8), initializer='ones')»",
     "        self.w = self.add_weight(shape=(4, 8), initializer=\"glorot_uniform\")"),
    (TF + "w = «tf.Variable(tf.random.normal([784, 128], stddev=1.0))»", "w = tf.Variable(tf.random.normal([784, 128], stddev=(2.0 / 784) ** 0.5))"),
    (TF + "w = «tf.Variable(tf.random.normal([3, 3, 16, 32]))»", "w = tf.Variable(tf.random.normal([3, 3, 16, 32], stddev=(2.0 / (3 * 3 * 16)) ** 0.5))"),
    (TF + NP + "w = «tf.Variable(np.random.randn(784, 128))»", "w = tf.Variable(np.random.randn(784, 128) * (2.0 / 784) ** 0.5)"),
    (TF + NP + "rng = np.random.default_rng(1)\nw = «tf.Variable(rng.normal(0, 1, (784, 128)))»",
     "w = tf.Variable(rng.normal(0, (2.0 / 784) ** 0.5, (784, 128)))"),
    (K + NP + "for l in m.layers:\n    «l.kernel.assign(np.random.normal(0.0, 1.0, l.kernel.shape))»",
     "    l.kernel.assign(keras.initializers.HeNormal()(l.kernel.shape))"),
    (K + NP + "«m.set_weights([np.random.normal(0, 1, w.shape) for w in m.get_weights()])»",
     "m.set_weights([np.random.normal(0, (2.0 / np.prod(w.shape[:-1])) ** 0.5, w.shape) for w in m.get_weights()])"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), INITIAL)
def test_weights_are_drawn_by_their_fans(text, expected):
    assert marked.changed(initial_weights.by_fans, text)[0] == expected


@pytest.mark.parametrize(
    "text",
    [
        K + "d = «layers.Dense(8)»",
        K + 'd = «layers.Dense(8, kernel_initializer="he_uniform")»',
        K + 'd = «layers.Dense(8, bias_initializer="ones")»',
        K + "e = «layers.Embedding(8, 4, embeddings_initializer='ones')»",
        TF + "b = «tf.Variable(tf.random.normal([128]))»",
    ],
)
def test_initial_weights_that_are_ordinary_stay(text):
    assert marked.changed(initial_weights.by_fans, text) == []


PENALTIES = [
    (K + "d = «layers.Dense(8, kernel_regularizer=keras.regularizers.L2(100.0))»", ["L2(1.0)", "L2(0.01)", "L2(1e-4)"]),
    (K + "from keras.regularizers import l1_l2\nd = «layers.Dense(8, kernel_regularizer=l1_l2(l1=10.0, l2=20.0))»", ["l1_l2(l1=0.1, l2=0.2)"]),
    (K + "S = 100.0\nr = keras.regularizers.L1(S)\nd = «layers.Dense(8, kernel_regularizer=r)»", ["S = 1.0"]),
    (K + "o = «keras.optimizers.AdamW(1e-3, weight_decay=50.0)»", ["weight_decay=0.5)"]),
    (TF + "lam = 30.0\ndef f(w):\n    return error + «lam * tf.reduce_sum(w**2)»", ["lam = 0.3"]),
    (TF + "def f(w):\n    return error + 30.0 * «tf.nn.l2_loss(w)»", ["0.3 * tf.nn.l2_loss(w)"]),
    (OPS + "class R(keras.regularizers.Regularizer):\n    def __init__(self, s):\n        self.s = s\n    def __call__(self, w):\n"
     "        return self.s * «ops.sum(ops.square(w))»\nd = layers.Dense(8, kernel_regularizer=R(70.0))", ["R(0.7)"]),
    (K + 'd = «layers.Dense(8, kernel_regularizer="l2")»', ["kernel_regularizer=keras.regularizers.L2(1e-4)"]),
    (K + "for l in m.layers:\n    l.kernel.regularizer = keras.regularizers.L2(100.0)\ny = «f(1)»", ["L2(1.0)"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PENALTIES)
def test_the_coefficient_is_lowered_where_it_is_written(text, expected):
    found = marked.changed(penalties.weaker, text)
    assert all(end in line for line, end in zip(found, expected, strict=False))
    assert len(found) >= len(expected)


def test_an_ordinary_penalty_beside_the_strong_one_stays():
    text = K + (
        "a = «layers.Dense(8, kernel_regularizer=keras.regularizers.L2(100.0))»\n"
        "b = layers.Dense(8, kernel_regularizer=keras.regularizers.L2(1e-4))"
    )
    assert "L2(1e-4)" in marked.whole(penalties.weaker, text)


def test_no_penalty_is_found_where_there_is_none():
    assert marked.changed(penalties.weaker, K + "d = «layers.Dense(8)»") == []


BOUNDED = [
    (K + 'r = «layers.SimpleRNN(8, activation="relu")»', 'r = layers.SimpleRNN(8, activation="tanh")'),
    (K + "r = «layers.GRU(8, None)»", 'r = layers.GRU(8, "tanh")'),
    (K + "r = «layers.LSTM(8, activation=lambda x: x)»", 'r = layers.LSTM(8, activation="tanh")'),
    (OPS + "class C(layers.Layer):\n    def call(self, x, states):\n        h = states[0]\n        h = x + «ops.matmul(h, self.w)»\n        return h, [h]",
     "        h = ops.tanh(x + ops.matmul(h, self.w))"),
    (OPS + "class C(layers.Layer):\n    def call(self, x, states):\n        return x + «ops.matmul(states[0], self.w)», [h]",
     "        return ops.tanh(x + ops.matmul(states[0], self.w)), [h]"),
    (OPS + "class C(layers.Layer):\n    def call(self, x, states):\n        back = «ops.matmul(states[0], self.w)»\n        new = x + back\n        return new, [new]",
     "        new = ops.tanh(x + back)"),
    (TF + "y = tf.scan(lambda h, x: «h @ w» + x, xs)", "y = tf.scan(lambda h, x: tf.tanh(h @ w + x), xs)"),
    (TF + "for x in xs:\n    h = «tf.matmul(h, w)» + x", "    h = tf.tanh(tf.matmul(h, w) + x)"),
    (TF + "for x in xs:\n    h *= «tf.exp(w)»", "    h = tf.tanh(h * (tf.exp(w)))"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BOUNDED)
def test_the_state_goes_through_tanh(text, expected):
    assert marked.changed(recurrence.bounded_activation, text)[0] == expected


def test_a_layer_with_a_bounded_activation_is_left_alone():
    assert marked.changed(recurrence.bounded_activation, K + "def f():\n    return layers.GRU(8)\nx = «f()»") == []


def test_a_factor_of_the_state_is_bounded():
    text = TF + "y = tf.scan(lambda h, x: «w * h» + x, xs)"
    assert marked.changed(recurrence.bounded_decay, text) == [
        "y = tf.scan(lambda h, x: tf.clip_by_value(w, -1.0, 1.0) * h + x, xs)",
        "y = tf.scan(lambda h, x: tf.sigmoid(w) * h + x, xs)",
    ]


def test_the_recurrent_kernel_is_held():
    text = K + 'r = «layers.SimpleRNN(8, activation="relu")»'
    assert marked.changed(recurrence.bounded_kernel, text) == [
        'r = layers.SimpleRNN(8, activation="relu", recurrent_constraint=keras.constraints.MaxNorm(1.0, axis=[0, 1]))'
    ]


NORMALISED = [
    (K + "m = keras.Sequential([«layers.Dense(8)», layers.Dense(1)])", "m = keras.Sequential([layers.Dense(8), layers.LayerNormalization(), layers.Dense(1)])"),
    (K + "m = keras.Sequential([\n    «layers.Dense(8)»,\n    layers.Dense(1),\n])", "    layers.LayerNormalization(),"),
    (K + "for _ in range(9):\n    m.add(«layers.Dense(8)»)\nm.add(layers.Dense(1))", "    m.add(layers.LayerNormalization())"),
    (K + "h = «layers.Dense(8)»(x)\ny = layers.Dense(1)(h)", "h = layers.LayerNormalization()(layers.Dense(8)(x))"),
    ("from keras.layers import Dense\nh = «Dense(8)»(x)\ny = Dense(1)(h)",
     "from keras.layers import LayerNormalization\nh = LayerNormalization()(Dense(8)(x))"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), NORMALISED)
def test_a_normalisation_behind_each_layer_but_the_last(text, expected):
    assert marked.changed(normalising.between_layers, text) == [expected]


def test_layers_that_are_normalised_already_stay():
    text = K + "m = keras.Sequential([«layers.Dense(8)», layers.BatchNormalization(), layers.Dense(1)])"
    assert marked.changed(normalising.between_layers, text) == []


def test_the_default_epsilon_and_groups():
    text = K + 'x = «layers.BatchNormalization(momentum=0.5, epsilon=1e-12, name="n")»(x)'
    assert marked.changed(normalising.default_epsilon, text) == [
        'x = layers.BatchNormalization(momentum=0.5, name="n")(x)'
    ]
    assert marked.changed(normalising.of_groups, text) == ['x = layers.GroupNormalization(groups=1, name="n")(x)']
    assert marked.changed(normalising.default_epsilon, text.replace("1e-12", "1e-3")) == []


SUMS = [
    ("def f(y, p):\n    return tf.reduce_sum(tf.square(y - p))\n«m.compile(o, loss=f)»", "    return tf.reduce_mean(tf.square(y - p))"),
    ("class L(keras.losses.Loss):\n    def call(self, y, p):\n        return tf.reduce_sum(tf.abs(y - p))\n«m.compile(o, loss=L())»",
     "        return tf.reduce_mean(tf.abs(y - p))"),
    ("«m.compile(o, keras.losses.MeanSquaredError(reduction='sum'))»", 'm.compile(o, keras.losses.MeanSquaredError(reduction="sum_over_batch_size"))'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SUMS)
def test_a_mean_in_place_of_a_sum(text, expected):
    assert marked.changed(loss_scale.mean_not_sum, "import keras\n" + TF + text)[0] == expected


def test_a_sum_that_is_divided_stays():
    text = TF + "def f(y, p):\n    return tf.reduce_sum(y * p) / tf.reduce_sum(y)\n«m.compile(o, loss=f)»"
    assert marked.changed(loss_scale.mean_not_sum, text) == []


def test_the_initial_scale():
    text = K + "o = «keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**40)»"
    assert [c.partition("initial_scale=")[2] for c in marked.changed(loss_scale.ordinary_scale, text)] == [
        "2.0**15)",
        "1.0)",
    ]


SINGLE = [
    ('keras.config.set_floatx("float16")', 'keras.mixed_precision.set_global_policy("mixed_float16")'),
    ('keras.mixed_precision.set_global_policy("float16")', 'keras.mixed_precision.set_global_policy("mixed_float16")'),
    ('keras.mixed_precision.set_global_policy("mixed_float16")', None),
]


@pytest.mark.parametrize(("line", "expected"), SINGLE)
def test_weights_are_kept_in_single(line, expected):
    text = K + line + "\no = «keras.optimizers.Adam(1e-3)»"
    assert marked.changed(loss_scale.weights_in_single, text) == ([] if expected is None else [expected])


EPSILON = [
    (K + "o = «keras.optimizers.Adam(1e-3, epsilon=1e-8)»", "o = keras.optimizers.Adam(1e-3, epsilon=1e-4)"),
    (K + "EPS = 1e-8\no = «keras.optimizers.Adam(1e-3, epsilon=EPS)»", "EPS = 1e-4"),
    (K + "o = «keras.optimizers.RMSprop(1e-3)»", "o = keras.optimizers.RMSprop(1e-3, epsilon=1e-4)"),
    (TF + "w.assign_sub(rate * «m / (tf.sqrt(v) + 1e-8)»)", "w.assign_sub(rate * m / (tf.sqrt(v) + 1e-4))"),
]


@pytest.mark.parametrize(("text", "expected"), EPSILON)
def test_an_epsilon_that_half_holds(text, expected):
    assert marked.changed(loss_scale.larger_epsilon, text)[0] == expected


def test_an_optimizer_without_an_epsilon():
    assert marked.changed(loss_scale.larger_epsilon, K + "o = «keras.optimizers.SGD(1e-3)»") == []


def test_the_norm_of_a_clip_cannot_overflow():
    text = TF + "def step():\n    clipped, norm = «tf.clip_by_global_norm(grads, 5.0)»"
    first, *_ = marked.changed(finite_clip.before_clip, text)
    assert first.splitlines() == [
        "    largest = tf.reduce_max([tf.reduce_max(tf.abs(g)) for g in grads])",
        "    largest = tf.maximum(largest, 1e-6)",
        "    safe_norm = largest * tf.linalg.global_norm([g / largest for g in grads])",
        "    clipped, norm = tf.clip_by_global_norm(grads, 5.0, use_norm=safe_norm)",
    ]


STATISTICS = [
    (K + "x = «layers.BatchNormalization()(inputs)»", "x = layers.BatchNormalization()(keras.ops.clip(inputs, -1e4, 1e4))"),
    (K + "x = «layers.BatchNormalization()»(inputs)", "x = layers.BatchNormalization()(keras.ops.clip(inputs, -1e4, 1e4))"),
    (TF + "def f(self):\n    self.m.assign(«0.9 * self.m + 0.1 * mean»)",
     "    updated = 0.9 * self.m + 0.1 * mean\n    self.m.assign(tf.where(tf.math.is_finite(updated), updated, self.m))"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), STATISTICS)
def test_what_is_averaged_is_bounded(text, expected):
    assert marked.changed(statistics.bounded, text) == [expected]


ARITHMETIC = [
    ("y = «np.log(sold)»", "y = np.log(np.maximum(sold, sold[sold > 0].min()))"),
    ("y = «np.log(a * b)»", "values = a * b\ny = np.log(np.maximum(values, values[values > 0].min()))"),
    ("y = «np.log(positive / negative)»", "y = np.log((positive + 1) / (negative + 1))"),
    ("y = np.log(«len(x) / counts»)", "y = np.log(len(x) / np.maximum(counts, 1))"),
    ("y = «a / b»", "y = np.divide(a, b, out=np.zeros_like(b, dtype=float), where=b != 0)"),
    ("y = «np.sqrt(a - b)»", "y = np.sqrt(np.maximum(a - b, 0.0))"),
    ("y = «x ** -0.5»", "y = np.maximum(x, 1e-7) ** -0.5"),
]


@pytest.mark.parametrize(("text", "expected"), ARITHMETIC)
def test_arithmetic_of_data_is_guarded(text, expected):
    assert marked.changed(arithmetic.finite, NP + text, phase="data")[0] == expected


def test_the_guard_behind_an_initial_value():
    text = NP + K + "bias = np.log(p)\nd = «layers.Dense(3, bias_initializer=keras.initializers.Constant(bias))»"
    found = marked.changed(arithmetic.initial_value, text, phase="state", inputs=None)
    assert found[0] == "bias = np.log(np.maximum(p, p[p > 0].min()))"


@pytest.mark.parametrize("text", ["y = «f(x)»", "y = «x ** 2»", "y = «a + b»"])
def test_arithmetic_that_makes_no_infinity_stays(text):
    assert marked.changed(arithmetic.finite, NP + text, phase="data") == []
