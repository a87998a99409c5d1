"""Whose fault a validation is that a normalisation blew up: its moving variance's, or the growth's that came before."""

from dataclasses import replace

import numpy as np
import pytest

from nandoctor.causes.batchnorm_tiny_batch import examine
from nandoctor.causes.case import Case, Growth, Trial
from nandoctor.trace.graph import Node, Trace, Value
from nandoctor.trace.origin import find_origin

GROWN = Growth(loss=1e9, gradient=1e9, weights=1e6, steps=5)


class Steps:
    """A trace that is written operation by operation."""

    def __init__(self):
        self.trace = Trace()

    @staticmethod
    def leaf(role, array):
        array = np.asarray(array, np.float32)
        return Value(id(array), array, array.shape, "float32", None, role)

    def made(self, op, kind, inputs, array):
        index = len(self.trace.nodes)
        array = np.asarray(array, np.float32)
        value = Value(index, array, array.shape, "float32", index)
        self.trace.nodes.append(Node(index, op, kind, "forward", (), tuple(inputs), (value,)))
        return value


def normalised(x, variance, scale):
    """`x * (rsqrt(variance) * scale)`, as TensorFlow computes it, and a square that overflows."""
    steps = Steps()
    x, variance = steps.leaf("input[0]", x), steps.leaf("state norm/moving_variance", variance)
    scale = steps.leaf("weight norm/gamma", scale)
    root = steps.made("Rsqrt", "rsqrt", [variance], 1 / np.sqrt(variance.array))
    factor = steps.made("Mul", "mul", [root, scale], root.array * scale.array)
    out = steps.made("Mul", "mul", [x, factor], x.array * factor.array)
    with np.errstate(over="ignore"):
        square = steps.made("Square", "square", [out], np.square(out.array))
    steps.trace.loss = [square]
    assert square.bad
    return steps.trace


def case(trace, **known):
    known = {"surface": "validation", "step": 5, "epoch": 0, "batch": {}} | known
    return Case(trace=trace, origin=find_origin(trace), **known)


TINY = normalised([[1.0, 1e20]], [1.0, 1e-14], [1.0, 1.0])


def test_a_moving_variance_of_almost_nothing_is_named_above_the_overflow_that_follows():
    found = examine(case(TINY))
    assert found.confidence == pytest.approx(0.97)
    assert "values of 1e+20 become 1e+27" in found.summary


def test_after_a_training_that_diverged_it_stands_behind_what_drove_it():
    proven = replace(GROWN, trials=(Trial("nothing changed", (1.0, np.nan)), Trial("a lower rate", (1.0, 0.5))))
    assert examine(case(TINY, growth=proven)).confidence == pytest.approx(0.85)


def test_a_loss_that_rose_alone_proves_no_divergence():
    assert examine(case(TINY, growth=GROWN)).confidence == pytest.approx(0.97)


def test_in_training_it_says_nothing():
    assert examine(case(TINY, surface="loss")) is None


def test_a_scale_that_grew_is_not_the_variance():
    assert examine(case(normalised([[1.0, 1e20]], [1.0, 0.5], [1.0, 1e7]))) is None


def test_a_channel_without_spread_is_not_to_blame_for_another_that_grew():
    assert examine(case(normalised([[1.0, 1e20]], [1e-14, 0.5], [1e-7, 1e7]))) is None
