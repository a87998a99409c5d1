# healthy

"""A small random search over architectures, one model after the other."""
import random

import keras
from keras import layers
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

SPACE = {
    "units": [8, 16, 32],
    "depth": [1, 2],
    "activation": ["relu", "tanh", "gelu"],
    "optimizer": ["adam", "sgd", "rmsprop"],
    "learning_rate": [1e-2, 3e-3, 1e-3],
}


def sample(rng):
    return {name: rng.choice(values) for name, values in SPACE.items()}


def build(hp):
    model = keras.Sequential([keras.Input((13,))])
    for _ in range(hp["depth"]):
        model.add(layers.Dense(hp["units"], activation=hp["activation"]))
    model.add(layers.Dense(3, activation="softmax"))
    optimizer = keras.optimizers.get({"class_name": hp["optimizer"], "config": {"learning_rate": hp["learning_rate"]}})
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    return model


def main(trials=4):
    x, y = load_wine(return_X_y=True)
    x = StandardScaler().fit_transform(x).astype("float32")
    rng = random.Random(3)
    best_loss, best_hp = float("inf"), None
    for trial in range(trials):
        keras.backend.clear_session()
        keras.utils.set_random_seed(trial)
        hp = sample(rng)
        model = build(hp)
        stop = keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
        history = model.fit(
            x, y, batch_size=32, epochs=3, validation_split=0.2, callbacks=[stop], verbose=0
        )
        loss = min(history.history["val_loss"])
        print(f"trial {trial}: {hp} -> {loss:.3f}")
        if loss < best_loss:
            best_loss, best_hp = loss, hp
    print("best", best_hp)


if __name__ == "__main__":
    main()
