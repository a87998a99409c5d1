"""Threads give one result, however many there are and whatever they are doing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from nandoctor.audit.engines.threads import profile_with_threads
from nandoctor.audit.profile.profile import Profile
from nandoctor.audit.readers import arrays
from nandoctor.audit.source import About, Chunk, Column


def told(found: Profile) -> dict[str, Any]:
    """All of it to the bit, but the sketch, which draws lots."""
    return {
        name: (
            one.rows,
            one.channels and {k: np.asarray(getattr(one.channels, k)).tolist() for k in one.channels.__slots__},
            None if one.bins is None else one.bins.tolist(),
            one.classes,
            np.concatenate(one.hashes).tolist(),
            one.distinct.least.tolist(),
        )
        for name, one in found.components.items()
    }


def test_the_result_does_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 1 << 14)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 6, 6, 3)).astype(np.float32)
    x[17, 3] = np.nan
    y = rng.integers(0, 5, 3000)
    source = arrays.open_arrays(x, y)
    assert source is not None
    found = [told(profile_with_threads(source, (), workers=n, on_rows=lambda rows: None)[0]) for n in (1, 2, 5)]
    assert found[0] == found[1] == found[2]
    assert len(list(source.parts())) > 50


@dataclass(frozen=True)
class _Part:
    name: str
    breaks: bool = False

    def chunks(self) -> Iterator[Chunk]:
        yield Chunk(4, {"x": Column(np.ones((4, 2), np.float32))})
        if self.breaks:
            raise ValueError("row 4 is cut off\nmore")
        yield Chunk(4, {"x": Column(np.ones((4, 2), np.float32))})


@dataclass(frozen=True)
class _Source:
    listed: bool

    name = "here"
    rows = None
    about = About(kind="parts")

    def parts(self) -> Any:
        found = [_Part("a"), _Part("b", breaks=True), _Part("c")]
        return found if self.listed else iter(found)


@pytest.mark.parametrize("listed", [True, False])
def test_a_part_that_breaks_is_named_and_the_others_count(listed: bool) -> None:
    rows: list[int] = []
    found, whole = profile_with_threads(_Source(listed), (), workers=2, on_rows=rows.append)
    assert whole
    assert found.rows == sum(rows) == 20
    assert found.broken == (("b", "ValueError: row 4 is cut off"),)


def test_ctrl_c_keeps_what_was_read() -> None:
    asked = 0

    def parts() -> Iterator[_Part]:
        nonlocal asked
        for n in range(100):
            asked += 1
            if n == 10:
                raise KeyboardInterrupt
            yield _Part(str(n))

    class Interrupted(_Source):
        def parts(self) -> Any:
            return parts()

    found, whole = profile_with_threads(Interrupted(False), (), workers=1, on_rows=lambda rows: None)
    assert not whole
    assert asked == 11
    assert 0 < found.rows <= 80
    assert found.rows % 4 == 0
