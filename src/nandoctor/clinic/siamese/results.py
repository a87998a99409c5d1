"""What a training came to, for reading and as JSON."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from nandoctor.clinic.siamese.measures import OneShot


@dataclass(frozen=True)
class Measured:
    """One-shot accuracy and recall@1 on the classes of the test."""

    one_shot: OneShot
    recall_at_1: float


@dataclass(frozen=True)
class Results:
    """A run: what was asked for, the losses, and the measures, which a run that broke does not have."""

    command: list[str]
    backend: str
    seed: int
    parameters: int
    seconds: float
    finite: bool
    history: dict[str, list[float]]
    measured: Measured | None
    pixels: Measured

    def write(self, file: Path) -> None:
        """As JSON, whole or not at all."""
        aside = file.with_name(f"{file.name}.partial")
        aside.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        os.replace(aside, file)

    def lines(self) -> list[str]:
        """For the terminal."""
        epochs = len(self.history.get("loss", []))
        first = f"{epochs} epochs in {self.seconds:.0f} s, {self.parameters:,} parameters, {self.backend}"
        if self.measured is None:
            return [first, "the loss is not finite"]
        return [first, *_lines("embedding", self.measured), *_lines("bare pixels", self.pixels)]


def _lines(what: str, measured: Measured) -> list[str]:
    shot = measured.one_shot
    return [
        f"{what}: {shot.ways}-way one-shot accuracy {shot.accuracy:.1%} +- {shot.standard_error:.1%} "
        f"({shot.episodes} episodes), recall@1 {measured.recall_at_1:.1%}"
    ]
