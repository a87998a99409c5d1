"""What was found at different times of one training, as one result."""

from msgspec.structs import replace
from report_pages import diagnosis

from nandoctor.findings import Action, Result
from nandoctor.merging import both, unlike, with_actions

FIRST = diagnosis()
SAME = replace(FIRST, step=FIRST.step + 7, samples=(3,))
ELSEWHERE = replace(FIRST, location=replace(FIRST.location, line=FIRST.location.line + 1))
OTHER = replace(FIRST, cause="other")


def result(*diagnoses, **parts):
    return Result(command="guard", status="fault", diagnoses=diagnoses, **parts)


def action(kind="skipped"):
    return Action(kind=kind, step=3, epoch=0, batch=2, surface="loss", text="step 3")


def test_a_cause_is_new_where_it_or_its_line_is():
    found = unlike(result(SAME, ELSEWHERE, OTHER), result(FIRST))
    assert found.diagnoses == (ELSEWHERE, OTHER)
    assert unlike(result(SAME), None).diagnoses == (SAME,)


def test_what_came_first_stays_first_and_actions_stay():
    found = both(result(FIRST, actions=(action(),), notes=("a", "b")), result(OTHER, steps=9, notes=("b", "c")))
    assert found.diagnoses == (FIRST, OTHER)
    assert found.actions == (action(),)
    assert found.notes == ("a", "b", "c")
    assert found.steps == 9


def test_the_note_on_actions_is_that_of_now():
    once = with_actions(result(FIRST, notes=("a",)), (action(),), {"skipped": 1}, 5)
    twice = with_actions(once, (action(), action("treated")), {"skipped": 1200, "treated": 1}, 6)
    assert once.notes == ("a", "the guard has skipped 1 step.")
    assert twice.notes == ("a", "the guard has skipped 1,200 steps and changed a setting 1 time.")
    assert (twice.steps, len(twice.actions)) == (6, 2)
