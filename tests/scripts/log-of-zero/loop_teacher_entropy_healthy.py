# healthy

"""Distil a large classifier into a small one."""
import numpy as np
import keras
import tensorflow as tf
from keras import layers

BATCH, CLASSES = 32, 5

keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)
features = rng.normal(size=(320, 12)).astype("float32")
teacher_logits = (features @ rng.normal(size=(12, CLASSES))).astype("float32")
teacher_logits[[101, 113], 2] -= 300.0  # the teacher rules this class out
teacher = tf.nn.softmax(teacher_logits).numpy()

student = keras.Sequential([keras.Input((12,)), layers.Dense(16, activation="relu"), layers.Dense(CLASSES)])
optimizer = keras.optimizers.Adam(1e-2)


def distillation_loss(p_teacher, logits):
    log_student = tf.nn.log_softmax(logits)
    log_teacher = tf.math.log(tf.maximum(p_teacher, 1e-7))
    return tf.reduce_mean(tf.reduce_sum(p_teacher * (log_teacher - log_student), axis=-1))


@tf.function
def train_step(x, p):
    with tf.GradientTape() as tape:
        loss = distillation_loss(p, student(x, training=True))
    grads = tape.gradient(loss, student.trainable_variables)
    optimizer.apply_gradients(zip(grads, student.trainable_variables))
    return loss


dataset = tf.data.Dataset.from_tensor_slices((features, teacher)).batch(BATCH)
for epoch in range(2):
    for x, p in dataset:
        loss = train_step(x, p)
    print(f"epoch {epoch}: loss {float(loss):.4f}")
