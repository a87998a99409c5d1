"""What holds for every check of the table."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from examined import found_in, unit

from nandoctor.audit.checks.check import Check, Examined, finding_of
from nandoctor.audit.checks.table import CHECKS
from nandoctor.audit.profile.profile import Profile, profile_chunk
from nandoctor.audit.source import About, Chunk, Column
from nandoctor.audit.wishes import LossRule, ModelFacts, Wishes

KINDS: tuple[Any, ...] = ("ids", "one-hot", "probabilities", "counts", "positive", "numbers", "signs", None)
ALL_WISHES = [
    Wishes(),
    *(
        Wishes(
            loss=LossRule(name="loss", targets=kind, pairs=kind == "ids", mean_over_valid=True, sequence=kind is None,
                          squares=True, outputs="logits", ignore_class=255),
            model=ModelFacts(outputs=outputs, batch_norm=True, dtype="float16", last_activation="linear"),
            batch_size=2, replicas=3, drop_remainder=outputs is None, shuffled=outputs is None, learning_rate=0.1,
        )
        for kind in KINDS
        for outputs in (None, 1, 3)
    ),
]  # fmt: skip
TEXT = np.array(["a", "b", "c"])
NOTHING = np.full((3, 2), np.nan)
ODD: list[Any] = [
    TEXT,
    TEXT.astype(object),
    np.zeros((0, 4), np.float32),
    np.zeros((3, 0), np.float32),
    np.zeros(0, np.int64),
    NOTHING,
    np.full(3, np.inf),
    np.array([1e150, -1e150, 5e-324]),
    np.array([2**63 - 1, -(2**63), 0]),
    np.array([True, False, True]),
    np.zeros((3, 2, 2, 2), np.uint8),
    [np.ones(2), np.ones((3, 3)), np.zeros(0)],
    np.array([1 + 2j, 0, 1]),
    np.array(["2020-01-01"] * 3, "datetime64[D]"),
]


def profile_of(values: Any, wishes: Wishes, check: Check) -> Profile:
    """Odd data as an input, a target and a weight at once."""
    columns = {role: Column(values, role) for role in ("input", "target", "weight")}  # type: ignore[arg-type]
    return profile_chunk(Chunk(len(values), columns), check.probes(wishes))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.examine.__module__.rsplit(".", 1)[-1])
def test_a_check_never_raises(check: Check):
    for wishes in ALL_WISHES:
        for values in ODD:
            profile = profile_of(values, wishes, check)
            for found in check.examine(Examined(profile, About("odd"), wishes)):
                assert finding_of(found, profile).code.startswith("ND")


@pytest.mark.parametrize("wishes", [Wishes(), Wishes(batch_size=4, replicas=2, classes=3)])
def test_of_nothing_is_told_that_it_is_nothing(wishes: Wishes):
    for values in (np.zeros((0, 4), np.float32), TEXT[:0]):
        columns = {"inputs": Column(values), "targets": Column(values, "target")}
        for profile in (Profile(), profile_chunk(Chunk(0, columns), [p for c in CHECKS for p in c.probes(wishes)])):
            examined = Examined(profile, About("none"), wishes)
            assert [f.cause for check in CHECKS for f in check.examine(examined)] == ["empty-batch"]


def test_nothing_is_found_in_text():
    assert not found_in(TEXT, TEXT)


def test_nothing_is_found_in_healthy_data():
    """With all that can be known of a healthy training."""
    found = found_in(
        unit(64),
        np.arange(64) % 4,
        np.ones(64, np.float32),
        loss=LossRule(name="SparseCategoricalCrossentropy", targets="ids", outputs="logits", ignore_class=255),
        model=ModelFacts(outputs=4, batch_norm=True, last_activation="linear", dtype="mixed_float16", optimizer="SGD"),
        batch_size=16,
        replicas=2,
        learning_rate=0.1,
        validation=10,
    )
    assert not found


@pytest.mark.parametrize("wishes", ALL_WISHES[:8])
def test_probes_go_to_other_processes(wishes: Wishes):
    for probe in (probe for check in CHECKS for probe in check.probes(wishes)):
        assert pickle.loads(pickle.dumps(probe)) == probe


def test_probes_have_names_of_their_own():
    for wishes in ALL_WISHES:
        asked = [(probe.name, probe.role) for check in CHECKS for probe in check.probes(wishes)]
        assert len(set(asked)) == len(asked)
