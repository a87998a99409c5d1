"""A row that is read again is the one that was found, or it is not taken."""

import dataclasses

import audits
import numpy as np

from nandoctor.audit.again import rows_again
from nandoctor.audit.readers import arrays
from nandoctor.audit.source import Column


def again(audited, *rows):
    return {row: {n: v.tolist() for n, v in values.items()} for row, values in rows_again(audited, rows, 10.0)}


def test_rows_come_back_over_parts_and_gaps(monkeypatch):
    one = Column(np.array([[1.0], [2.0]]), rows=np.array([0, 2]))
    parts = [
        audits.Part("a", (audits.chunk_of(3, {"x": one}),)),
        audits.Part("b", (audits.chunk_of(1, {"x": [np.ones(2)]}),)),
    ]
    audited = audits.audited_source(audits.Parts(parts), monkeypatch)
    assert again(audited, 3, 1, 2, 2) == {1: {}, 2: {"x": [2.0]}, 3: {"x": [1.0, 1.0]}}


def test_channels_that_come_first_are_known_again(monkeypatch):
    images = np.random.default_rng(0).random((4, 3, 5, 5))
    chunk = audits.chunk_of(4, {"x": Column(images, channels="first")})
    audited = audits.audited_source(audits.Parts([audits.Part("a", (chunk,))]), monkeypatch)
    assert again(audited, 2) == {2: {"x": images[2].tolist()}}


def test_rows_in_another_order_are_not_taken(monkeypatch):
    values = np.arange(8.0).reshape(4, 2)
    source = audits.Parts([audits.Part("a", (audits.chunk_of(4, {"x": values}),))])
    audited = audits.audited_source(source, monkeypatch)
    source.held = [audits.Part("a", (audits.chunk_of(4, {"x": values[[1, 0, 2, 3]]}),))]
    assert again(audited, 0, 2) == {0: {}, 2: {"x": [4.0, 5.0]}}


def test_what_is_read_once_is_not_read_again(monkeypatch):
    source = audits.Parts([audits.Part("a", (audits.chunk_of(1, {"x": np.ones((1, 2))}),))], once=True)
    assert again(audits.audited_source(source, monkeypatch), 0) == {}


def test_no_chunk_is_read_after_the_time(monkeypatch):
    parts = [audits.Part(str(n), (audits.chunk_of(1, {"x": np.full((1, 1), n)}),)) for n in range(3)]
    audited = audits.audited_source(audits.Parts(parts), monkeypatch)
    assert [row for row, _ in rows_again(audited, [0, 2], -1.0)] == [0]


@dataclasses.dataclass(frozen=True)
class Counted(audits.Part):
    """A part that says how many rows it has, and is told when it is read."""

    read: tuple = ()

    @property
    def rows(self):
        return sum(chunk.rows for chunk in self.held)

    def chunks(self):
        self.read[0].append(self.name)
        return super().chunks()


def test_a_part_without_a_row_that_is_wanted_is_not_read(monkeypatch):
    read = []
    parts = [Counted(str(n), (audits.chunk_of(2, {"x": np.full((2, 1), n)}),), read=(read,)) for n in range(5)]
    audited = audits.audited_source(audits.Parts(parts), monkeypatch)
    read.clear()
    assert again(audited, 7, 2) == {2: {"x": [1]}, 7: {"x": [3]}}
    assert read == ["1", "3"]


def test_arrays_say_how_many_rows_their_parts_have(monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 16)
    audited = audits.audited({"x": np.arange(10.0)})
    assert [part.rows for part in audited.source.parts()] == [2] * 5
    assert again(audited, 9) == {9: {"x": 9.0}}
