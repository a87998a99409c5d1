"""Under `nandoctor.Guard`, whose gate wraps `apply` of the same optimizer."""

import keras
import numpy as np
import pytest

import nandoctor
from nandoctor import clip

if keras.backend.backend() != "tensorflow":
    pytest.skip("the guard watches TensorFlow", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def fit(optimizer, x, jit):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4), keras.layers.Dense(1)])
    model.compile(optimizer, "mse", jit_compile=jit)
    guard = nandoctor.Guard("raise", out=None, quiet=True)
    model.fit(x, np.ones((64, 1)), batch_size=16, epochs=2, shuffle=False, verbose=0, callbacks=[guard])
    return guard


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_healthy_training_is_healthy(jit, scaled):
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    inner = keras.optimizers.SGD(0.1)
    optimizer = clip.autoclip(keras.optimizers.LossScaleOptimizer(inner) if scaled else inner, 50)
    guard = fit(optimizer, x, jit)
    assert guard.result.status == "healthy"
    clipped = optimizer.inner_optimizer if scaled else optimizer
    assert int(clipped.iterations.numpy()) == 8
    assert int(clipped.skipped.numpy()) == 0


def test_a_fault_is_told_with_its_cause():
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    x[40, 1] = np.nan
    with pytest.raises(nandoctor.TrainingFaultError, match="nonfinite-input"):
        fit(clip.by_global_norm(keras.optimizers.Adam(1e-3), 1.0), x, jit=False)
