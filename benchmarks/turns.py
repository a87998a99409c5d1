"""Variants that take turns in one process, so that whatever else the machine does falls on all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

WARM_UP = 2
"""Rounds that are not counted: functions are traced and compiled in them."""


def in_turns(
    turns: Sequence[Callable[[], object]], rounds: int, steps: int, clock: Callable[[], float] = time.perf_counter
) -> list[list[float]]:
    """Seconds a step of each variant in each round; every other round goes through them from the last to the first.

    Args:
        turns: one function for each variant, which does `steps` steps.
        rounds: how many are counted.
        steps: of a turn.
        clock: in seconds.
    """
    seconds: list[list[float]] = [[] for _ in turns]
    for n in range(rounds + WARM_UP):
        numbered = list(enumerate(turns))
        for which, turn in numbered if n % 2 else numbered[::-1]:
            began = clock()
            turn()
            seconds[which].append((clock() - began) / steps)
    return [taken[WARM_UP:] for taken in seconds]


def repeated(step: Callable[[], object], steps: int) -> Callable[[], None]:
    """A turn of so many steps."""

    def turn() -> None:
        for _ in range(steps):
            step()

    return turn
