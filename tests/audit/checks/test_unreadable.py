"""Rows that could not be read, and files that are no row."""

from __future__ import annotations

import numpy as np
from examined import found_in, rows_of, unit

from nandoctor.audit.checks import unreadable
from nandoctor.audit.checks.check import Examined, finding_of
from nandoctor.audit.profile.profile import Profile, profile_chunk
from nandoctor.audit.source import About, Chunk, Column, Failure
from nandoctor.audit.wishes import Wishes

CHECKS = [unreadable.CHECK]


def profile_with(*failures: Failure, rows: int = 6) -> Profile:
    """The rows of one chunk, of which some could not be read, twice."""
    read = np.setdiff1d(np.arange(rows), [failure.row for failure in failures])
    files = tuple(f"{n}.png" for n in range(rows))
    chunk = Chunk(rows, {"images": Column(unit(len(read)), rows=read, files=files)}, failures)
    return profile_chunk(chunk, ()) + profile_chunk(chunk, ())


def test_an_unreadable_row_is_named_with_what_the_reader_said():
    profile = profile_with(Failure(4, "4.png", "images", "OSError: image file is truncated"))
    (found,) = unreadable.CHECK.examine(Examined(profile, About("images"), Wishes()))
    assert (found.cause, found.severity, rows_of(found)) == ("unreadable-sample", "error", [4, 10])
    assert found.facts[0].text == "4.png: OSError: image file is truncated"
    assert finding_of(found, profile).files == ("4.png",)
    assert found.drop


def test_each_component_has_its_own():
    profile = profile_with(Failure(1, "1.png", "images", "is empty"), Failure(1, "1_mask.png", "masks", "is empty"))
    found = list(unreadable.CHECK.examine(Examined(profile, About("images"), Wishes())))
    assert [(one.component, one.names, rows_of(one)) for one in found] == [
        ("images", ("1.png",), [1, 7]),
        ("masks", ("1_mask.png",), [1, 7]),
    ]


def test_rows_are_in_order_and_named_once():
    failures = [Failure(n, f"{n}.png", "images", why) for n, why in ((4, "is empty"), (1, "is empty"), (4, "again"))]
    (found,) = unreadable.CHECK.examine(Examined(profile_with(*failures), About("images"), Wishes()))
    assert rows_of(found) == [1, 4, 7, 10]


def test_files_that_belong_to_no_row_are_named_by_what_is_wrong():
    problems = (("a.png", "has no mask"), ("b.png", "has no image"), ("c.png", "has no mask"))
    found = found_in(unit(4), checks=CHECKS, about=About("images", problems=problems))
    assert [(one.severity, one.names) for one in found] == [("warning", ("a.png", "c.png")), ("warning", ("b.png",))]


def test_what_can_be_read_is_fine():
    assert not found_in(unit(4), checks=CHECKS)
