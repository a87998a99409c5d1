# cause: unbounded-recurrence
# phase: forward
# rows: any
# step: any
# note: a ReLU recurrence of 200 time steps; its kernel starts above norm 1, and nothing bounds the state

"""Engine temperature with a SimpleRNN of ReLUs, in an eager loop with Adam."""
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(4)
rng = np.random.default_rng(4)
x = rng.normal(size=(128, 200, 2)).astype("float32")
y = x[:, -20:, 0].mean(axis=1)[:, None].astype("float32")

model = keras.Sequential([
    keras.Input((200, 2)),
    keras.layers.SimpleRNN(24, activation="relu", recurrent_initializer="he_normal", unroll=True),  # <- here
    keras.layers.Dense(1),
])
adam = keras.optimizers.Adam(0.01)

for epoch in range(3):
    for n in range(0, 128, 32):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x[n : n + 32], training=True) - y[n : n + 32]))
        adam.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    print(epoch, float(loss))
