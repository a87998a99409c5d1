"""A change that might cure: whole new texts of the user's files, not yet tried."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nandoctor.findings import Treatment


@dataclass(frozen=True)
class Proposal:
    """One remedy, written out.

    Attributes:
        remedy: its name in the table of remedies.
        summary: what changes, in one sentence.
        texts: the new text of each file that changes, by path; and `before`, what it was made from.
        kind: whether it edits an expression, changes a setting, or repairs the data.
        safe: the same value wherever the old one was finite; that is held against healthy batches.
        from_start: it changes what happens before the step (the data, the initial weights, a rate), so that the
            captured batch or state tells nothing: the script has to be run from its start.
    """

    remedy: str
    summary: str
    texts: Mapping[str, str]
    before: Mapping[str, str]
    kind: Literal["edit", "setting", "data"] = "edit"
    safe: bool = False
    from_start: bool = False

    @property
    def diff(self) -> str:
        """A unified diff, with paths relative to the working directory where they lie in it."""
        return "".join(_diff(path, self.before[path], text) for path, text in sorted(self.texts.items()))

    @property
    def code(self) -> str:
        """The lines that are new."""
        lines = self.diff.splitlines()
        return "\n".join(line[1:].strip() for line in lines if line.startswith("+") and not line.startswith("+++"))

    def treatment(self) -> Treatment:
        """As a treatment that nobody has tried."""
        return Treatment(
            remedy=self.remedy,
            summary=self.summary,
            kind=self.kind,
            code=self.code,
            diff=self.diff,
            safety="safe" if self.safe else "changes-training",
        )


def _diff(path: str, before: str, after: str) -> str:
    shown = os.path.relpath(path)
    shown = path if shown.startswith("..") else shown
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{shown}", f"b/{shown}", n=1
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
