"""The losses that the program offers, by the name that `--loss` takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nandoctor.clinic.siamese import plain

MARGIN = 0.2
"""FaceNet's margin, for squared distances on the unit sphere (Schroff, Kalenichenko, Philbin, 2015)."""

Loss = Callable[[Any, Any], Any]


def semi_hard() -> Loss:
    return plain.semi_hard


LOSSES: dict[str, Callable[[], Loss]] = {"semi-hard": semi_hard, "plain": lambda: plain.semi_hard}
