"""What is compared, and how a change is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nandoctor.audit.checks.check import Found
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.wishes import Wishes
from nandoctor.findings import Fact, Severity

CAUSE = "data-drift"


@dataclass(frozen=True, slots=True)
class Pair:
    """A component before and now. `base` is what the data before are called: "the training data", "base.json".

    `known`: how many classes there are, where the model, the user or the data before say so.
    """

    name: str
    was: ComponentProfile
    now: ComponentProfile
    base: str
    wishes: Wishes
    known: int | None = None

    @property
    def rows(self) -> tuple[int, int]:
        """That could be read."""
        return self.was.readable, self.now.readable

    def drift(
        self,
        severity: Severity,
        summary: str,
        *,
        facts: tuple[Fact, ...] = (),
        rows: Rows | None = None,
        names: tuple[str, ...] = (),
    ) -> Found:
        """The finding."""
        return Found(
            cause=CAUSE,
            severity=severity,
            component=self.name,
            summary=summary,
            facts=facts,
            rows=rows,
            names=names,
            repair=f"Find out which of both is right; if these data are, keep their profile in place of {self.base}.",
        )


Changes = Iterator[Found]
