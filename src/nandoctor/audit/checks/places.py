"""What a row is called in a sentence."""

from __future__ import annotations

from collections.abc import Callable

from nandoctor.audit.profile.component import ComponentProfile


def place_of(component: ComponentProfile) -> Callable[[int], str]:
    """By the file that holds nothing else, or by its number."""
    files = component.files
    own = {name for name, count in zip(files.names, files.counts, strict=True) if name and count == 1}
    if not own:
        return lambda row: f"row {row:,}"
    finder = files.finder()

    def place(row: int) -> str:
        file = finder(row)[0]
        return file if file in own else f"row {row:,}"

    return place
