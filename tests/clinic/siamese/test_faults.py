"""Each fault under `nandoctor run`: its cause, its line; and with the cure a training that stays finite."""

import json
import linecache
import re

import corpus
import pytest

FAULTS = {
    "identical-pair": "gradient-singularity",
    "no-positive-pair": "no-valid-pair",
    "exploding-distance": "learning-rate-too-high",
    "learning-rate": "learning-rate-too-high",
    "inert-clip-callback": "inert-clipping",
    "unscaled-pixels": "unscaled-input",
    "batchnorm-shared-branch": "batchnorm-tiny-batch",
    "half-overflow": "half-overflow",
}
SMALL = ("--width", "8", "--epochs", "1", "--steps", "12", "--quiet")
LONG = ("exploding-distance", "inert-clip-callback")
"""The same machinery as learning-rate: three replays of a training that diverges."""
CURED = ("identical-pair", "no-positive-pair")


def chosen(name, *, always):
    return pytest.param(name, marks=[] if always else [pytest.mark.clinic])


@pytest.fixture(scope="module", autouse=True)
def _preloaded():
    corpus.preload()


def run(folder, *options):
    """Under `nandoctor run`: the exit code, its result, the program's own results (None where it was stopped)."""
    ours, theirs = folder / "nandoctor.json", folder / "siamese.json"
    program = ("-m", "nandoctor.clinic.siamese", *SMALL, "--json", str(theirs), *options)
    code, output = corpus.typed("run", "--no-treat", "--no-capsule", "--json", str(ours), *program, cwd=folder)
    assert ours.exists(), output
    return code, json.loads(ours.read_text()), json.loads(theirs.read_text()) if theirs.exists() else None


@pytest.mark.parametrize("name", [chosen(name, always=name not in LONG) for name in FAULTS])
def test_a_fault_is_named_with_its_line(tmp_path, name):
    code, found, _ = run(tmp_path, "--fault", name)
    assert code == 3
    first = found["diagnoses"][0]
    assert first["cause"] == FAULTS[name]
    line = linecache.getline(first["location"]["file"], first["location"]["line"])
    assert name in re.split(r"[ ,\n]+", line.partition("# <- ")[2]), line


@pytest.mark.parametrize("name", [chosen(name, always=name in CURED) for name in FAULTS])
def test_with_the_cure_it_trains(tmp_path, name):
    code, found, results = run(tmp_path, "--fault", name, "--cured")
    assert code == 0
    assert found["diagnoses"] == []
    assert found["steps"] == 12
    assert results["finite"] is True
    assert results["measured"]["one_shot"]["accuracy"] > 0


def test_dead_units_learn_nothing_and_break_nothing(tmp_path):
    code, found, results = run(tmp_path, "--fault", "dead-relu")
    assert (code, found["diagnoses"]) == (0, [])
    # every embedding is 0, so every distance is, and what remains of the hinge is the margin
    assert results["history"]["loss"] == pytest.approx([0.2], abs=1e-6)
    assert results["measured"]["one_shot"]["accuracy"] == pytest.approx(0.5)


def test_the_table_of_faults_is_tested_whole():
    def check():
        from nandoctor.causes.catalogue import CATALOGUE
        from nandoctor.clinic.siamese.faults import FAULTS as TABLE

        assert {fault.name: fault.cause for fault in TABLE if fault.breaks} == FAULTS
        assert {fault.cause for fault in TABLE if fault.breaks} <= {cause.id for cause in CATALOGUE}
        assert all(fault.claims and len(fault.title) < 95 for fault in TABLE)

    corpus.in_fork(check)
