"""Findings are frozen, and go to JSON and back unchanged."""

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nandoctor.findings import (
    SCHEMA,
    Alternative,
    Diagnosis,
    Event,
    Fact,
    Location,
    Port,
    Result,
    StepRecord,
    TensorStats,
    Treatment,
    Verification,
    number,
    real,
    result_from_json,
    to_json,
)

PLACE = Location(file="träin.py", line=3, column=4, end_line=3, end_column=9, function="loss", code="log(p)", layer="d")
STATS = TensorStats(shape=(2, 3), dtype="float32", count=6, nan=1, min=-1.5, max=5e-324, first_bad=(0, 1))
EVENT = Event(
    index=4,
    op="Log",
    kind="log",
    phase="forward",
    location=PLACE,
    forward=None,
    inputs=(Port(producer=None, role="input[0]", stats=STATS),),
    outputs=(Port(producer=4, role="constant", stats=None),),
)
DIAGNOSIS = Diagnosis(
    cause="log-of-zero",
    code="ND201",
    title="Logarithm of zero",
    phase="forward",
    step=7,
    epoch=0,
    batch=6,
    summary="`log(p)` is -inf",
    location=PLACE,
    surfaced=None,
    origin=EVENT,
    chain=(EVENT, EVENT),
    samples=(0, 5),
    batch_size=8,
    dataset="x",
    dataset_rows=(41, 7),
    dataset_batch=2,
    files=("a.png",),
    evidence=(Fact(text="1 of 6 is 0", values={"zeros": 1, "share": 0.25, "rows": [0, 5], "name": "p"}),),
    confidence=0.9,
    alternatives=(Alternative(cause="division-by-zero", code="ND202", confidence=0.5, why="it divides"),),
    treatments=(
        Treatment(
            remedy="floor",
            summary="Add a floor.",
            kind="edit",
            code="log(p + 1e-7)",
            safety="safe",
            verification=Verification(finite=True, steps_replayed=20, seconds=0.5),
        ),
    ),
)
RESULT = Result(
    command="run",
    status="fault",
    version="0.1.0",
    script="train.py",
    steps=6,
    guard_cost=0.01,
    verdict="reproduced",
    capsule=".nandoctor/x",
    notes=("a note",),
    diagnoses=(DIAGNOSIS,),
)
EVERY_KIND = [STATS, PLACE, EVENT.inputs[0], EVENT, DIAGNOSIS, RESULT, *DIAGNOSIS.evidence, *DIAGNOSIS.treatments]


@pytest.mark.parametrize("value", EVERY_KIND, ids=lambda value: type(value).__name__)
def test_a_finding_comes_back_from_json_unchanged(value):
    assert msgspec.json.decode(to_json(value), type=type(value)) == value


def test_a_result_comes_back_from_json_unchanged():
    assert result_from_json(to_json(RESULT)) == RESULT


@given(st.floats())
def test_every_number_comes_back_from_json_unchanged(value):
    record = StepRecord(step=1, epoch=0, batch=0, loss=number(value), gradient_norm=number(-value))
    back = msgspec.json.decode(to_json(record), type=StepRecord)
    assert back == record
    assert back.loss is not None
    assert real(back.loss) == value or (math.isnan(real(back.loss)) and math.isnan(value))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_numbers_of_a_fact_come_back_unchanged(value):
    fact = Fact(text="it grew", values={"ratio": number(value)})
    back = msgspec.json.decode(to_json(fact), type=Fact)
    assert str(real(back.values["ratio"])) == str(value)


def test_the_document_is_plain_json_with_its_schema():
    document = json.loads(to_json(RESULT), parse_constant=pytest.fail)
    assert document["schema"] == SCHEMA == 1
    assert (document["command"], document["status"]) == ("run", "fault")
    assert document["diagnoses"][0]["cause"] == "log-of-zero"
    assert document["diagnoses"][0]["location"]["line"] == 3


@pytest.mark.parametrize("value", EVERY_KIND, ids=lambda value: type(value).__name__)
def test_a_finding_is_frozen(value):
    field = msgspec.structs.fields(value)[0].name
    with pytest.raises(AttributeError, match="immutable"):
        setattr(value, field, getattr(value, field))


@pytest.mark.parametrize("value", EVERY_KIND, ids=lambda value: type(value).__name__)
def test_a_finding_has_no_room_for_anything_else(value):
    with pytest.raises(AttributeError):
        value.extra = 1


def test_json_of_another_shape_is_refused_with_its_place():
    document = json.loads(to_json(RESULT))
    document["diagnoses"][0]["location"]["line"] = "three"
    with pytest.raises(msgspec.ValidationError, match=r"\$\.diagnoses\[0\]\.location\.line"):
        result_from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("counts", "finite"), [({}, True), ({"nan": 1}, False), ({"posinf": 1}, False), ({"neginf": 1}, False)]
)
def test_finite_means_no_nan_and_no_infinity(counts, finite):
    assert TensorStats(shape=(), dtype="float32", count=1, **counts).finite is finite
