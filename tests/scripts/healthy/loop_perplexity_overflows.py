# healthy

"""A language model whose loss is summed over the sentence: the perplexity of the first epochs is inf, the loss is not."""
import numpy as np
import tensorflow as tf

VOCAB, LENGTH = 30, 40
tf.keras.utils.set_random_seed(25)
rng = np.random.default_rng(25)
start = rng.integers(0, VOCAB, (256, 1))
text = ((start + np.arange(LENGTH + 1) * 7) % VOCAB).astype("int32")
train, valid = text[:192], text[192:]

lm = tf.keras.Sequential([
    tf.keras.layers.Embedding(VOCAB, 24),
    tf.keras.layers.GRU(24, return_sequences=True),
    tf.keras.layers.Dense(VOCAB),
])
adam = tf.keras.optimizers.Adam(1e-2)


def sentence_nll(tokens, training):
    logits = lm(tokens[:, :-1], training=training)
    nll = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tokens[:, 1:], logits=logits)
    return tf.reduce_mean(tf.reduce_sum(nll, axis=1))


@tf.function
def train_step(tokens):
    with tf.GradientTape() as tape:
        loss = sentence_nll(tokens, True)
    grads, _ = tf.clip_by_global_norm(tape.gradient(loss, lm.trainable_variables), 5.0)
    adam.apply_gradients(zip(grads, lm.trainable_variables))
    return loss, tf.exp(loss)


@tf.function
def valid_step(tokens):
    loss = sentence_nll(tokens, False)
    return loss, tf.exp(loss)


for epoch in range(8):
    for i in range(0, 192, 32):
        loss, perplexity = train_step(train[i:i + 32])
    val_loss, val_perplexity = valid_step(valid)
    print("epoch %d loss %.2f ppl %.3g val_loss %.2f val_ppl %.3g" % (epoch, loss, perplexity, val_loss, val_perplexity))
