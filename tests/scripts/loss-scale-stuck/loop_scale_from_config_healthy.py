# healthy

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

CONFIG = dict(seed=6, epochs=3, batch=128, lr=1e-3, loss_scale=2.0 ** 24)

keras.utils.set_random_seed(CONFIG["seed"])
keras.config.set_dtype_policy("mixed_float16")
x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32")
loader = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=CONFIG["seed"])
loader = loader.batch(CONFIG["batch"], drop_remainder=True)

net = keras.Sequential([keras.Input((64,)), keras.layers.Dense(48, "relu"), keras.layers.Dense(10, dtype="float32")])
inner = keras.optimizers.Adam(CONFIG["lr"])
optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=CONFIG["loss_scale"])
optimizer.build(net.trainable_variables)
criterion = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@tf.function
def step(images, labels):
    with tf.GradientTape() as tape:
        loss = criterion(labels, net(images, training=True))
        scaled = optimizer.scale_loss(loss)
    optimizer.apply_gradients(zip(tape.gradient(scaled, net.trainable_variables), net.trainable_variables))
    return loss


for epoch in range(CONFIG["epochs"]):
    mean = np.mean([step(*batch).numpy() for batch in loader])
    print(f"[{epoch}] loss {mean:.4f} scale {float(optimizer.dynamic_scale):.3g}")
