"""What the data are meant for: the loss, the model and the training, as far as the user says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TargetKind = Literal["ids", "one-hot", "probabilities", "counts", "positive", "numbers", "signs"]
"""What a loss takes for targets: class ids; one-hot rows; numbers from 0 to 1; from 0 up; above -1 (a logarithm is
taken of them); any number; -1 and 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossRule:
    """What a loss asks of its targets.

    Attributes:
        name: as the user knows it.
        targets: what they have to be; None where nothing is known.
        pairs: whether a batch needs two rows of one class, and rows of two classes.
        mean_over_valid: whether it divides by the number of labels that are not ignored.
        ignore_class: the label that it leaves out.
        outputs: what it takes from the model: "logits" or "probabilities"; None where that does not matter.
        sequence: whether the targets are sequences that have to fit the inputs' length (CTC).
        squares: whether it grows with the square of the error.
    """

    name: str
    targets: TargetKind | None = None
    pairs: bool = False
    mean_over_valid: bool = False
    ignore_class: int | None = None
    outputs: Literal["logits", "probabilities"] | None = None
    sequence: bool = False
    squares: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What a model says of the data it takes.

    Attributes:
        outputs: units of its last layer; None where it has no last axis of classes.
        input_shape: of a row, None where an axis is open.
        batch_norm: whether it normalises by the batch.
        rescales: whether its first layers scale the inputs (`Rescaling`, `Normalization`).
        dtype: it computes in: float32, or a half.
        last_activation: of its last layer: softmax, sigmoid, linear, ...
        learning_rate: of its optimizer, if it is compiled.
        optimizer: its name, if it is compiled.
    """

    outputs: int | None = None
    input_shape: tuple[int | None, ...] | None = None
    batch_norm: bool = False
    rescales: bool = False
    dtype: str = "float32"
    last_activation: str | None = None
    learning_rate: float | None = None
    optimizer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """All that a check may ask beside the profile.

    Attributes:
        loss, model: what is known of them.
        classes: how many there are; else the model's outputs, or those that the reader names.
        ignore_class: the label that counts for nothing; else the loss's.
        batch_size: rows of a batch.
        replicas: devices that share a batch.
        drop_remainder: whether a last batch with fewer rows is left out.
        shuffled: whether batches are drawn by chance; otherwise they are the rows in order.
        learning_rate: else the model's.
        validation: rows of the validation data; None where nothing is said of them.
        notes: what the user should know about how the loss and the model were understood.
    """

    loss: LossRule | None = None
    model: ModelFacts | None = None
    classes: int | None = None
    ignore_class: int | None = None
    batch_size: int | None = None
    replicas: int = 1
    drop_remainder: bool = False
    shuffled: bool = True
    learning_rate: float | None = None
    validation: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def ignored(self) -> int | None:
        """The label that counts for nothing."""
        if self.ignore_class is not None or self.loss is None:
            return self.ignore_class
        return self.loss.ignore_class

    @property
    def rate(self) -> float | None:
        """The learning rate."""
        return self.learning_rate if self.learning_rate is not None or self.model is None else self.model.learning_rate
