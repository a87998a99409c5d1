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
    found = Joined()
    try:
        for chunk in part.chunks():
            found.add(profile_chunk(chunk, probes))
            if not read(chunk.rows):
                break
    except Exception as error:
        found.add(Profile(broken=((part.name, told(error)),)))
    return found.whole()


class Joined:
    """Profiles that come in order, as one.

    They are merged as they come, 16 of a kind at once: so as many are held as the logarithm of their number.
    """

    def __init__(self) -> None:
        self._held: tuple[int, list[list[Profile]]] = (0, [])

    @property
    def count(self) -> int:
        """How many there have been."""
        return self._held[0]

    def add(self, profile: Profile) -> None:
        """What comes after all so far."""
        count, held = self._held
        levels = [list(level) for level in held]
        for level in levels:
            level.append(profile)
            if len(level) < GROUP:
                break
            profile = functools.reduce(Profile.__add__, level)
            level.clear()
        else:
            levels.append([profile])
        self._held = (count + 1, levels)  # at once: Ctrl-C may come at any moment

    def whole(self) -> Profile:
        """All of them in order."""
        held = [profile for level in reversed(self._held[1]) for profile in level]
        return functools.reduce(Profile.__add__, held, Profile())


def combined(profiles: Iterable[Profile]) -> Profile:
    """All of them in order."""
    joined = Joined()
    for profile in profiles:
        joined.add(profile)
    return joined.whole()
