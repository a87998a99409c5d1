# cause: batchnorm-tiny-batch
# phase: forward
# rows: any
# step: any

import numpy as np, tensorflow as tf, keras
keras.utils.set_random_seed(0)
x = np.random.randn(41, 6).astype("float32"); y = np.random.rand(41, 1).astype("float32")
class Norm(keras.layers.Layer):
    def call(self, x):
        m, v = tf.nn.moments(x, 0)
        return (x - m) / tf.sqrt(v)  # <- here
m = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8), Norm(), keras.layers.Dense(1)])
m.compile("adam", "mse")
m.fit(x, y, batch_size=8, epochs=3, verbose=2)
