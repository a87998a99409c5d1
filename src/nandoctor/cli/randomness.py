"""A script that sets no seed is random, but its second run has to be the same: what is drawn from chance is kept.

One number is drawn from the system, before the first run. From it Python's generator (from which Keras seeds its own)
and NumPy's are seeded before each run, and generators that would ask the system for entropy are given it. It is all
that a run in another process needs, later or elsewhere.
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

    entropy: int = field(default_factory=lambda: secrets.randbits(63))

    @property
    def seed(self) -> int:
        """A seed of 31 bits."""
        return self.entropy & 0x7FFFFFFF

    @contextlib.contextmanager
    def given(self) -> Iterator[None]:
        """While inside, `numpy.random.default_rng()` without a seed is a generator that a second run has again."""
        original = numpy.random.default_rng
        random.seed(self.entropy)
        numpy.random.seed([self.entropy & 0xFFFFFFFF, self.entropy >> 32])
        counter = itertools.count()

        @functools.wraps(original)
        def default_rng(seed: Any = None) -> Any:
            return original(np.random.SeedSequence((self.entropy, next(counter))) if seed is None else seed)

        numpy.random.default_rng = default_rng
        try:
            yield
        finally:
            numpy.random.default_rng = original
