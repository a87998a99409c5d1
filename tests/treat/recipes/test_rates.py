"""A lower rate and a clip, wherever a script says them."""

# ruff: noqa: E501 (each script is one string)

import marked
import pytest

from nandoctor.findings import Fact
from nandoctor.treat.recipes import rates

K, TF = "import keras\n", "import tensorflow as tf\n"
SCHEDULES = K + "from keras.optimizers import schedules\n"

LOWER = [
    (K + "opt = «keras.optimizers.SGD(0.5, momentum=0.9)»", "opt = keras.optimizers.SGD(0.05, momentum=0.9)"),
    (K + "opt = «keras.optimizers.SGD(momentum=0.9, learning_rate=1.0)»", "keras.optimizers.SGD(momentum=0.9, learning_rate=0.1)"),
    (K + "opt = «keras.optimizers.Adam()»", "opt = keras.optimizers.Adam(learning_rate=1e-4)"),
    (K + "opt = «keras.optimizers.Adam(beta_1=0.8)»", "opt = keras.optimizers.Adam(beta_1=0.8, learning_rate=1e-4)"),
    (K + "opt = «keras.optimizers.SGD(**how)»", "opt = keras.optimizers.SGD(**how, learning_rate=0.001)"),
    (K + "opt = «keras.optimizers.SGD(\n    0.5,\n    momentum=0.9,\n)»", "    0.05,"),
    (K + "opt = «keras.optimizers.SGD(10 ** -1)»", "opt = keras.optimizers.SGD(0.01)"),
    (K + "LR = 0.5  # found by trial\nopt = «keras.optimizers.SGD(LR)»", "LR = 0.05  # found by trial"),
    (K + "LR: float = 0.5\nopt = «keras.optimizers.SGD(LR)»", "LR: float = 0.05"),
    (K + "WIDTH, LR = 64, 0.5\nopt = «keras.optimizers.SGD(LR)»", "WIDTH, LR = 64, 0.05"),
    (K + "BATCH = 256\nopt = «keras.optimizers.SGD(0.1 * BATCH / 256)»", "opt = keras.optimizers.SGD(0.01)"),
    (K + "opt = «keras.optimizers.SGD(base * workers)»", "opt = keras.optimizers.SGD(0.1 * (base * workers))"),
    (K + 'cfg = {"lr": 0.5}\nopt = «keras.optimizers.SGD(cfg["lr"])»', 'cfg = {"lr": 0.05}'),
    (K + 'cfg = dict(lr=0.5)\nopt = «keras.optimizers.SGD(cfg["lr"])»', "cfg = dict(lr=0.05)"),
    (
        K + 'parser.add_argument("--learning-rate", type=float, default=0.5)\nopt = «keras.optimizers.SGD(args.learning_rate)»',
        'parser.add_argument("--learning-rate", type=float, default=0.05)',
    ),
    (K + "class Config:\n    lr: float = 0.5\nopt = «keras.optimizers.SGD(Config.lr)»", "    lr: float = 0.05"),
    (K + "def build(rate=0.5):\n    return «keras.optimizers.SGD(rate)»\nbuild()", "def build(rate=0.05):"),
    (K + "def build(rate=0.1):\n    return «keras.optimizers.SGD(rate)»\nbuild(rate=0.5)", "build(rate=0.05)"),
    (K + "class T:\n    def __init__(self, lr):\n        self.lr = lr\n        self.o = «keras.optimizers.SGD(self.lr)»\nT(0.5)", "T(0.05)"),
    (TF + "model.compile(«tf.keras.optimizers.Adam(float(1e-1))», 'mse')", "model.compile(tf.keras.optimizers.Adam(float(0.01)), 'mse')"),
    ("from tensorflow.keras.optimizers import SGD\nopt = «SGD(lr=0.5)»", "opt = SGD(lr=0.05)"),
    ("from keras.optimizers import *\nopt = «SGD(0.5)»", "opt = SGD(0.05)"),
    (K + "«model.compile('sgd', 'mse')»", "model.compile(keras.optimizers.SGD(learning_rate=0.001), 'mse')"),
    (TF + '«model.compile(optimizer="Adam", loss="mse")»', 'model.compile(optimizer=tf.keras.optimizers.Adam(learning_rate=1e-4), loss="mse")'),
    (K + 'OPT = "sgd"\n«model.compile(optimizer=OPT, loss="mse")»', "OPT = keras.optimizers.SGD(learning_rate=0.001)"),
    (K + '«model.compile(loss="mse")»', 'model.compile(loss="mse", optimizer=keras.optimizers.RMSprop(learning_rate=1e-4))'),
    (
        "from keras.models import Sequential\n«model.compile('sgd')»",
        "import keras\nmodel.compile(keras.optimizers.SGD(learning_rate=0.001))",
    ),
    (K + "inner = keras.optimizers.Adam(0.1)\nopt = keras.optimizers.LossScaleOptimizer(inner)\n«model.compile(opt)»", "inner = keras.optimizers.Adam(0.01)"),
    (K + "class Mine(keras.optimizers.SGD):\n    pass\nopt = «Mine(0.5)»", "opt = Mine(0.05)"),
    (SCHEDULES + "s = schedules.ExponentialDecay(0.5, 100, 0.9)\nopt = «keras.optimizers.SGD(s)»", "s = schedules.ExponentialDecay(0.05, 100, 0.9)"),
    (
        SCHEDULES + "opt = «keras.optimizers.SGD(schedules.PiecewiseConstantDecay([10], [0.5, 0.1]))»",
        "opt = keras.optimizers.SGD(schedules.PiecewiseConstantDecay([10], [0.05, 0.01]))",
    ),
    (
        SCHEDULES + "opt = «keras.optimizers.SGD(schedules.CosineDecay(0.0, 100, warmup_target=0.5))»",
        "opt = keras.optimizers.SGD(schedules.CosineDecay(0.0, 100, warmup_target=0.05))",
    ),
    (
        SCHEDULES + "class W(schedules.LearningRateSchedule):\n    def __call__(self, step):\n        return step * 0.1\nopt = «keras.optimizers.Adam(W())»",
        "        return 0.1 * (step * 0.1)",
    ),
    (
        K + "opt = «keras.optimizers.SGD(0.5)»\ndef f(epoch):\n    return 0.4\ncb = keras.callbacks.LearningRateScheduler(f)",
        "opt = keras.optimizers.SGD(0.05)\n    return 0.04",
    ),
    (
        K + "opt = «keras.optimizers.SGD(0.5)»\ncb = keras.callbacks.LearningRateScheduler(lambda epoch: 0.5 * 0.9 ** epoch)",
        "opt = keras.optimizers.SGD(0.05)\ncb = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 * (0.5 * 0.9 ** epoch))",
    ),
    (TF + "opt = «tf.compat.v1.train.GradientDescentOptimizer(0.5)»", "opt = tf.compat.v1.train.GradientDescentOptimizer(0.05)"),
    (TF + "RATE = 0.5\nloss = «tf.square(x)»\nw.assign_sub(RATE * g)", "RATE = 0.05"),
    (TF + "loss = «tf.square(x)»\nw.assign(w - 0.5 * g)", "w.assign(w - 0.05 * g)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), LOWER)
def test_the_rate_is_a_tenth(text, expected):
    assert marked.changed(rates.lower, text)[0].endswith(expected)


GROWING = [
    (
        "def f(epoch, lr):\n    return lr * 1.5\nopt = «keras.optimizers.SGD(0.005)»\ncb = keras.callbacks.LearningRateScheduler(f)",
        "    return min(lr * 1.5, 0.06)",
    ),
    (
        "def f(epoch, lr):\n    if epoch < 5:\n        return lr\n    return lr * 2\nopt = «keras.optimizers.SGD(0.3)»\ncb = keras.callbacks.LearningRateScheduler(f)",
        "    return min(lr * 2, 0.06)\nopt = keras.optimizers.SGD(0.06)",
    ),
    (
        "class C(keras.callbacks.Callback):\n    def on_epoch_end(self, epoch, logs=None):\n        rate = self.model.optimizer.learning_rate\n"
        "        self.model.optimizer.learning_rate.assign(rate * 3.0)\nopt = «keras.optimizers.SGD(0.01)»",
        "        self.model.optimizer.learning_rate.assign(min(rate * 3.0, 0.06))",
    ),
    (
        "opt = «keras.optimizers.SGD(0.01)»\nopt.learning_rate = opt.learning_rate * 1.1",
        "opt.learning_rate = min(opt.learning_rate * 1.1, 0.06)",
    ),
]


@pytest.mark.parametrize(("text", "expected"), GROWING)
def test_a_rate_that_grows_by_itself_is_bounded(text, expected):
    assert marked.changed(rates.lower, K + text, rate=0.6)[0] == expected


def test_the_rate_that_was_replayed_comes_first():
    text = K + "opt = «keras.optimizers.SGD(0.5)»"
    assert marked.changed(rates.lower, text, facts={"stable_factor": 0.01}) == [
        f"opt = keras.optimizers.SGD({rate})" for rate in ("0.005", "5e-4", "5e-5")
    ]


def test_the_rate_that_stopped_the_growth_of_another_cause_comes_first():
    def cut(factor, settles):
        return Fact(text=f"replayed with the learning rate cut to {factor} of it: ...", values={"settles": settles})

    text = K + "opt = «keras.optimizers.SGD(0.5)»"
    more = (cut("0.1", False), cut("0.001", True))
    assert marked.changed(rates.lower, text, more=more)[0] == "opt = keras.optimizers.SGD(5e-4)"
    assert marked.changed(rates.clip_norm, text, more=more) == [
        f"opt = keras.optimizers.SGD({rate}, global_clipnorm=1.0)" for rate in ("0.5", "0.05", "5e-4")
    ]


def test_both_optimizers_of_an_adversarial_training():
    text = K + "a = keras.optimizers.Adam(0.1)\nb = keras.optimizers.Adam(0.2)\nx = «f(1)»"
    assert marked.changed(rates.lower, text)[0] == "a = keras.optimizers.Adam(0.01)\nb = keras.optimizers.Adam(0.02)"


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nopt = «torch.optim.SGD(model.parameters(), 0.5)»",
        "import re\np = «re.compile('sgd')»",
        K + "opt = «keras.optimizers.SGD(make_schedule())»",
    ],
)
def test_nothing_where_no_rate_is_known(text):
    assert marked.changed(rates.lower, text) == []


