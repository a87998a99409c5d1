"""How far a silent run of the script is, for whoever waits at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable

from nandoctor.frameworks.rendezvous import Experiment


def begin(experiment: Experiment) -> Callable[[int], None]:
    """A run with something changed begins; shows how far it is."""
    clear()
    print(f"nandoctor: running the script with {experiment.name} ...", file=sys.stderr, flush=True)
    return progress(experiment.until)


def progress(last: int) -> Callable[[int], None]:
    """Shows how many of the events there were."""

    def show(events: int) -> None:
        if sys.stderr.isatty():
            print(f"\r  step {min(events, last):,} of {last:,} ", end="", file=sys.stderr, flush=True)

    return show


def clear() -> None:
    """Take away what was shown."""
    if sys.stderr.isatty():
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr, flush=True)
