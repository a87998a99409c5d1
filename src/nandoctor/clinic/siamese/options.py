"""What was typed, checked before anything is loaded."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass, field

from nandoctor.clinic.data.draws import Draw

LOSSES = ("semi-hard", "hard", "plain", "pytorch-metric-learning")
"""Ours twice, the published formula written out, and another library's, to compare with."""

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
DEPTHS = (18, 34, 50, 101)
FOREIGN = "pytorch-metric-learning"
RESNET = "resnet"


class OptionError(ValueError):
    """An option that cannot be had; the message says why, and what can."""


@dataclass(frozen=True)
class Options:
    """The options of a training."""

    loss: str | None = None
    fault: str | None = None
    cured: bool = False
    draw: Draw = field(default_factory=Draw)
    rate: float | None = None
    precision: str = "float32"
    depth: int = 18
    width: int = 16
    backbone: str = RESNET
    embedding: int = 64
    epochs: int = 10
    steps: int | None = None
    seed: int = 0
    verbose: int = 2

    @property
    def needs_pixels(self) -> int:
        """The smallest side that the backbone takes; those of Keras are made for large images."""
        return 1 if self.backbone == RESNET else 32

    def check(self) -> None:
        """Whether each option is one that there is.

        Raises:
            OptionError: one is not.
        """
        _one_of("--loss", self.loss or LOSSES[0], LOSSES)
        _one_of("--precision", self.precision, PRECISIONS)
        _one_of("--depth", self.depth, DEPTHS)
        if self.cured and self.fault is None:
            raise OptionError("--cured is for a fault: --fault NAME --cured (--list shows the names)")
        if self.fault is not None and self.loss is not None:
            raise OptionError(f"--fault {self.fault} brings its own loss; leave out --loss")
        if self.loss == FOREIGN:
            _check_foreign()


def _one_of(option: str, value: object, known: tuple[object, ...]) -> None:
    if value not in known:
        raise OptionError(f"{option} is {value!r}; there are {', '.join(map(str, known))}")


def _check_foreign() -> None:
    """The library works on torch tensors, so Keras must run on torch."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "torch":
        raise OptionError(
            f"--loss {FOREIGN} works on torch tensors, and Keras runs on {backend}: set KERAS_BACKEND=torch"
        )
    if importlib.util.find_spec("pytorch_metric_learning") is None:
        raise OptionError(f"--loss {FOREIGN} needs the library, which is not installed: pip install {FOREIGN}")
