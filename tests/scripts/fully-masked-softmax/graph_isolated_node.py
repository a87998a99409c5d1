# cause: fully-masked-softmax
# phase: forward
# rows: 2
# step: 2
# note: one molecule has an atom without any bond and the adjacency has no self loops, so the attention of that atom is a softmax over -inf only

import numpy as np
import keras
from keras import layers, ops

keras.utils.set_random_seed(37)

ATOMS, FEATS, BATCH = 7, 6, 9


def neighbour_softmax(scores, adjacency):
    masked = ops.where(adjacency > 0, scores, -np.inf)
    return ops.softmax(masked, axis=-1)  # <- here


class GATLayer(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.lift = layers.Dense(units, use_bias=False)
        self.score_src = layers.Dense(1)
        self.score_dst = layers.Dense(1)

    def call(self, nodes, adjacency):
        h = self.lift(nodes)
        pair = self.score_src(h) + ops.transpose(self.score_dst(h), (0, 2, 1))
        alpha = neighbour_softmax(ops.leaky_relu(pair, 0.2), adjacency)
        return ops.elu(ops.matmul(alpha, h))


class MoleculeNet(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = GATLayer(12)
        self.second = GATLayer(12)
        self.readout = layers.Dense(1)

    def call(self, graph):
        nodes, adjacency = graph
        h = self.first(nodes, adjacency)
        h = self.second(h, adjacency)
        return self.readout(ops.sum(h, axis=1))


rng = np.random.default_rng(55)
nodes = rng.normal(size=(45, ATOMS, FEATS)).astype("float32")
adjacency = (rng.random(size=(45, ATOMS, ATOMS)) < 0.2).astype("float32")
for i in range(ATOMS):
    adjacency[:, i, (i + 1) % ATOMS] = 1.0  # the ring
adjacency = np.maximum(adjacency, adjacency.transpose(0, 2, 1))
adjacency *= 1.0 - np.eye(ATOMS, dtype="float32")
adjacency[11, 4, :] = adjacency[11, :, 4] = 0.0  # a counter-ion
solubility = nodes[:, :, 0].sum(axis=1, keepdims=True) * 0.3

net = MoleculeNet()
net.compile(optimizer=keras.optimizers.Adam(5e-3), loss=keras.losses.Huber())
net.fit((nodes, adjacency), solubility, batch_size=BATCH, epochs=2, shuffle=False)
