"""The page: nothing of the user's becomes markup, every part is there where it has content, and only there."""

import base64
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import report_pages
from report_pages import ENVIRONMENT, SOURCE, Read, batch, diagnosis, history, location, result, table

from nandoctor.errors import PageError
from nandoctor.findings import Alternative, Event, Fact, Port, Result, StepRecord, Treatment, Verification
from nandoctor.report.page import render_page

HOSTILE = (
    """</pre></style></title><script>top.pwned=1</script><img src=x onerror=top.pwned=2>"' onload=a {{ 7*7 }} {% x %}"""
)
SOURCES = {"/code/train.py": SOURCE}


def page(found=None, **parts):
    given = {"history": (), "batch": batch(), "environment": ENVIRONMENT, "sources": SOURCES, **parts}
    return render_page(result() if found is None else found, **given)


@pytest.fixture(scope="module")
def whole():
    """A page with every part. (A history is drawn by a process of its own, so only pages that need one have it.)"""
    return page(history=history())


def sections(text):
    return Read(text).each("h2")


# -- what is not trusted ------------------------------------------------------------------------


def _hostile_diagnosis():
    place = location(file=f"/code/{HOSTILE}", function=HOSTILE, layer=HOSTILE, code=HOSTILE)
    stats = report_pages.chain()[0].outputs[0].stats
    port = Port(producer=1, role=HOSTILE, stats=msgspec.structs.replace(stats, dtype=HOSTILE))
    link = Event(
        index=0, op=HOSTILE, kind="k", phase="forward", location=place, forward=None, inputs=(port,), outputs=(port,)
    )
    shown = Verification(not_possible=HOSTILE)
    return diagnosis(
        cause=HOSTILE,
        code=HOSTILE,
        title=HOSTILE,
        summary=f"{HOSTILE} `{HOSTILE}`",
        location=place,
        surfaced=msgspec.structs.replace(place, line=3),
        chain=(link,) * 9,
        evidence=(Fact(text=HOSTILE, values={"surface": HOSTILE}),),
        alternatives=(Alternative(cause=HOSTILE, code=HOSTILE, confidence=0.1, why=f"`{HOSTILE}`"),),
        treatments=(
            Treatment(remedy=HOSTILE, summary=HOSTILE, kind="edit", code=HOSTILE),
            Treatment(remedy="r", summary="s", kind="edit", diff=f"+{HOSTILE}\n-{HOSTILE}", verification=shown),
        ),
    )


@pytest.fixture(scope="module")
def hostile():
    """A page into every text of which an attacker has written."""
    found = result(
        _hostile_diagnosis(),
        _hostile_diagnosis(),
        version=HOSTILE,
        script=HOSTILE,
        capsule=HOSTILE,
        notes=(HOSTILE, f"`{HOSTILE}`"),
    )
    arrays = {HOSTILE: batch()["input[0]"], f"target {HOSTILE}": np.array([HOSTILE] * 32)}
    sources = {f"/code/{HOSTILE}": "\n".join([HOSTILE] * 20)}
    return render_page(found, history(), arrays, {HOSTILE: HOSTILE, "Time": HOSTILE}, sources=sources)


def test_no_text_becomes_an_element(hostile, whole):
    assert Read(hostile).tags == Read(whole).tags | {"section"}


def test_no_text_becomes_an_attribute(hostile, whole):
    names = {name for _, name, _ in Read(hostile).attributes}
    assert names <= {name for _, name, _ in Read(whole).attributes}
    assert not [n for n in names if n.startswith("on") or n in ("style", "srcdoc", "target")]


def test_hostile_text_is_shown_as_it_is(hostile):
    assert "<script>top.pwned=1</script>" in Read(hostile).words("mark")
    assert "{{ 7*7 }} {% x %}" in Read(hostile).words("dl")


def test_every_address_is_inside_the_page(hostile, whole):
    for text in (hostile, whole):
        addresses = [
            value for _, name, value in Read(text).attributes if name in ("src", "href", "action", "xlink:href")
        ]
        assert addresses
        assert [a for a in addresses if not a.startswith(("#", "data:image/png;base64,", "data:,"))] == []
        assert "url(" not in text
        assert "@import" not in text


