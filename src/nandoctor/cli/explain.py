"""`nandoctor explain`: a cause's page in the terminal."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markdown import Markdown

from nandoctor.causes.catalogue import CATALOGUE, find

FAMILIES = {
    "1": "data",
    "2": "forward",
    "3": "backward",
    "4": "dynamics",
    "5": "precision",
    "6": "state",
    "7": "implementation",
}


def explain(name: str | None) -> None:
    """Print a cause's page, or the list of all causes.

    Raises:
        NandoctorError: no cause has that id or code.
    """
    if name is not None:
        page = find(name).page
        if not sys.stdout.isatty():
            print(page)
            return
        console = Console()
        console.width = min(console.width, 100)
        console.print(Markdown(page))
        return
    family = ""
    for cause in CATALOGUE:
        if FAMILIES[cause.code[2]] != family:
            family = FAMILIES[cause.code[2]]
            print(f"\n{family}")
        print(f"  {cause.code}  {cause.id:<30} {cause.title}")
    print("\nnandoctor explain ID shows a page.")
