"""A cluster gives the result of one machine, also where a machine of it is lost."""

from __future__ import annotations

import os
import pickle
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import nandoctor
from nandoctor.audit.auditing import examine, wishes_of
from nandoctor.audit.engines.ray import profile_with_ray
from nandoctor.audit.engines.threads import profile_with_threads
from nandoctor.audit.kernels.scan import RowFacts
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.profile import Profile
from nandoctor.audit.readers import arrays
from nandoctor.audit.readers.in_memory import RaggedSource
from nandoctor.audit.readers.table import Request, open_source
from nandoctor.audit.source import About, Chunk, Part, Source
from nandoctor.errors import NandoctorError


def nonfinite(rows: RowFacts) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = rows.nonfinite > 0
    return found


PROBES = (Probe("nonfinite", "input", nonfinite),)


def told(found: Profile) -> dict[str, Any]:
    """All of it to the bit, but the sketch, which draws lots."""
    return {
        "rows": found.rows,
        "broken": found.broken,
        "failures": found.failures,
        **{
            name: (
                one.rows,
                one.channels and {k: np.asarray(getattr(one.channels, k)).tolist() for k in one.channels.__slots__},
                None if one.bins is None else one.bins.tolist(),
                one.classes,
                {probe: rows.first.tolist() for probe, rows in one.probes.items()},
                np.concatenate(one.hashes).tolist(),
                np.concatenate(one.hashed).tolist(),
                one.distinct.least.tolist(),
            )
            for name, one in found.components.items()
        },
    }


def ignore(rows: int) -> None:
    """Nobody looks on."""


def by_threads(source: Source) -> Profile:
    return profile_with_threads(source, PROBES, workers=2, on_rows=ignore)[0]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for n in range(12):
        x = rng.normal(size=(500, 6)).astype(np.float32)
        x[7, n % 6] = np.nan
        np.savez(tmp_path / f"{n:02}.npz", x=x, y=rng.integers(0, 5, 500))
    return tmp_path


# -- without a cluster ----------------------------------------------------------------------------


def test_an_unknown_engine_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(NandoctorError, match=r"no engine 'spark'.*threads, ray"):
        nandoctor.audit("/nowhere", engine="spark")


def test_without_ray_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(NandoctorError, match=r"pip install 'nandoctor\[cluster\]'"):
        nandoctor.audit(np.ones((4, 2), np.float32), engine="ray")


def test_a_live_object_is_read_here_and_that_is_said() -> None:
    def batches() -> Iterator[NDArray[Any]]:
        for _ in range(3):
            yield np.ones((4, 2), np.float32)

    found = nandoctor.audit(batches(), engine="ray")
    assert found.rows == 12
    assert any("not by ray" in note for note in found.notes)
    assert "ray" not in sys.modules or not sys.modules["ray"].is_initialized()


def test_a_range_of_rows_goes_to_another_process_without_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 1 << 10)
    x = np.arange(40_000, dtype=np.float32).reshape(-1, 4)
    ragged = RaggedSource("data", {"x": [x[n, : 1 + n % 4] for n in range(10_000)]}, {"x": "input"}, "arrays")
    sources: tuple[Source, ...] = (arrays.ArraySource("data", {"x": x}, {}), ragged)
    for source in sources:
        parts: list[Part] = list(source.parts())
        assert len(parts) > 2
        for part in (parts[1], parts[-1]):
            sent = pickle.dumps(part)
            assert len(sent) < len(pickle.dumps(source)) // 2
            back: Part = pickle.loads(pickle.dumps(pickle.loads(sent)))
            assert back.name == part.name
            [one], [other] = part.chunks(), back.chunks()
            assert one.rows == other.rows
            for a, b in zip(one.columns["x"].values, other.columns["x"].values, strict=True):
                assert np.array_equal(a, b)


