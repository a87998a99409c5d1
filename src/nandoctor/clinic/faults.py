"""A fault that can be switched on: what every program of the clinic has a table of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

Recipe = TypeVar("Recipe")
"""What a training of a program is made of, a frozen dataclass."""


@dataclass(frozen=True)
class Fault(Generic[Recipe]):
    """A circumstance, and a mistake that does not bear it.

    `--fault` trains with both; `--fault --cured` with the circumstance alone, which a sound recipe goes through.
    `cause` is an id of `nandoctor explain`, `claims` are rows of the table of claims. Where nothing `breaks`, the loss
    stays finite and nothing is learnt.
    """

    name: str
    title: str
    claims: tuple[str, ...]
    cause: str
    circumstance: Callable[[Recipe], Recipe]
    mistake: Callable[[Recipe], Recipe]
    breaks: bool = True

    def applied(self, recipe: Recipe, *, cured: bool) -> Recipe:
        """The recipe with this fault, or with its circumstance alone."""
        placed = self.circumstance(recipe)
        return placed if cured else self.mistake(placed)


def setting(**changes: Any) -> Callable[[Recipe], Recipe]:
    """The change of a recipe that gives some of its fields other values."""
    return lambda recipe: replace(recipe, **changes)  # type: ignore[type-var]
