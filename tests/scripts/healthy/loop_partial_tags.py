# healthy

import numpy as np
import tensorflow as tf

PAD_TAG = -1
VOCAB, TAGS, MAXLEN, DIM = 40, 5, 14, 16


def corpus(n, seed):
    rng = np.random.default_rng(seed)
    tok = np.zeros((n, MAXLEN), "int32")
    tag = np.full((n, MAXLEN), PAD_TAG, "int32")
    for i in range(n):
        k = rng.integers(1, MAXLEN + 1)
        words = rng.integers(1, VOCAB, k)
        tok[i, :k] = words
        tag[i, :k] = (words + np.roll(words, 1)) % TAGS
        if rng.random() < 0.3:
            tag[i] = PAD_TAG
    return tok, tag


class Attention(tf.keras.layers.Layer):
    def __init__(self, dim):
        super().__init__()
        self.q = tf.keras.layers.Dense(dim)
        self.k = tf.keras.layers.Dense(dim)
        self.v = tf.keras.layers.Dense(dim)
        self.dim = dim

    def call(self, h, keep):
        scores = tf.matmul(self.q(h), self.k(h), transpose_b=True) / self.dim ** 0.5
        bias = tf.where(keep[:, None, :], 0.0, -np.inf)
        return tf.matmul(tf.nn.softmax(scores + bias), self.v(h))


class Tagger(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.emb = tf.keras.layers.Embedding(VOCAB, DIM)
        self.pos = tf.keras.layers.Embedding(MAXLEN, DIM)
        self.att = Attention(DIM)
        self.out = tf.keras.Sequential([tf.keras.layers.Dense(32, "relu"), tf.keras.layers.Dense(TAGS)])

    def call(self, tok):
        h = self.emb(tok) + self.pos(tf.range(MAXLEN))[None]
        h = h + self.att(h, tok > 0)
        return self.out(h)


def tag_loss(tags, logits):
    known = tags != PAD_TAG
    ce = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.where(known, tags, 0), logits)
    known = tf.cast(known, tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(ce * known), tf.reduce_sum(known))


tf.keras.utils.set_random_seed(12)
tok, tag = corpus(600, 0)
train = tf.data.Dataset.from_tensor_slices((tok, tag)).shuffle(600, seed=1).batch(4)
vtok, vtag = corpus(100, 1)
model = Tagger()
model(vtok[:2])
opt = tf.keras.optimizers.Adam(3e-3)
opt.build(model.trainable_variables)


@tf.function
def epoch_pass():
    total, n = tf.constant(0.0), tf.constant(0.0)
    for t, g in train:
        with tf.GradientTape() as tape:
            loss = tag_loss(g, model(t))
        grads = tape.gradient(loss, model.trainable_variables)
        grads, _ = tf.clip_by_global_norm(grads, 1.0)
        opt.apply_gradients(zip(grads, model.trainable_variables))
        total += loss
        n += 1.0
    return total / n


for epoch in range(6):
    mean = epoch_pass()
    print("epoch", epoch, "loss", float(mean), "val", float(tag_loss(vtag, model(vtok))))