def test_the_policy_allows_the_style_of_the_page_and_nothing_else():
    text = page()
    style = text.partition("<style>")[2].partition("</style>")[0]
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [v for tag, name, v in Read(text).attributes if tag == "meta" and name == "content" and "src" in v]
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"
    )


def test_a_name_that_is_no_text_can_be_written():
    place = location(file="/code/\udcff.py")
    assert page(result(diagnosis(location=place), script="\udcff.py")).encode()


# -- what is shown ------------------------------------------------------------------------------


def test_the_parts_come_in_order(whole):
    assert sections(whole) == [
        "Why",
        "Where",
        "Path",
        "History",
        "Batch",
        "Evidence",
        "Rows",
        "Or",
        "Fix",
        "Notes",
        "Replay",
        "Environment",
    ]


def test_the_verdict_is_the_first_thing_said():
    read = Read(page())
    assert read.words("h1") == "The gradient was not finite at step 30 (epoch 3, batch 6)."
    assert read.words(".verdict", ".lead") == "The weights are still healthy."
    assert read.words("title") == "ND301 gradient-singularity, step 30 - nandoctor"


def test_each_part_says_what_is_known(whole):
    words = Read(whole).words("main")
    for part in (
        "ND301 gradient-singularity confidence 90% Rows 5, 30 of the batch's 32 (counted from 0)",
        "/code/train.py:9",
        "It came to light at /code/train.py:12",
        "it begins here",
        "12 operations, from where it begins to the gradient.",
        "0 to 2.5, mean 1.25 1 zero float32, 2",
        "1 +inf otherwise 0.2 float32, 2",
        "step 30, the fault",
        "the argument is 0 in 2 places",
        "ND302 where-trap (45%)",
        "Safe: the same value wherever the old one was finite.",
        "+ return tf.sqrt(tf.maximum(squared, 1e-12))",
        "Proven over 20 steps. Healthy batches give other values. yes: the step is finite",
        "no: healthy batches are unchanged",
        "keep = ids_a != ids_b",
        "Val_loss is nan (epoch 1)",
        "Reproduced",
        "train.py --epochs 3",
    ):
        assert part in words


def test_the_middle_of_a_long_chain_is_folded():
    read = Read(page())
    assert read.words("details", "summary").endswith("6 operations between")
    assert [w for w in read.words("details", ".op").split() if w.startswith("Op")] == [f"Op{n}" for n in range(4, 10)]
    assert "details" not in Read(page(result(diagnosis(chain=report_pages.chain(7), surfaced=None)))).tags


def test_a_diagnosis_with_little_in_it_has_few_parts():
    bare = diagnosis(
        location=None, surfaced=None, chain=(), samples=(), evidence=(), alternatives=(), treatments=(), origin=None
    )
    text = page(result(bare, notes=(), verdict=None), history=(), batch={}, environment={})
    assert sections(text) == ["Why", "Environment"]


def test_a_validation_that_saw_nothing_has_neither_chain_nor_batch():
    found = diagnosis(phase="validation", chain=(), origin=None, samples=(), location=None)
    text = page(result(found, verdict=None), batch={})
    assert Read(text).words("h1") == "Training is healthy, its validation is not (epoch 3)."
    assert "the fault" not in Read(text).words("main")
    assert {"Path", "Batch", "Rows", "Replay"}.isdisjoint(sections(text))
    assert Read(text).words("mark") == "model.fit(x, y)"


def test_a_fault_without_a_cause_says_so():
    read = Read(page(Result(command="run", status="fault", steps=4, notes=("it did not come back",)), batch=None))
    assert read.words("h1") == "Step 5 was not finite; its cause was not found."
    assert read.each("h2") == ["Batch", "Notes", "Environment"]
    assert "--no-batch" in read.words("main")


def test_a_healthy_run_has_its_history():
    read = Read(
        page(Result(command="run", status="healthy", steps=1200, guard_cost=0.009), batch={}, history=history())
    )
    assert (
        read.words(".healthy") == "Healthy Every step was finite. 1,200 steps watched, 0.9% of the time spent watching."
    )
    assert read.each("h2") == ["History", "Environment"]
    assert "fault" not in read.words("main").lower()


