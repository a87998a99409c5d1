# cause: half-underflow
# phase: forward
# rows: any
# step: any
# note: 1e-8 is 0 in half precision: a group with equal rewards has a spread of 0, and 0/0 for its advantage

"""Group-relative policy gradient on the digits data, in mixed precision."""
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from tensorflow import keras

keras.utils.set_random_seed(4)
keras.mixed_precision.set_global_policy("mixed_float16")


class GuessEnv:
    """Reward is 1 for the right digit and falls off with the distance."""

    def __init__(self, batch, seed):
        x, y = load_digits(return_X_y=True)
        self.x = (x / 16.0 - 0.3).astype("float32")
        self.y = y.astype("int32")
        self.rng = np.random.default_rng(seed)
        self.batch = batch

    def contexts(self):
        idx = self.rng.integers(0, len(self.x), self.batch)
        return self.x[idx], self.y[idx]

    def reward(self, y, actions):
        return 1.0 - np.abs(actions - y[:, None]) / 9.0


def make_policy():
    return keras.Sequential([
        keras.Input((64,)),
        keras.layers.Dense(96, activation="relu"),
        keras.layers.Dense(48, activation="relu"),
        keras.layers.Dense(10),
    ])


class GroupPolicyGradient:
    def __init__(self, env, group=8):
        self.env = env
        self.group = group
        self.policy = make_policy()
        self.opt = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(2e-3), initial_scale=1024.0)
        self.opt.build(self.policy.trainable_variables)

    @tf.function
    def sample(self, x):
        return tf.random.categorical(tf.cast(self.policy(x), tf.float32), self.group, dtype=tf.int32)

    def advantage(self, rewards):
        r = tf.cast(rewards, self.policy.compute_dtype)  # <- or here
        centred = r - tf.reduce_mean(r, axis=1, keepdims=True)
        spread = tf.sqrt(tf.reduce_mean(centred * centred, axis=1, keepdims=True))  # <- or here
        return centred / (spread + 1e-8)  # <- here

    @tf.function
    def learn(self, x, actions, rewards):
        adv = tf.stop_gradient(self.advantage(rewards))
        with tf.GradientTape() as tape:
            logp = tf.nn.log_softmax(tf.cast(self.policy(x, training=True), tf.float32))
            chosen = tf.gather(logp, actions, batch_dims=1)
            loss = -tf.reduce_mean(chosen * tf.cast(adv, tf.float32))
            scaled = self.opt.scale_loss(loss)
        grads = tape.gradient(scaled, self.policy.trainable_variables)
        self.opt.apply_gradients(zip(grads, self.policy.trainable_variables))
        return loss

    def train(self, iterations):
        for it in range(iterations):
            x, y = self.env.contexts()
            a = self.sample(x).numpy()
            r = self.env.reward(y, a)
            loss = self.learn(x, a, r.astype("float32"))
            if it % 10 == 0:
                print(f"it {it:4d} loss {float(loss):+.4f} reward {r.mean():.3f}")


if __name__ == "__main__":
    GroupPolicyGradient(GuessEnv(batch=64, seed=9)).train(120)
