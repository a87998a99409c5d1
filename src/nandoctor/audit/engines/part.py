"""One part of a source, as every engine reads it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence

from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.profile import Profile, profile_chunk
from nandoctor.audit.source import Part
from nandoctor.audit.told import told

GROUP = 16
"""Profiles that are merged at once: a sum over many, one after the other, would copy what grows with the rows."""


def profile_part(part: Part, probes: Sequence[Probe], read: Callable[[int], bool] = lambda rows: True) -> Profile:
    """Of all its rows; of those before an error in it, which is told in the profile.

    Args:
        read: is told of the rows of each chunk; where it answers False, the part ends there.
    """
    found: list[Profile] = []
    try:
        for chunk in part.chunks():
            found.append(profile_chunk(chunk, probes))
            if not read(chunk.rows):
                break
    except Exception as error:
        found.append(Profile(broken=((part.name, told(error)),)))
    return combined(found)


def combined(profiles: Iterable[Profile]) -> Profile:
    """All of them in order."""
    found = list(profiles)
    while len(found) > 1:
        found = [functools.reduce(Profile.__add__, found[n : n + GROUP]) for n in range(0, len(found), GROUP)]
    return found[0] if found else Profile()