def test_a_second_diagnosis_is_shown_below_the_first():
    second = diagnosis(step=31, title="Another")
    text = page(result(diagnosis(), second), history=history(3))
    assert sections(text).count("Why") == 2
    assert sections(text).count("Batch") == sections(text).count("History") == 1
    identifiers = [value for _, name, value in Read(text).attributes if name == "id"]
    assert len(identifiers) == len(set(identifiers))


def test_a_page_that_cannot_be_made_is_one_error_of_ours():
    broken = (StepRecord(step=1, epoch=0, batch=0, loss="a lot"),)
    with pytest.raises(PageError, match=r"^the HTML page could not be made \(ValueError: .*a lot.*\)$"):
        page(history=broken)


# -- source -------------------------------------------------------------------------------------


def marks(**place):
    return Read(page(result(diagnosis(location=location(**place), surfaced=None)))).each("mark")


def test_the_exact_expression_is_marked():
    assert marks() == ["tf.sqrt(squared)"]


def test_an_expression_of_several_lines_is_marked_without_its_indentation():
    place = {"line": 5, "column": 14, "end_line": 8, "end_column": 5}
    assert marks(**place) == ["tf.reduce_sum(", "tf.square(u - v), # both branches", "axis=-1,", ")"]


def test_the_lines_around_it_have_their_numbers():
    read = Read(page(result(diagnosis(surfaced=None))))
    assert read.each(".number") == ["5", "6", "7", "8", "9", "10", "11", "12"]


def test_a_line_without_columns_is_marked_whole():
    assert marks(column=None, end_column=None, end_line=None) == ["return tf.sqrt(squared) / 2"]


def test_a_file_that_is_gone_leaves_the_expression():
    read = Read(page(result(diagnosis(location=location(file="/gone/train.py"), surfaced=None)), sources={}))
    assert read.each("mark") == ["tf.sqrt(squared)"]
    assert "The file is not at hand" in read.words("main")


@pytest.mark.parametrize("place", [{"line": 999, "end_line": 999}, {"column": 400, "end_column": 500}, {"end_line": 2}])
def test_a_place_that_does_not_fit_its_file_costs_no_page(place):
    assert marks(**place)


# -- batch --------------------------------------------------------------------------------------


def rows(text):
    """The rows in the order in which they are shown, and those that are marked."""
    heads = [words for words in Read(text).each("th") if re.fullmatch(r"\d+( to blame)?", words)]
    shown = Read(text).each(".row") or heads
    numbers = [int(re.match(r"(?:Row )?(\d+)", words).group(1)) for words in shown]
    return numbers, [n for n, words in zip(numbers, shown, strict=True) if "to blame" in words]


@pytest.mark.parametrize("arrays", [batch(), table()], ids=["pictures", "table"])
def test_the_rows_to_blame_come_first_and_are_marked(arrays):
    text = page(batch=arrays)
    shown, marked = rows(text)
    assert shown == [5, 30, *(n for n in range(23) if n != 5)]
    assert marked == [5, 30]
    assert "24 of 32 rows, those to blame first." in Read(text).words("main")


def test_more_rows_to_blame_than_fit_are_counted():
    text = page(result(diagnosis(samples=tuple(range(2, 32)))), batch=batch())
    assert rows(text) == (list(range(2, 26)), list(range(2, 26)))
    assert "rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 and 18 more" in Read(text).words("main")


def test_a_row_that_the_batch_does_not_have_is_not_shown():
    assert rows(page(result(diagnosis(samples=(31, 99))), batch=table()))[1] == [31]


def test_the_column_that_is_not_finite_comes_first():
    read = Read(page(batch=table()))
    header, first = read.each("thead")[0], read.each("tr")[1]
    assert header.startswith("rowtarget[0][37][20][0][1]")
    assert first.startswith("5 to blame5NaN")
    assert "input[0]: 12 of its 40 columns" in read.words("caption")


