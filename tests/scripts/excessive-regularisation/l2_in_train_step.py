# cause: excessive-regularisation
# phase: forward
# rows: any
# step: any
# note: the penalty that the train step adds for each kernel is 400 times its norm, so a step of 0.01 multiplies the weights by -3.

"""A train step of our own, with the weight penalty written out."""
import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(19)

PENALTY = 400.0


class Penalised(keras.Model):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            error = self.compute_loss(x, y, self(x, training=True))
            loss = error
            for weight in self.trainable_variables:
                if "kernel" in weight.name:
                    loss += PENALTY * tf.nn.l2_loss(weight)  # <- here
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": error}


rng = np.random.default_rng(4)
x = rng.standard_normal((512, 8)).astype("float32")
y = np.tanh(x[:, :1] - x[:, 3:4])
dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(512, seed=1).batch(32)

inputs = keras.Input((8,))
h = layers.Dense(16, activation="relu")(inputs)
model = Penalised(inputs, layers.Dense(1)(h))
model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse")
model.fit(dataset, epochs=3, verbose=2)
