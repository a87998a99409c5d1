# healthy

import argparse
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import keras
from keras import layers
from sklearn.datasets import make_classification


@dataclass
class Config:
    width: int = 32
    classes: int = 4
    base_lr: float = 0.5
    trust_coef: float = 0.02
    aux_start_epoch: int = 2
    aux_max: float = 0.3
    batch: int = 100
    epochs: int = 6
    seed: int = 0


class AuxRamp(keras.callbacks.Callback):
    """Turns the auxiliary head on gradually."""

    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg

    def on_epoch_begin(self, epoch, logs=None):
        frac = max(0, epoch - self.cfg.aux_start_epoch + 1) / self.cfg.epochs
        self.model.aux_weight.assign(self.cfg.aux_max * frac)


class DeepSupervised(keras.Model):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        init = "he_normal"
        self.block1 = layers.Dense(cfg.width, activation="elu", kernel_initializer=init)
        self.block2 = layers.Dense(cfg.width, activation="elu", kernel_initializer=init)
        self.aux_head = layers.Dense(cfg.classes, name="aux")
        self.main_head = layers.Dense(cfg.classes, name="main")
        self.aux_weight = self.add_weight(name="aux_weight", shape=(), initializer="zeros", trainable=False)
        self.acc = keras.metrics.SparseCategoricalAccuracy(name="acc")
        self.mean_loss = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.mean_loss, self.acc]

    def call(self, x, training=False):
        h = self.block1(x)
        return self.main_head(self.block2(h)), self.aux_head(h)

    def layerwise(self, grads, variables):
        scaled = []
        for g, v in zip(grads, variables):
            w_norm = tf.norm(v)
            g_norm = tf.norm(g)
            trust = tf.where(w_norm > 0.0, self.cfg.trust_coef * w_norm / (g_norm + 1e-9), 1.0)
            scaled.append(g * trust)
        return scaled

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            main, aux = self(x, training=True)
            ce = keras.losses.sparse_categorical_crossentropy
            loss = tf.reduce_mean(ce(y, main, from_logits=True))
            loss += self.aux_weight * tf.reduce_mean(ce(y, aux, from_logits=True))
        variables = [v.value for v in self.trainable_variables]
        grads = tape.gradient(loss, variables)
        self.optimizer.apply_gradients(zip(self.layerwise(grads, variables), self.trainable_variables))
        self.mean_loss.update_state(loss)
        self.acc.update_state(y, main)
        return {m.name: m.result() for m in self.metrics}


def parse():
    p = argparse.ArgumentParser()
    for name, default in vars(Config()).items():
        p.add_argument(f"--{name}", type=type(default), default=default)
    return Config(**vars(p.parse_args()))


def main():
    cfg = parse()
    keras.utils.set_random_seed(cfg.seed)
    x, y = make_classification(2000, 20, n_informative=10, n_classes=cfg.classes, random_state=cfg.seed)
    model = DeepSupervised(cfg)
    model.compile(optimizer=keras.optimizers.SGD(cfg.base_lr, momentum=0.9))
    hist = model.fit(x.astype("float32"), y, batch_size=cfg.batch, epochs=cfg.epochs,
                     verbose=2, callbacks=[AuxRamp(cfg)])
    print("final", np.round(hist.history["loss"], 4))


if __name__ == "__main__":
    main()