def test_pictures_say_what_they_show():
    attributes = Read(page()).attributes
    assert ("img", "alt", "input[0] of row 5, to blame") in attributes
    assert ("img", "alt", "input[1] of row 0") in attributes
    assert "in the pictures black is" in Read(page()).words("main")


def test_the_values_of_a_row_stand_with_its_pictures():
    arrays = {**batch(), "target[0]": np.arange(100, 132)}
    assert [int(text.split()[-1]) for text in Read(page(batch=arrays)).each(".single")][:3] == [105, 130, 100]


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"input[0]": np.zeros((0, 3))},
        {"input[0]": np.zeros(())},
        {"input[0]": np.zeros((3, 0))},
        {"input[0]": np.full((4, 9, 9, 3), np.nan)},
        {"input[0]": np.zeros((2, 5, 7, 6)), "target[0]": np.zeros((3, 2))},
        {"input[0]": np.array([["a", "b"]]), "input[1]": np.array([[True]])},
        {"input[0]": np.array([[1 + 2j, complex("nan")]])},
        {"input[0]": np.array([[object()]])},
        {"input[0]": np.array([[2**63 - 1, -(2**63)]]), "input[1]": np.array([[2**64 - 1]], np.uint64)},
        {"input[0]": np.array([[1.7e308, -1.7e308]] * 8 * 8).reshape(1, 8, 8, 2)[..., :1]},
    ],
)
def test_any_batch_has_a_page(arrays):
    assert page(batch=arrays)


def test_a_large_batch_of_pictures_stays_small():
    noise = np.random.default_rng(0).uniform(size=(64, 96, 96, 3)).astype(np.float32)
    assert len(rows(page(batch={"input[0]": noise}))[0]) == 24
    text = page(batch={f"input[{n}]": noise for n in range(6)})
    assert len(text) < 1_000_000
    assert rows(text)[1] == [5, 30]
    assert f"{len(rows(text)[0])} of 64 rows" in Read(text).words("main")


# -- history ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "losses",
    [
        [],
        [0.5],
        [0.0, 0.0],
        ["nan"],
        ["inf", "-inf", "nan"],
        [1.0, "inf", 2.0],
        [-5.0, 0.0, 1e9],
        [5e-324, 1.7e308],
        [1.7e308, -1.7e308],
        [0.3, 0.3, 0.3],
    ],
)
def test_any_history_has_a_page(losses):
    records = tuple(StepRecord(step=n, epoch=0, batch=0, loss=v) for n, v in enumerate(losses, start=1))
    text = page(history=records)
    assert ("svg" in Read(text).tags) is bool(losses)
    assert "NaN" not in "".join(re.findall(r' d="([^"]*)"', text))


def test_a_value_that_is_not_finite_is_said():
    records = (*history(), StepRecord(step=30, epoch=0, batch=0, loss="nan", gradient_norm="inf"))
    words = Read(page(history=records)).words(".chart")
    assert "NaN at step 30: drawn at the edge" in words
    assert "inf at step 30: drawn at the edge" in words


def test_only_what_was_recorded_and_changes_has_a_chart(whole):
    titles = [
        words.removesuffix(" log scale") for words in Read(whole).each("figcaption") if "norm" in words or "L" in words
    ]
    assert titles == ["Loss", "Gradient norm", "Weight norm"]
    changing = tuple(msgspec.structs.replace(r, learning_rate=0.1 / r.step, loss_scale=2.0**r.step) for r in history())
    words = Read(page(history=changing)).words(".charts", "figcaption")
    assert "Learning rate" in words
    assert "Loss scale" in words


def test_a_chart_is_told_in_words(whole):
    labels = [v for tag, name, v in Read(whole).attributes if tag == "div" and name == "aria-label"]
    assert labels[0] == (
        "Loss over 29 steps: first 1.778, last 1.778e7, between 1.778 and 1.778e7. The fault is at step 30."
    )


