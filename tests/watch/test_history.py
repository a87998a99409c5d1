"""The history keeps where a training came from and how it ended, in constant memory."""

from hypothesis import given
from hypothesis import strategies as st

from nandoctor.findings import StepRecord
from nandoctor.watch.history import History


def record(step):
    return StepRecord(step=step, epoch=0, batch=step - 1, loss="nan" if step == 3 else 1.0 / step)


@given(steps=st.integers(0, 60), first=st.integers(0, 8), rest=st.integers(1, 8))
def test_the_first_and_the_last_steps_are_kept_in_order(steps, first, rest):
    history = History(first, first + rest)
    records = [record(n) for n in range(1, steps + 1)]
    for each in records:
        history.add(each)
    expected = records if steps <= first + rest else [*records[:first], *records[-rest:]]
    assert history.records == tuple(expected)
    assert history.steps == steps


def test_a_record_that_is_not_finite_changes_no_other():
    history = History()
    for n in range(1, 5):
        history.add(record(n))
    assert [r.loss for r in history.records] == [1.0, 0.5, "nan", 0.25]
