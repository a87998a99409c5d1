# healthy

"""float16 throughout with an epsilon it can hold, then bfloat16, then mixed float16 with a skipped batch now and then."""
import keras
from keras import layers
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32")

for policy in ("float16", "mixed_bfloat16", "bfloat16", "mixed_float16"):
    keras.utils.set_random_seed(50)
    keras.config.set_dtype_policy(policy)
    model = keras.Sequential([
        keras.Input((64,)),
        layers.Dense(32, activation="relu"),
        layers.Dense(10, dtype="float32" if "mixed" in policy else None),
    ])
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3, epsilon=1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(x[:512], y[:512], batch_size=64, epochs=2, verbose=2)
