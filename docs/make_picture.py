"""Draws `docs/img/report.svg`, and writes `transcript.txt`, from `docs/example/transcript.ansi`.

The transcript is what a terminal of 80 columns shows, colours included. In `docs/example`:

    export FORCE_COLOR=1 COLUMNS=80 TF_CPP_MIN_LOG_LEVEL=3
    (echo '$ nandoctor run train.py'; nandoctor run train.py 2>&1) > transcript.ansi
    python ../make_picture.py

Then paste `transcript.txt` into README.md: `docs/hooks.py` fails the build of the documentation where they differ.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).resolve().parent
COLUMNS = 80


def draw(text: Text, picture: Path) -> None:
    """Write the text as SVG, without what names a place to load a font from."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, highlight=False)
    console.print(text, end="")
    svg = console.export_svg(title="nandoctor run train.py", unique_id="nandoctor")
    svg = re.sub(r"@font-face \{.*?\}\s*|<!-- Generated.*?-->\s*", "", svg, flags=re.S)
    picture.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")


def main() -> None:
    """Read the transcript once, write both forms of it."""
    recorded = (DOCS / "example" / "transcript.ansi").read_text(encoding="utf-8").strip("\n")
    text = Text("\n").join(Text.from_ansi(line) for line in recorded.split("\n"))
    plain = "".join(f"{line.rstrip()}\n" for line in text.plain.split("\n"))
    (DOCS / "example" / "transcript.txt").write_text(plain, encoding="utf-8")
    draw(text, DOCS / "img" / "report.svg")


if __name__ == "__main__":
    main()
