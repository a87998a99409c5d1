"""The faults: one entry each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nandoctor.clinic.siamese.recipe import Recipe


@dataclass(frozen=True)
class Fault:
    """One way in which this training goes wrong.

    `circumstance` is what makes it come to light (a batch, a rate, a number format), `mistake` what is wrong. With both
    the loss becomes NaN; with the circumstance alone it does not.
    """

    name: str
    title: str
    claims: tuple[str, ...]
    cause: str
    circumstance: Callable[[Recipe], Recipe]
    mistake: Callable[[Recipe], Recipe]

    def applied(self, recipe: Recipe, *, cured: bool) -> Recipe:
        """The recipe with this fault, or with its circumstance alone."""
        placed = self.circumstance(recipe)
        return placed if cured else self.mistake(placed)


FAULTS: tuple[Fault, ...] = ()


def fault(name: str) -> Fault:
    return next(f for f in FAULTS if f.name == name)


def table() -> str:
    return ""
