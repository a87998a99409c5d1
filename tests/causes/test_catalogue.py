"""The contract that every cause keeps, and the table that lists them."""

import re
from pathlib import Path

import pytest

from nandoctor import causes
from nandoctor.causes.case import Case
from nandoctor.causes.catalogue import CATALOGUE, find
from nandoctor.cli.explain import FAMILIES
from nandoctor.errors import NandoctorError
from nandoctor.trace.graph import Trace

PARTS = (
    "What happens.",
    "Why it makes NaN.",
    "How it looks.",
    "Treatment.",
    "Known misses and false alarms.",
    "References.",
)

every_cause = pytest.mark.parametrize("cause", CATALOGUE, ids=lambda cause: cause.id)


def test_codes_and_ids_are_unique():
    assert len({cause.code for cause in CATALOGUE}) == len(CATALOGUE)
    assert len({cause.id for cause in CATALOGUE}) == len(CATALOGUE)


def test_the_table_is_in_the_order_of_its_codes():
    codes = [cause.code for cause in CATALOGUE]
    assert codes == sorted(codes)


def test_every_file_with_a_cause_is_in_the_table():
    files = Path(causes.__file__).parent.glob("*.py")
    with_cause = {file.stem for file in files if re.search(r"^CAUSE = ", file.read_text(encoding="utf-8"), re.M)}
    assert with_cause == {cause.examine.__module__.rpartition(".")[2] for cause in CATALOGUE}


@every_cause
def test_names_have_their_form(cause):
    assert re.fullmatch(r"ND\d{3}", cause.code)
    assert cause.code[2] in FAMILIES
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cause.id)
    assert cause.examine.__module__ == f"nandoctor.causes.{cause.id.replace('-', '_')}"


@every_cause
def test_the_title_is_a_short_sentence_without_a_stop(cause):
    assert cause.title[0].isupper()
    assert not cause.title.endswith(".")
    assert len(cause.title) <= 60


@every_cause
def test_the_page_is_headed_by_id_and_code(cause):
    assert cause.page.splitlines()[0] == f"# {cause.id} ({cause.code})"


@every_cause
def test_the_page_has_every_part_in_order_and_none_is_empty(cause):
    headings = re.findall(r"^\*\*(.+?)\*\*", cause.page, re.M)
    assert headings == list(PARTS)
    for text in re.split(r"^\*\*.+?\*\*", cause.page, flags=re.M)[1:]:
        assert len(text.split()) >= 2


@every_cause
def test_a_cause_is_silent_where_there_is_nothing_to_see(cause):
    assert cause.examine(Case(step=1, epoch=0, trace=Trace(), origin=None, batch={})) is None


@every_cause
@pytest.mark.parametrize("spelling", [str, str.upper, lambda name: f" {name} "], ids=["plain", "upper", "spaced"])
def test_a_cause_is_found_by_id_and_by_code(cause, spelling):
    assert find(spelling(cause.id)) is cause
    assert find(spelling(cause.code)) is cause


@pytest.mark.parametrize(("typed", "meant"), [("log-of-zer", "log-of-zero"), ("unscaled_input", "unscaled-input")])
def test_a_near_miss_is_told_what_was_meant(typed, meant):
    with pytest.raises(NandoctorError, match=f"^no cause is called '{typed}'. Did you mean {meant}") as caught:
        find(typed)
    assert caught.value.exit_code == 2


def test_a_far_miss_is_told_where_to_look():
    message = "^no cause is called 'qqq'. `nandoctor explain` lists all of them.$"
    with pytest.raises(NandoctorError, match=message):
        find("qqq")
