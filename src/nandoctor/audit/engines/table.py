"""All engines: who reads the parts of a source."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from nandoctor.audit.engines.ray import profile_with_ray
from nandoctor.audit.engines.threads import profile_with_threads
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.profile import Profile
from nandoctor.audit.source import Source
from nandoctor.errors import NandoctorError


class Engine(Protocol):
    """Reads all parts of a source: gives the profile, and whether that is all of it.

    What it finds does not depend on which engine it is nor on the number of its workers; quantiles are of a sketch that
    draws lots, and agree within its error.
    """

    def __call__(
        self, source: Source, probes: Sequence[Probe], *, workers: int | None, on_rows: Callable[[int], None]
    ) -> tuple[Profile, bool]:
        """`workers`: how many read at once; None: as many as there are."""
        ...


def _threads(
    source: Source, probes: Sequence[Probe], *, workers: int | None, on_rows: Callable[[int], None]
) -> tuple[Profile, bool]:
    return profile_with_threads(source, probes, workers=workers or os.cpu_count() or 1, on_rows=on_rows)


ENGINES: Mapping[str, Engine] = {"threads": _threads, "ray": profile_with_ray}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The engine that reads a source, and what the user should know of that."""

    read: Engine
    notes: tuple[str, ...] = ()


def check_engine(name: str) -> None:
    """Whether there is an engine of this name.

    Raises:
        NandoctorError: there is none.
    """
    if name not in ENGINES:
        raise NandoctorError(f"there is no engine {name!r}: give one of {', '.join(ENGINES)}.")


def engine_for(name: str, source: Source) -> Chosen:
    """The engine of this name; of a live object, which no other process can read, the threads of this one.

    Raises:
        NandoctorError: there is no such engine.
    """
    check_engine(name)
    if name == "threads" or isinstance(source.parts(), Sequence):
        return Chosen(ENGINES[name])
    note = f"read on this machine, not by {name}: an object of the program cannot be sent in parts. Files can"
    return Chosen(ENGINES["threads"], (note,))
