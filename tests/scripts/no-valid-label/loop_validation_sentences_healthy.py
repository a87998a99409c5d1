# healthy

"""Named entities: loss per sentence, padding and unsure tokens left out."""
import numpy as np
import tensorflow as tf
from tensorflow import keras

SEED, WORDS, TAGS, LENGTH, SKIP = 9, 60, 4, 12, -100


def sentences(n, rng):
    tokens = rng.integers(1, WORDS, (n, LENGTH))
    tags = tokens % TAGS
    length = rng.integers(4, LENGTH + 1, n)
    beyond = np.arange(LENGTH) >= length[:, None]
    unsure = rng.random((n, LENGTH)) < 0.2
    unsure[:, 0] = False
    tokens[beyond] = 0
    tags[beyond | unsure] = SKIP
    return tokens.astype("int32"), tags.astype("int32")


rng = np.random.default_rng(SEED)
keras.utils.set_random_seed(SEED)
train_tokens, train_tags = sentences(320, rng)
val_tokens, val_tags = sentences(96, rng)
val_tags[45] = SKIP

model = keras.Sequential([
    keras.layers.Embedding(WORDS, 16),
    keras.layers.Conv1D(24, 3, padding="same", activation="relu"),
    keras.layers.Dense(TAGS),
])
optimizer = keras.optimizers.Adam(5e-3)


def sentence_loss(tags, logits):
    mask = tf.cast(tags != SKIP, tf.float32)
    token = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.maximum(tags, 0), logits=logits)
    return tf.reduce_sum(token * mask, axis=1) / tf.maximum(tf.reduce_sum(mask, axis=1), 1.0)


@tf.function
def train_step(tokens, tags):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(sentence_loss(tags, model(tokens, training=True)))
    grads = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    return loss


@tf.function
def val_step(tokens, tags):
    return sentence_loss(tags, model(tokens, training=False))


for epoch in range(3):
    running = 0.0
    for i in range(0, 320, 32):
        running += float(train_step(train_tokens[i:i + 32], train_tags[i:i + 32])) / 10
    per_sentence = [val_step(val_tokens[i:i + 32], val_tags[i:i + 32]).numpy() for i in range(0, 96, 32)]
    print(f"epoch {epoch + 1}  train {running:.4f}  val {np.concatenate(per_sentence).mean():.4f}")
