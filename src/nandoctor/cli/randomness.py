"""A script that sets no seed is random, but its second run has to be the same: what is drawn from chance is kept.

Both runs begin as one process did before a fork, so NumPy's global generator begins alike by itself. Python's, from
which Keras seeds its own, is seeded anew by Python in each fork, and is put back. Generators that would ask the system
for entropy are given a number that was drawn once, before the fork.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.random


@dataclass(frozen=True)
class Chance:
    """What one run of a script gets where it asks for chance."""

    entropy: int = field(default_factory=lambda: secrets.randbits(64))
    state: tuple[Any, ...] = field(default_factory=random.getstate)

    @property
    def seed(self) -> int:
        """A seed of 31 bits."""
        return self.entropy & 0x7FFFFFFF

    @contextlib.contextmanager
    def given(self) -> Iterator[None]:
        """While inside, `numpy.random.default_rng()` without a seed is a generator that a second run has again."""
        original = numpy.random.default_rng
        random.setstate(self.state)
        counter = itertools.count()

        @functools.wraps(original)
        def default_rng(seed: Any = None) -> Any:
            return original(np.random.SeedSequence((self.entropy, next(counter))) if seed is None else seed)

        numpy.random.default_rng = default_rng
        try:
            yield
        finally:
            numpy.random.default_rng = original