CLIP = [
    (K + "opt = «keras.optimizers.SGD(0.5)»", ["0.5, global_clipnorm=1.0", "0.05, global_clipnorm=1.0"]),
    (K + "opt = «keras.optimizers.SGD(0.5, clipvalue=3.0)»", ["0.5, global_clipnorm=1.0", "0.05, global_clipnorm=1.0"]),
    (K + "opt = «keras.optimizers.SGD()»", ["global_clipnorm=1.0", "learning_rate=0.001, global_clipnorm=1.0"]),
]


@pytest.mark.parametrize(("text", "expected"), CLIP)
def test_the_optimizer_clips(text, expected):
    found = marked.changed(rates.clip_norm, text)[:2]
    assert found == [f"opt = keras.optimizers.SGD({arguments})" for arguments in expected]


def test_a_string_becomes_an_optimizer_that_clips():
    text = K + "«model.compile('adam', 'mse')»"
    assert marked.changed(rates.clip_norm, text)[:2] == [
        "model.compile(keras.optimizers.Adam(global_clipnorm=1.0), 'mse')",
        "model.compile(keras.optimizers.Adam(learning_rate=1e-4, global_clipnorm=1.0), 'mse')",
    ]


DEAD = K + (
    "class Clip(keras.callbacks.Callback):\n    def __init__(self, limit=2.0):\n        self.limit = limit\n"
    "    def «on_gradient_update»(self, gradients):\n        return [tf.clip_by_norm(g, self.limit) for g in gradients]\n"
    "opt = keras.optimizers.SGD(0.5)\n"
)


