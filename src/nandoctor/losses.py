"""Keras losses whose value and gradient are finite for every finite input, on TensorFlow, JAX and torch."""

from nandoctor.numerics.losses.contrastive import ContrastiveLoss as ContrastiveLoss
from nandoctor.numerics.losses.cross_entropy import BinaryCrossEntropy as BinaryCrossEntropy
from nandoctor.numerics.losses.cross_entropy import CategoricalCrossEntropy as CategoricalCrossEntropy
from nandoctor.numerics.losses.focal import FocalLoss as FocalLoss
from nandoctor.numerics.losses.gaussian import GaussianNLL as GaussianNLL
from nandoctor.numerics.losses.gaussian import KLDivergence as KLDivergence
from nandoctor.numerics.losses.log_cosh import LogCosh as LogCosh
from nandoctor.numerics.losses.overlap import DiceLoss as DiceLoss
from nandoctor.numerics.losses.overlap import TverskyLoss as TverskyLoss
from nandoctor.numerics.losses.poisson import PoissonNLL as PoissonNLL
from nandoctor.numerics.losses.segmentation import SegmentationCrossEntropy as SegmentationCrossEntropy
from nandoctor.numerics.losses.triplets import TripletHardLoss as TripletHardLoss
from nandoctor.numerics.losses.triplets import TripletSemiHardLoss as TripletSemiHardLoss
