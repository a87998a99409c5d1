"""Triplet losses over all pairs of a batch: semi-hard (FaceNet) and batch-hard (Hermans)."""

from typing import Any, ClassVar

import keras
from keras import ops

from nandoctor.numerics.losses.arguments import number
from nandoctor.numerics.losses.finite import positive_part
from nandoctor.numerics.losses.loss import FiniteLoss
from nandoctor.numerics.ops.distances import pairwise_distance
from nandoctor.numerics.ops.exponentials import softplus
from nandoctor.numerics.ops.norms import normalize


class _TripletLoss(FiniteLoss):
    """Distances between all rows of a batch, and which pairs are alike."""

    row_rank: ClassVar[int | None] = 1

    def __init__(self, *, squared: bool, normalize: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.squared, self.normalize = bool(squared), bool(normalize)

    def matched(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Labels `(b,)` as they are given, embeddings `(b, d)`."""
        name = type(self).__name__
        if y_true is None:
            raise ValueError(f"{name} needs the label of each row as y_true, found None.")
        if len(y_true.shape) == 2 and y_true.shape[1] == 1:
            y_true = ops.squeeze(y_true, axis=-1)
        if len(y_true.shape) != 1:
            raise ValueError(
                f"{name}: y_true holds one label for each row, (batch,) or (batch, 1); found {tuple(y_true.shape)}. "
                "If the labels are one-hot, give their argmax along the last axis."
            )
        if len(y_pred.shape) != 2:
            raise ValueError(f"{name}: y_pred holds embeddings (batch, d); found {tuple(y_pred.shape)}.")
        if None not in (y_true.shape[0], y_pred.shape[0]) and y_true.shape[0] != y_pred.shape[0]:
            raise ValueError(f"{name}: {y_true.shape[0]} labels for {y_pred.shape[0]} embeddings.")
        return y_true, y_pred

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The mean over the triplets of each anchor, `(b,)`; 0 for an anchor without one."""
        return self.terms(y_true, y_pred, None)[0]

    def terms(self, y_true: Any, y_pred: Any, keep: Any) -> tuple[Any, Any]:
        """The mean over the triplets of each anchor, and how many it has."""
        distance = pairwise_distance(normalize(y_pred) if self.normalize else y_pred, squared=self.squared)
        alike, unlike = _pairs(y_true, keep)
        return self.anchors(distance, alike, unlike)

    def anchors(self, distance: Any, alike: Any, unlike: Any) -> tuple[Any, Any]:
        """The mean over the triplets of each anchor, and how many it has, from the tables of distances and pairs."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "squared": self.squared, "normalize": self.normalize}


@keras.saving.register_keras_serializable("nandoctor")
class TripletSemiHardLoss(_TripletLoss):
    """`max(0, d(a, p) - d(a, n) + margin)` over all positive pairs (a, p), each with its semi-hard negative n.

    The negative is the nearest of those that are farther from the anchor than the positive; if none is, the farthest.
    Written as usual it goes NaN in two ways: in a batch without a positive pair the mean is 0 / 0; and where two
    embeddings are equal (an image twice in the batch) the distance is a root at 0, whose slope is infinite: the loss is
    finite and every gradient NaN. Here such a batch, one without a negative, and one of a single row give 0 with zero
    gradient; the slope between equal embeddings is 0. A row with `sample_weight` 0 is taken out of the batch; other
    weights multiply the triplets whose anchor the row is.

    Args:
        margin: By how much a negative should be farther than the positive, in the units of the distance; above 0.
        squared: Squared distances, as in FaceNet (there with `margin=0.2` and embeddings of length 1).
        normalize: Scale each embedding to length 1 first. A zero embedding stays zero.
        name: The name in the logs.
        reduction: Means are over the positive pairs; `None` gives the sum over the pairs of each anchor, `(batch,)`.
        dtype: The dtype of the result.

    Call arguments: `y_true`, labels, `(batch,)` or `(batch, 1)`, compared for equality; `y_pred`, embeddings `(batch, d)`.

    Raises:
        ValueError: The margin is not above 0, or a shape does not fit.

    Example:
        >>> loss = TripletSemiHardLoss(margin=1.0)
        >>> float(loss([0, 0, 1], [[0.0], [1.0], [3.0]]))  # (1 - 3 + 1) for the first anchor, (1 - 2 + 1) for the second
        0.0
        >>> float(loss([0, 0, 1], [[0.0], [1.0], [1.5]]))  # 1 - 1.5 + 1 and, as none is farther than 1, 1 - 0.5 + 1
        1.0

    Schroff, Kalenichenko, Philbin, *FaceNet: A Unified Embedding for Face Recognition and Clustering*, 2015, section 3.2.
    """

    def __init__(
        self,
        margin: float = 1.0,
        *,
        squared: bool = False,
        normalize: bool = False,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(squared=squared, normalize=normalize, name=name, reduction=reduction, dtype=dtype)
        self.margin = number(margin, "margin", low=0.0, above=True)

    def anchors(self, distance: Any, alike: Any, unlike: Any) -> tuple[Any, Any]:
        """Every positive of an anchor makes a triplet."""
        negative = ops.take_along_axis(distance, _semi_hard(ops.stop_gradient(distance), unlike), axis=1)
        triplet = ops.logical_and(alike, ops.any(unlike, axis=1, keepdims=True))
        count = ops.sum(ops.cast(triplet, distance.dtype), axis=1)
        cost = positive_part(distance - negative + self.margin)
        share = 1.0 / ops.maximum(count, 1.0)
        return ops.sum(ops.where(triplet, cost * ops.expand_dims(share, 1), 0.0), axis=1), count

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable("nandoctor")
class TripletHardLoss(_TripletLoss):
    """`max(0, d(a, p) - d(a, n) + margin)` over all anchors a, with the farthest positive p and the nearest negative n.

    It goes NaN as the semi-hard one does (`TripletSemiHardLoss`), and here the nearest negative is more often an equal
    embedding, where the slope of the root is infinite. An anchor without a positive or without a negative does not
    count; a batch without any other gives 0 with zero gradient. A row with `sample_weight` 0 is taken out of the batch.

    Args:
        margin: By how much the negative should be farther, above 0; or `"soft"` for `log(1 + exp(d(a, p) - d(a, n)))`,
            which has no margin to choose and never stops pulling.
        squared: Squared distances. The authors advise against them: training collapses more often.
        normalize: Scale each embedding to length 1 first. A zero embedding stays zero.
        name: The name in the logs.
        reduction: Means are over the anchors that have a triplet; `None` gives one value for each row, `(batch,)`.
        dtype: The dtype of the result.

    Call arguments: `y_true`, labels, `(batch,)` or `(batch, 1)`, compared for equality; `y_pred`, embeddings `(batch, d)`.

    Raises:
        ValueError: The margin is neither above 0 nor `"soft"`, or a shape does not fit.

    Example:
        >>> loss = TripletHardLoss(margin=1.0)
        >>> float(loss([0, 0, 1], [[0.0], [1.0], [1.5]]))  # the mean of 1 - 1.5 + 1 and 1 - 0.5 + 1
        1.0
        >>> float(loss([0, 1, 2], [[0.0], [1.0], [1.5]]))  # no two rows are alike
        0.0

    Hermans, Beyer, Leibe, *In Defense of the Triplet Loss for Person Re-Identification*, 2017, equation 5 and section 2.
    """

    def __init__(
        self,
        margin: float | str = 1.0,
        *,
        squared: bool = False,
        normalize: bool = False,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(squared=squared, normalize=normalize, name=name, reduction=reduction, dtype=dtype)
        if isinstance(margin, str) and margin != "soft":
            raise ValueError(f"margin must be a number above 0 or 'soft', found {margin!r}.")
        self.margin = margin if isinstance(margin, str) else number(margin, "margin", low=0.0, above=True)

    def anchors(self, distance: Any, alike: Any, unlike: Any) -> tuple[Any, Any]:
        """Every anchor that has a positive and a negative makes a triplet."""
        fixed = ops.stop_gradient(distance)
        farthest = ops.argmax(ops.where(alike, fixed, -1.0), axis=1)
        nearest = ops.argmin(ops.where(unlike, fixed, float("inf")), axis=1)
        difference = _taken(distance, farthest) - _taken(distance, nearest)
        cost = softplus(difference) if self.margin == "soft" else positive_part(difference + self.margin)
        triplet = ops.logical_and(ops.any(alike, axis=1), ops.any(unlike, axis=1))
        return ops.where(triplet, cost, 0.0), ops.cast(triplet, distance.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "margin": self.margin}


def _pairs(labels: Any, keep: Any) -> tuple[Any, Any]:
    """Two tables `(b, b)`: which rows are alike (not a row with itself), and which are not."""
    same = ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(labels, 0))
    count = ops.shape(labels)[0]
    others = ops.logical_not(ops.cast(ops.eye(count), "bool"))
    present = others if keep is None else ops.logical_and(ops.expand_dims(keep, 1), ops.expand_dims(keep, 0))
    return ops.logical_and(same, ops.logical_and(others, present)), ops.logical_and(ops.logical_not(same), present)


def _semi_hard(distance: Any, unlike: Any) -> Any:
    """For each anchor and each other row as its positive: the row of the semi-hard negative, `(b, b)`."""
    from_anchor = ops.expand_dims(distance, 1)
    farther = ops.logical_and(ops.expand_dims(unlike, 1), from_anchor > ops.expand_dims(distance, 2))
    candidates = ops.where(farther, from_anchor, float("inf"))
    farthest = ops.argmax(ops.where(unlike, distance, -1.0), axis=1)
    return ops.where(ops.any(farther, axis=2), ops.argmin(candidates, axis=2), ops.expand_dims(farthest, 1))


def _taken(distance: Any, column: Any) -> Any:
    """From each row the element of its column, `(b,)`."""
    return ops.squeeze(ops.take_along_axis(distance, ops.expand_dims(column, 1), axis=1), axis=1)
