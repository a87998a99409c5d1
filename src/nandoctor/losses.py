"""Keras losses whose value and gradient are finite for every finite input, on TensorFlow, JAX and torch."""

from nandoctor.numerics.losses.contrastive import ContrastiveLoss
from nandoctor.numerics.losses.cross_entropy import BinaryCrossEntropy, CategoricalCrossEntropy
from nandoctor.numerics.losses.focal import FocalLoss
from nandoctor.numerics.losses.gaussian import GaussianNLL, KLDivergence
from nandoctor.numerics.losses.log_cosh import LogCosh
from nandoctor.numerics.losses.overlap import DiceLoss, TverskyLoss
from nandoctor.numerics.losses.poisson import PoissonNLL
from nandoctor.numerics.losses.segmentation import SegmentationCrossEntropy
from nandoctor.numerics.losses.triplets import TripletHardLoss, TripletSemiHardLoss

__all__ = [
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "ContrastiveLoss",
    "DiceLoss",
    "FocalLoss",
    "GaussianNLL",
    "KLDivergence",
    "LogCosh",
    "PoissonNLL",
    "SegmentationCrossEntropy",
    "TripletHardLoss",
    "TripletSemiHardLoss",
    "TverskyLoss",
]