def test_a_long_history_stays_small_and_says_what_it_lacks():
    kept = [*range(1, 65), *range(100_000, 101_984)]
    records = tuple(StepRecord(step=n, epoch=0, batch=0, loss=1.0 + n % 7) for n in kept)
    text = page(history=records)
    assert "steps 65 to 99,999 are not kept" in Read(text).words("main")
    assert len(text) < 300_000


def test_charts_that_cannot_be_drawn_are_told_in_words(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    read = Read(page(history=history()))
    assert "svg" not in read.tags
    assert "Weight norm over 29 steps: first 10, last 10" in read.words(".chart", "p")


_FORK = """
import os, signal, sys
sys.path[:0] = sys.argv[1:]
import report_pages
from nandoctor.report.page import render_page

def draw():
    return render_page(report_pages.result(), report_pages.history(), {}).count("<svg")

first = draw()
if os.fork() == 0:
    signal.alarm(60)
    os._exit(0 if draw() == first == 3 else 1)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
"""


def test_a_fork_of_a_process_that_made_a_page_can_make_one():
    """Vega's engine inside the process would hang here."""
    folders = [str(Path(report_pages.__file__).parent), *sys.path]
    done = subprocess.run([sys.executable, "-c", _FORK, *folders], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_spoilt_before_the_step_is_said_to_come_in():
    stats = report_pages.event(0, np.array([np.nan]), np.array([np.nan]), op="MatMul")
    words = Read(page(result(diagnosis(chain=(stats, *report_pages.chain()[1:]))))).words("main")
    assert "it comes in here" in words
    assert "12 operations, from where it comes in to the gradient." in words


def test_what_is_absurdly_large_does_not_make_the_page_so():
    line = f"data = [{'0, ' * 400_000}]; y = tf.sqrt(squared); z = [{'0, ' * 400_000}]"
    place = location(line=1, end_line=1, column=line.index("tf"), end_column=line.index("tf") + 16)
    deep = (report_pages.chain()[0], *report_pages.chain(12)[1:] * 500)
    arrays = {f"input[{n}]": np.zeros((32, 1 + n % 2)) for n in range(400)}
    arrays["input[301]"][5, 1] = np.nan
    records = tuple(StepRecord(step=n, epoch=0, batch=0, loss="nan", gradient_norm="inf") for n in range(1, 2049))
    text = page(
        result(diagnosis(location=place, surfaced=None, chain=deep)),
        sources={"/code/train.py": f"{line}\n" * 9},
        batch=arrays,
        history=records,
    )
    read = Read(text)
    assert len(text) < 600_000
    assert read.each("mark") == ["tf.sqrt(squared)"]
    assert f"{len(deep) - 6:} operations between" in read.words("summary")
    assert f"{len(deep) - 206:} more are not shown" in read.words("details")
    assert "input[301]" in read.words("caption")
    assert f"{400 - 12 - 8} more arrays are not shown row by row" in read.words("main")


def test_a_run_in_which_nothing_was_watched_is_not_called_healthy():
    read = Read(page(Result(command="run", status="healthy"), batch={}))
    assert read.words(".verdict") == "Not watched No training step was seen, so nothing was watched."


def test_after_a_fold_an_expression_is_shown_again():
    place = location(code="tf.square(u - v)")
    events = [report_pages.event(n, np.array([np.nan], np.float32), place=place) for n in range(12)]
    shown = Read(page(result(diagnosis(chain=tuple(events))))).each(".expression")
    again = "the same expression"
    assert shown == [
        f"{place.code} line 9",
        *[again] * 3,
        f"{place.code} line 9",
        *[again] * 5,
        f"{place.code} line 9",
        again,
    ]


@pytest.mark.parametrize(
    ("values", "labels"),
    [((0.02, 30.0), ["0.01", "0.1", "1", "10", "100"]), ((1e-9, 1e30), ["10⁻⁹", "10", "10¹¹", "10²¹"])],
)
def test_a_log_scale_names_its_powers_of_ten(values, labels):
    records = tuple(StepRecord(step=n, epoch=0, batch=0, loss=v) for n, v in enumerate(values, start=1))
    shown = Read(page(history=records)).words(".chart", "text").split()
    assert shown == ["10", "20", "30", *labels]  # the steps, then the values
