"""How remedies are to be tried, as the user wishes: plain data, which needs no parser of sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Style = Literal["plain", "nandoctor"]
"""Whether remedies are written in plain calls of the user's framework, or with `nandoctor.ops` and `.losses`."""

BEYOND = 20
"""Steps past the one that broke for which a script is run with a remedy."""


@dataclass(frozen=True)
class Limits:
    """How much is tried.

    Attributes:
        proven: how many proven remedies are enough; 0 tries all.
        seconds: after which no further attempt is begun.
        each: how long a script may run on once it is past the step that broke.
        patience: how long it may train towards that, where the captured step is finite already.
        beyond: steps past it.
    """

    proven: int = 1
    seconds: float = 120.0
    each: float = 10.0
    patience: float = 30.0
    beyond: int = BEYOND


@dataclass(frozen=True)
class Wishes:
    """How remedies are to be tried, and what is to become of one that is proven.

    Attributes:
        style: in whose calls they are written.
        limits: how much is tried.
        fix: whether the proven change is to be written to the user's files, and `yes` without asking.
        only: the one remedy to try, by its name.
    """

    style: Style = "plain"
    limits: Limits = field(default_factory=Limits)
    fix: bool = False
    yes: bool = False
    only: str | None = None
