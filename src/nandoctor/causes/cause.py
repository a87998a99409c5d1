"""A cause of NaN: its name, its page, and how it is recognised."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass

from nandoctor.causes.case import Case, Suspicion


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of the catalogue.

    `examine` looks at a case and answers with a suspicion, or None; it never raises, prints or acts.
    """

    code: str
    id: str
    title: str
    examine: Callable[[Case], Suspicion | None]

    @property
    def page(self) -> str:
        """The documentation page: the docstring of the cause's module."""
        module = sys.modules[self.examine.__module__]
        return inspect.cleandoc(module.__doc__ or "")