# -- with one -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slow:
    """A part that takes half a second, and leaves a file each time it is begun."""

    part: Part
    begun: Path

    @property
    def name(self) -> str:
        return self.part.name

    def chunks(self) -> Iterator[Chunk]:
        (self.begun / uuid.uuid4().hex).touch()
        time.sleep(0.5)
        yield from self.part.chunks()


@dataclass(frozen=True)
class Deadly:
    """A part whose reading takes the process with it, as a fault of a decoder does."""

    name: str = "deadly"

    def chunks(self) -> Iterator[Chunk]:
        os._exit(1)
        yield


@dataclass(frozen=True)
class Parts:
    """A source of these parts."""

    all_parts: Sequence[Part]

    name = "here"
    rows = None
    about = About(kind="parts")

    def parts(self) -> Sequence[Part]:
        return self.all_parts


@pytest.fixture
def by_value() -> Iterator[None]:
    """What this module defines goes to the cluster whole, which cannot import a module of tests."""
    import ray

    module = sys.modules[__name__]
    ray.cloudpickle.register_pickle_by_value(module)
    yield
    ray.cloudpickle.unregister_pickle_by_value(module)


@pytest.mark.clinic
@pytest.mark.usefixtures("by_value")
def test_a_cluster_of_this_machine(files: Path) -> None:
    """It finds the same; a part that kills its reader is broken; Ctrl-C keeps what is merged."""
    import ray

    source = open_source(Request(str(files / "*.npz"), "y"))
    expected = by_threads(source)
    rows: list[int] = []
    found, whole = profile_with_ray(source, PROBES, workers=2, on_rows=rows.append)
    assert not ray.is_initialized()
    assert whole
    assert told(found) == told(expected)
    assert sum(rows) == found.rows == 6000

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        parts = list(source.parts())
        found, whole = profile_with_ray(Parts([*parts[:5], Deadly(), *parts[5:]]), PROBES, workers=None, on_rows=ignore)
        assert whole
        assert [name for name, _ in found.broken] == ["deadly"]
        assert told(found) == {**told(expected), "broken": found.broken}
        found, whole = profile_with_ray(source, PROBES, workers=None, on_rows=interrupting(after=3))
        assert not whole
        assert told(found) == told(by_threads(Parts(parts[:3])))
        assert ray.is_initialized()  # by the program, which goes on
    finally:
        ray.shutdown()


def interrupting(after: int) -> Callable[[int], None]:
    """Ctrl-C after so many parts."""
    left = after

    def on_rows(rows: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    return on_rows


@pytest.mark.clinic
def test_the_whole_audit_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 1 << 14)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3000, 8)).astype(np.float32), rng.integers(0, 5, 3000)
    x[1234, 3] = np.nan
    results = [
        examine(Request(x, y), wishes_of(loss="sparse_categorical_crossentropy"), engine=engine, workers=2).result
        for engine in ("threads", "ray")
    ]
    assert results[0].findings == results[1].findings
    assert [f.rows for f in results[1].findings if f.cause == "nonfinite-input"] == [(1234,)]


@pytest.mark.clinic
@pytest.mark.usefixtures("by_value")
def test_a_machine_that_is_lost_costs_nothing_but_time(
    files: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray.cluster_utils import Cluster

    begun = tmp_path_factory.mktemp("begun")
    source = open_source(Request(str(files / "*.npz"), "y"))
    parts = [Slow(part, begun) for part in source.parts()]
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        lost = [cluster.add_node(num_cpus=2)]
        cluster.wait_for_nodes()

        def on_rows(rows: int) -> None:
            if lost:
                cluster.remove_node(lost.pop(), allow_graceful=False)

        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        found, whole = profile_with_ray(Parts(parts), PROBES, workers=None, on_rows=on_rows)
    finally:
        cluster.shutdown()
    assert whole
    assert told(found) == told(by_threads(source))
    assert len(list(begun.iterdir())) > len(parts)  # what it was reading has been read again
