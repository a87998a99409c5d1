# healthy

"""Federated averaging of a mastitis risk model over dairy farms."""
import numpy as np
import tensorflow as tf
import keras

keras.utils.set_random_seed(23)
BATCH = 16
ROUNDS = 5
LOCAL_EPOCHS = 2


def farm(seed):
    r = np.random.default_rng(seed)
    n = int(r.integers(35, 120))
    yield_kg = r.normal(28, 5, n)
    conductivity = r.normal(5.2, 0.5, n)
    parity = r.integers(1, 6, n)
    cells = r.normal(4.8, 0.8, n)
    X = np.stack([(yield_kg - 28) / 5, (conductivity - 5.2) / 0.5, (parity - 3) / 1.5, (cells - 4.8) / 0.8], 1)
    p = 1 / (1 + np.exp(-(0.9 * X[:, 1] + 1.1 * X[:, 3] - 0.4 * X[:, 0] - 1.0)))
    y = r.random(n) < p
    return X.astype("float32"), y.astype("float32")[:, None]


def new_model():
    m = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(12, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    return m


def batches(X, y, rng):
    order = rng.permutation(len(X))
    for start in range(0, len(X), BATCH):
        idx = order[start:start + BATCH]
        yield X[idx], y[idx]


def local_update(model, weights, X, y, rng):
    model.set_weights(weights)
    opt = keras.optimizers.SGD(0.1)
    seen = []
    for _ in range(LOCAL_EPOCHS):
        for xb, yb in batches(X, y, rng):
            with tf.GradientTape() as tape:
                logits = model(xb, training=True)
                ce = tf.nn.sigmoid_cross_entropy_with_logits(labels=yb, logits=logits)
                loss = tf.reduce_mean(ce)
            grads = tape.gradient(loss, model.trainable_variables)
            opt.apply_gradients(zip(grads, model.trainable_variables))
            seen.append(float(loss))
    return model.get_weights(), float(np.mean(seen))


def fair_average(updates, losses, sizes, q=0.5):
    """q-FFL style: farms that are served badly count a little more."""
    share = np.array(sizes) * np.array(losses) ** q
    share = share / share.sum()
    return [sum(w * s for w, s in zip(layer, share)) for layer in zip(*updates)]


def main():
    rng = np.random.default_rng(23)
    farms = [farm(i) for i in range(9)]
    print("cows per farm:", [len(f[0]) for f in farms])
    worker = new_model()
    weights = worker.get_weights()
    for rnd in range(ROUNDS):
        chosen = rng.choice(len(farms), 3, replace=False)
        results = [local_update(worker, weights, *farms[i], rng) for i in chosen]
        sizes = [len(farms[i][0]) for i in chosen]
        weights = fair_average([r[0] for r in results], [r[1] for r in results], sizes)
        print(f"round {rnd} farms {chosen} loss {np.mean([r[1] for r in results]):.4f}")


if __name__ == "__main__":
    main()
