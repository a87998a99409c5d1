"""Operations whose value and gradient stay finite, on `keras.ops`: the same on TensorFlow, JAX and torch."""

from nandoctor.numerics.ops.angles import acos
from nandoctor.numerics.ops.branches import where
from nandoctor.numerics.ops.distances import pairwise_distance
from nandoctor.numerics.ops.exponentials import log1p_exp, logcosh, logsumexp, softplus
from nandoctor.numerics.ops.logarithms import log, log1mexp, xlogy
from nandoctor.numerics.ops.masks import masked_mean, masked_softmax
from nandoctor.numerics.ops.norms import norm, normalize, std
from nandoctor.numerics.ops.powers import power
from nandoctor.numerics.ops.quotients import divide
from nandoctor.numerics.ops.roots import sqrt

__all__ = [
    "acos",
    "divide",
    "log",
    "log1mexp",
    "log1p_exp",
    "logcosh",
    "logsumexp",
    "masked_mean",
    "masked_softmax",
    "norm",
    "normalize",
    "pairwise_distance",
    "power",
    "softplus",
    "sqrt",
    "std",
    "where",
    "xlogy",
]
