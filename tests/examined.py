"""What the checks of an audit find in data that are written down in a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.audit.checks.table import CHECKS
from nandoctor.audit.profile.profile import Profile, profile_chunk
from nandoctor.audit.source import About, Chunk, Column, Role
from nandoctor.audit.wishes import Wishes

Values = Any


def found_in(
    inputs: Values | Mapping[str, Values] | None = None,
    targets: Values = None,
    weights: Values = None,
    *,
    checks: Sequence[Check] = CHECKS,
    about: About | None = None,
    **wishes: Any,
) -> tuple[Found, ...]:
    """Of rows in two chunks. Values are an array, or a list of arrays of different shapes."""
    columns: dict[str, tuple[Values, Role]] = {}
    if inputs is not None:
        named = inputs if isinstance(inputs, Mapping) else {"inputs": inputs}
        columns |= {name: (values, "input") for name, values in named.items()}
    columns |= {} if targets is None else {"targets": (targets, "target")}
    columns |= {} if weights is None else {"weights": (weights, "weight")}
    wished = Wishes(**wishes)
    probes = [probe for check in checks for probe in check.probes(wished)]
    rows = len(next(iter(columns.values()))[0])
    profile = Profile()
    for start, stop in ((0, rows // 2), (rows // 2, rows)):
        chunk = {name: Column(values[start:stop], role) for name, (values, role) in columns.items()}
        profile += profile_chunk(Chunk(stop - start, chunk), probes)
    examined = Examined(profile, about or About("arrays"), wished)
    return tuple(found for check in checks for found in check.examine(examined))


def rows_of(found: Found) -> list[int]:
    """The rows that it names."""
    return [] if found.rows is None else found.rows.first.tolist()


def unit(rows: int, features: int = 3) -> np.ndarray:
    """Inputs that nothing is wrong with."""
    return np.random.default_rng(7).normal(size=(rows, features)).astype(np.float32)
