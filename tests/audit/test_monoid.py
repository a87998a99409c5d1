"""Rows of all kinds give one profile, however they fall into chunks and parts, and in whatever order those are
merged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nandoctor.audit.engines.part import combined, profile_part
from nandoctor.audit.kernels.scan import RowFacts
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.component import ComponentProfile
from nandoctor.audit.profile.profile import Profile, profile_chunk
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.source import Chunk, Column, Failure, Role

ROLES: dict[str, Role] = {"image": "input", "extra": "input", "label": "target"}


def nonfinite(rows: RowFacts) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = rows.nonfinite > 0
    return found


PROBES = (Probe("nonfinite", "input", nonfinite), Probe("nonfinite", "target", nonfinite))

Row = dict[str, NDArray[Any] | None]
"""The value of each component that a row has; None: it could not be read."""

FORMS = [("f4", (3,)), ("f4", (2, 3)), ("f8", (3,)), ("u1", (2, 3)), ("f4", (4,)), ("f2", (3,)), ("U3", ())]
LABELS = [("i8", ()), ("i8", (2,)), ("f4", ()), ("u1", ())]


@st.composite
def values(draw: st.DrawFn, forms: Sequence[tuple[str, tuple[int, ...]]]) -> NDArray[Any] | None:
    """Whole numbers, whose sums are exact; in floats there are NaN and infinities among them."""
    dtype, shape = draw(st.sampled_from(forms))
    count = int(np.prod(shape))
    special = [np.nan, np.inf, -np.inf, -0.0] if dtype[0] == "f" else []
    numbers = st.integers(0, 9) | st.sampled_from(special) if special else st.integers(0, 9)
    return np.array(draw(st.lists(numbers, min_size=count, max_size=count)), dtype).reshape(shape)


def optional(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """There; or it could not be read."""
    return value | value | st.none()


ROWS = st.lists(
    st.fixed_dictionaries(
        {"image": optional(values(FORMS))},
        optional={"extra": optional(values(FORMS[:2])), "label": optional(values(LABELS))},
    ),
    min_size=1,
    max_size=14,
)


def chunk(rows: Sequence[Row], start: int) -> Chunk:
    """Rows, the first of which has this number."""
    columns: dict[str, Column] = {}
    failures: list[Failure] = []
    names = tuple(f"file {start + n}" for n in range(len(rows)))
    for name, role in ROLES.items():
        known = [(n, row[name]) for n, row in enumerate(rows) if name in row]
        failures += [Failure(n, names[n], name, "is cut off") for n, value in known if value is None]
        read = {n: value for n, value in known if value is not None}
        if read:
            columns[name] = Column(list(read.values()), role, np.array(list(read), np.int64), names)
    return Chunk(len(rows), columns, tuple(failures))


@dataclass(frozen=True)
class _Part:
    chunks_of_it: Sequence[Chunk]
    name: str = "part"

    def chunks(self) -> Iterator[Chunk]:
        yield from self.chunks_of_it


def plain(found: Profile) -> dict[str, Any]:
    """All of a profile but the sketch, which draws lots, as plain data."""
    return {
        "rows": found.rows,
        "failures": sorted((f.row, f.component, f.name, f.why) for f in found.failures),
        "failed": found.failed,
        "components": {name: plain_component(one) for name, one in found.components.items()},
    }


def plain_component(one: ComponentProfile) -> dict[str, Any]:
    file = one.files.finder()
    hashes = zip(_all(one.hashed), _all(one.hashes), strict=True)
    return {
        "role": one.role,
        "rows": (one.rows, one.readable),
        "forms": {form: numbers(rows) for form, rows in one.forms.items()},
        "channels": one.channels and {k: np.asarray(getattr(one.channels, k)).tolist() for k in one.channels.__slots__},
        "bins": None if one.bins is None else one.bins.tolist(),
        "classes": one.classes,
        "probes": {name: numbers(rows) for name, rows in one.probes.items()},
        "hashes": sorted(hashes),
        "distinct": one.distinct.least.tolist(),
        "files": {int(row): file(int(row))[0] for rows in one.forms.values() for row in rows.first},
    }


def _all(arrays: tuple[NDArray[Any], ...]) -> list[int]:
    return [int(v) for array in arrays for v in array]


def numbers(rows: Rows) -> tuple[int, list[int]]:
    return rows.count, rows.first.tolist()


def chunks_of(rows: Sequence[Row], data: st.DataObject) -> list[Chunk]:
    """The rows, cut anywhere; some chunks may be empty."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=6), label="cuts"))
    ends = zip([0, *cuts], [*cuts, len(rows)], strict=True)
    return [chunk(rows[start:end], start) for start, end in ends]


@given(rows=ROWS, data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_chunks_and_parts_give_the_profile_of_the_whole(rows: list[Row], data: st.DataObject) -> None:
    whole = profile_chunk(chunk(rows, 0), PROBES)
    chunks = chunks_of(rows, data)
    ends = sorted(data.draw(st.lists(st.integers(0, len(chunks)), max_size=3), label="parts"))
    parts = [_Part(chunks[a:b]) for a, b in zip([0, *ends], [*ends, len(chunks)], strict=True)]
    assert plain(combined(profile_part(part, PROBES) for part in parts)) == plain(whole)


@given(rows=ROWS, data=st.data())
@settings(max_examples=60, deadline=None)
def test_profiles_are_merged_in_any_grouping(rows: list[Row], data: st.DataObject) -> None:
    profiles = [profile_chunk(one, PROBES) for one in chunks_of(rows, data)]
    expected = plain(sum(profiles, Profile()))
    while len(profiles) > 1:
        at = data.draw(st.integers(0, len(profiles) - 2), label="merge")
        profiles[at : at + 2] = [profiles[at] + profiles[at + 1]]
    assert plain(profiles[0]) == expected


@given(rows=ROWS)
@settings(max_examples=30, deadline=None)
def test_a_profile_of_nothing_changes_nothing(rows: list[Row]) -> None:
    found = profile_chunk(chunk(rows, 0), PROBES)
    assert plain(Profile() + found) == plain(found + Profile()) == plain(found)
