"""The published formula and ours are the same loss wherever the published one is finite."""

import corpus
import numpy as np


def test_ours_is_the_published_loss():
    def check():
        from nandoctor.clinic.siamese import losses

        rng = np.random.default_rng(0)
        points = rng.standard_normal((24, 8)).astype(np.float32)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        labels = np.repeat(np.arange(6), 4)
        ours, published = float(losses.semi_hard()(labels, points)), float(losses.published()(labels, points))
        assert abs(ours - published) < 1e-5 * abs(published)
        assert published > 0.1

    corpus.in_fork(check)


def test_distances_of_neighbours_are_the_same():
    def check():
        from nandoctor.clinic.siamese import losses, plain

        points = np.random.default_rng(1).standard_normal((12, 8)).astype(np.float32) * 0.2
        labels = np.repeat(np.arange(3), 4)
        one = float(losses.neighbours(plain.euclidean)(labels, points))
        other = float(losses.neighbours(losses.safe_distance)(labels, points))
        apart = np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1)
        same = labels == np.roll(labels, 1)
        expected = np.mean(np.where(same, apart, np.maximum(1.0 - apart, 0.0)))
        assert abs(one - expected) < 1e-6
        assert abs(other - expected) < 1e-6

    corpus.in_fork(check)
