"""What is known of data: the monoid that every engine makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.batches import Batches, batches_of
from nandoctor.audit.profile.component import ComponentProfile, profile_column
from nandoctor.audit.profile.files import Files
from nandoctor.audit.source import Chunk, Failure

FAILURES = 10_000
"""Unreadable rows that are kept by name."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """All rows that were read. `a + b` is of b's rows after a's; it is associative, and `Profile()` changes nothing.

    Attributes:
        rows: of the data, unreadable ones too.
        components: by name.
        failures: unreadable rows, the first 10,000; `failed` counts all.
        broken: parts of which the rest could not be read: (name, why). The profile is partial then.
        batches: that the rows came in, where they came in batches.
    """

    rows: int = 0
    components: Mapping[str, ComponentProfile] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    failed: int = 0
    broken: tuple[tuple[str, str], ...] = ()
    batches: Batches = field(default_factory=Batches)

    def __add__(self, other: Profile) -> Profile:
        later = tuple(replace(failure, row=failure.row + self.rows) for failure in other.failures)
        return Profile(
            rows=self.rows + other.rows,
            components=self._joined(other),
            failures=(self.failures + later)[:FAILURES],
            failed=self.failed + other.failed,
            broken=self.broken + other.broken,
            batches=self.batches + other.batches,
        )

    def _joined(self, other: Profile) -> dict[str, ComponentProfile]:
        """A component that one of them lacks has rows there, but none that could be read."""
        names = dict.fromkeys([*self.components, *other.components])
        return {name: self._padded(name, other) + other._padded(name, self) for name in names}

    def _padded(self, name: str, other: Profile) -> ComponentProfile:
        own = self.components.get(name)
        if own is not None or not self.rows:
            return own or ComponentProfile(role=other.components[name].role)
        return ComponentProfile(role=other.components[name].role, rows=self.rows, files=Files.of((), self.rows))


def profile_chunk(chunk: Chunk, probes: Sequence[Probe]) -> Profile:
    """Of the rows of a chunk."""
    return Profile(
        rows=chunk.rows,
        components={name: profile_column(column, chunk.rows, probes) for name, column in chunk.columns.items()},
        failures=chunk.failures[:FAILURES],
        failed=len(chunk.failures),
        batches=batches_of(chunk),
    )
