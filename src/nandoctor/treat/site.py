"""Where a remedy is written: the expression that a diagnosis names, in its file, with the names the file uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import libcst as cst

from nandoctor.findings import Diagnosis, TensorStats
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.source import Source, Splice
from nandoctor.treat.spelling import Family, Spelling

Style = Literal["plain", "nandoctor"]
"""Whether remedies are written in plain calls of the user's framework, or with `nandoctor.ops` and `.losses`."""


@dataclass(frozen=True)
class Site:
    """What a recipe looks at.

    Attributes:
        diagnosis: with the cause, the phase, and what the operation at the origin was given.
        source: the file that the diagnosis names; `node` is the expression there.
        script: the script that was started, where optimizers and `fit` are looked for (often the same file).
        rate: the learning rate of the last healthy step, where it is known.
        settled: the experiment that stopped the growth, in the words of its cause, where one did.
    """

    diagnosis: Diagnosis
    source: Source
    node: cst.BaseExpression
    script: Source
    style: Style = "plain"
    rate: float | None = None

    @property
    def spelling(self) -> Spelling:
        return Spelling.of(self.source)

    @property
    def family(self) -> Family:
        """Of which framework the expression is; of the data before training it is NumPy's, where nothing says more."""
        found = self.spelling.nearest(self.source, self.node)
        return found or ("numpy" if self.diagnosis.phase == "data" else "tensorflow")

    def word(self, name: str) -> str | None:
        """How the file calls one of the framework's functions."""
        return self.spelling.word(self.family, name)

    @property
    def in_data(self) -> bool:
        """Whether the expression makes data or initial weights, before any step."""
        return self.family == "numpy" or self.diagnosis.phase == "data"

    def operand(self, n: int = 0) -> TensorStats | None:
        """What the operation at the origin was given."""
        origin = self.diagnosis.origin
        return None if origin is None or n >= len(origin.inputs) else origin.inputs[n].stats

    @property
    def half(self) -> bool:
        """Whether the operation at the origin computes in float16 or bfloat16."""
        stats = self.operand()
        return stats is not None and stats.dtype in ("float16", "bfloat16")

    def edit(
        self,
        remedy: str,
        summary: str,
        splices: Iterable[Splice],
        *,
        safe: bool = False,
        kind: Literal["edit", "setting", "data"] = "edit",
        source: Source | None = None,
        from_start: bool | None = None,
    ) -> Proposal:
        """A proposal that changes one file (that of the site, unless another is given).

        Raises:
            TreatError: what comes out is no Python.
        """
        source = source or self.source
        start = (self.in_data or kind != "edit") if from_start is None else from_start
        return Proposal(
            remedy=remedy,
            summary=summary,
            texts={source.path: source.edited(*splices)},
            before={source.path: source.text},
            kind=kind,
            safe=safe,
            from_start=start,
        )


def argument(call: cst.Call, place: int, *names: str) -> cst.BaseExpression | None:
    """An argument of a call, by its place or by one of its names; None where it is not given (or may be in a star)."""
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value in names:
            return arg.value
    plain = [arg for arg in call.args if arg.keyword is None and not arg.star]
    starred = any(arg.star == "*" for arg in call.args)
    return plain[place].value if place < len(plain) and not starred else None


def rest_of(source: Source, call: cst.Call, *, after: int = 1) -> str:
    """The arguments of a call behind its first ones, as they are written, with a comma before each."""
    return "".join(f", {source.code(arg).rstrip(', ')}" for arg in call.args[after:])
