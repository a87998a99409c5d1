"""What a script of the clinic says of itself: its fault, the line, the rows, and the claim that it shows."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).resolve().parent.parent / "cases"

_HEADER = re.compile(r"^# (cause|phase|rows|step|raises|claims|healthy)(?:: *(.*?))? *$", re.M)
_HERE = re.compile(r"#.*<- (or )?here")


@dataclass(frozen=True, slots=True)
class Truth:
    """The header of a script, and its docstring.

    `cause` is None for a healthy script. `rows` and `step` are None where any will do.
    """

    path: Path
    title: str
    about: str
    cause: str | None
    phase: str | None
    rows: tuple[int, ...] | None
    step: int | None
    raises: bool
    claims: tuple[str, ...]
    lines: frozenset[int]

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def family(self) -> str:
        """The first word of the file's name: the model, or the kind of training."""
        return self.path.stem.partition("_")[0]


def read_truth(path: Path) -> Truth:
    """The truth of one script.

    Raises:
        ValueError: the script has neither `# cause:` nor `# healthy`, or a row that is no number.
    """
    text = path.read_text(encoding="utf-8")
    header = dict(_HEADER.findall(text))
    if "cause" not in header and "healthy" not in header:
        raise ValueError(f"{path} has no header: it needs a line '# cause: ...' or '# healthy'")
    title, _, about = (ast.get_docstring(ast.parse(text)) or path.stem).partition("\n")
    step = header.get("step", "any")
    return Truth(
        path=path,
        title=title.strip(),
        about=" ".join(about.split()),
        cause=header.get("cause"),
        phase=header.get("phase"),
        rows=_rows(header.get("rows", "any")),
        step=int(step) if step.isdigit() else None,
        raises="raises" in header,
        claims=tuple(header.get("claims", "").replace(",", " ").split()),
        lines=frozenset(n for n, line in enumerate(text.splitlines(), 1) if _HERE.search(line)),
    )


def read_cases(folder: Path = CASES) -> list[Truth]:
    """Every script below a folder, by name; those that begin with an underscore are no cases.

    Raises:
        ValueError: there is no script, or one has no header.
    """
    paths = sorted(folder.rglob("[!_]*.py"))
    if not paths:
        raise ValueError(f"there is no script (*.py) in {folder}")
    return [read_truth(path) for path in paths]


def _rows(text: str) -> tuple[int, ...] | None:
    """`5, 40` and `0-15` as numbers; None for `any`."""
    if "any" in text:
        return None
    rows: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        rows += range(int(first), int(last or first) + 1)
    return tuple(rows)