@pytest.mark.parametrize(
    ("call", "limit", "left"),
    [
        ("model.fit(x, callbacks=[Clip(0.5)], epochs=2)", "0.5", "model.fit(x, epochs=2)"),
        ("model.fit(x, epochs=2, callbacks=[Clip()])", "2.0", "model.fit(x, epochs=2)"),
        ("model.fit(x, callbacks=[Clip(), stop])", "2.0", "model.fit(x, callbacks=[stop])"),
        ("model.fit(x, callbacks=[stop, Clip()])", "2.0", "model.fit(x, callbacks=[stop])"),
        ("model.fit(x, callbacks=hooks)", "2.0", None),
    ],
)
def test_the_clip_of_a_dead_callback_in_the_optimizer(call, limit, left):
    expected = f"opt = keras.optimizers.SGD(0.5, global_clipnorm={limit})" + (f"\n{left}" if left else "")
    assert marked.changed(rates.clip_in_optimizer, DEAD + call)[0] == expected


def test_the_replay_that_came_to_the_lower_loss_is_written_first():
    def told(rate, clip):
        return (
            Fact(text="replayed with the learning rate cut to 0.1 of it: ...", values={"settles": True, "loss": rate}),
            Fact(
                text="replayed with the gradients clipped to a norm of 1: ...", values={"settles": True, "loss": clip}
            ),
        )

    plain, both = "SGD(0.5, global_clipnorm=1.0)", "SGD(0.05, global_clipnorm=1.0)"
    text = K + "opt = «keras.optimizers.SGD(0.5)»"
    for more, order in ((told(0.1, 0.4), [both, plain]), (told(0.4, 0.1), [plain, both])):
        found = marked.changed(rates.clip_norm, text, more=more)[:2]
        assert found == [f"opt = keras.optimizers.{code}" for code in order]


UNUSED = [
    "clipped, _ = «tf.clip_by_global_norm(grads, 1.0)»\nopt.apply_gradients(zip(grads, w))",
    "clipped = [«tf.clip_by_value(g, -1.0, 1.0)» for g in grads]\nopt.apply_gradients(zip(grads, w))",
]


@pytest.mark.parametrize("text", UNUSED)
def test_what_was_clipped_is_applied(text):
    assert marked.changed(rates.clip_in_optimizer, TF + text)[0] == "opt.apply_gradients(zip(clipped, w))"


def test_each_element_is_clipped_where_the_norm_overflows():
    text = K + "model.compile(«keras.optimizers.Adam(2e-3, global_clipnorm=5.0)»)"
    assert marked.changed(rates.clip_by_value, text) == ["model.compile(keras.optimizers.Adam(2e-3, clipvalue=5.0))"]
    assert marked.changed(rates.clip_by_value, K + "opt = «keras.optimizers.Adam(2e-3)»") == []
