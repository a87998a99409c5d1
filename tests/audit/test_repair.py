"""What `--fix` leaves out, and that it writes whole, new files only."""

from __future__ import annotations

import csv

import audits
import numpy as np
import pytest

from nandoctor.audit.checks.check import Found
from nandoctor.audit.profile.rows import Rows
from nandoctor.audit.readers import arrays
from nandoctor.audit.repair import check_target, repair, repair_of
from nandoctor.audit.source import About, Column, Failure
from nandoctor.errors import NandoctorError


def fixed(audited, path):
    """What is written for an audit; beside it nothing is left."""
    repair(audited, repair_of(audited), check_target(path))
    assert not [p for p in path.parent.iterdir() if p.name.startswith(f".{path.name}.")]
    return path


def refused(audited, path, match):
    """The repair is refused with these words, and nothing is left."""
    with pytest.raises(NandoctorError, match=match):
        repair(audited, repair_of(audited), check_target(path))
    assert not [p for p in path.parent.iterdir() if path.name in p.name]


def test_the_rows_to_keep_are_all_but_those_that_a_finding_would_leave_out(tmp_path):
    kept = np.load(fixed(audits.audited(audits.spoilt()), tmp_path / "keep.npy"))
    assert kept.dtype == np.int64
    assert kept.tolist() == [n for n in range(40) if n not in (3, 17)]


def test_clean_data_keep_all_rows(tmp_path):
    kept = np.load(fixed(audits.audited(audits.spoilt(bad=())), tmp_path / "keep.npy"))
    assert kept.tolist() == list(range(40))


def test_a_finding_whose_rows_are_no_repair_keeps_them():
    one = audits.audited(audits.spoilt(bad=()))
    kept = Found(cause="unscaled-input", severity="warning", component="inputs", summary="s", rows=audits.rows_of(1, 2))
    left = Found(
        cause="nonfinite-input", severity="error", component="inputs", summary="s", rows=audits.rows_of(2, 9), drop=True
    )
    wanted = repair_of(audits.with_found(one, kept, left))
    assert wanted.dropped.tolist() == [2, 9]
    assert wanted.causes == (("nonfinite-input", 2),)


def test_rows_of_other_data_are_not_left_out_of_these():
    one = audits.audited(audits.spoilt(bad=()))
    other = Found(
        cause="nonfinite-input", severity="error", component="validation", summary="", rows=audits.rows_of(1), drop=True
    )
    assert not len(repair_of(audits.with_found(one, other)).dropped)


def test_a_row_that_two_findings_leave_out_is_left_out_once():
    one = audits.audited(audits.spoilt(bad=()))
    found = [
        Found(cause=c, severity="error", component="inputs", summary="", rows=audits.rows_of(*rows), drop=True)
        for c, rows in (("nonfinite-input", (1, 5)), ("nonfinite-target", (5, 7)), ("nonfinite-input", (1, 8)))
    ]
    wanted = repair_of(audits.with_found(one, *found))
    assert wanted.dropped.tolist() == [1, 5, 7, 8]
    assert wanted.causes == (("nonfinite-input", 3), ("nonfinite-target", 2))
    assert wanted.kept.tolist() == [n for n in range(40) if n not in (1, 5, 7, 8)]


def test_a_row_that_cannot_be_read_is_left_out(monkeypatch):
    column = Column([np.zeros((2, 2)), np.ones((2, 2))], rows=np.array([0, 2]))
    chunk = audits.chunk_of(3, {"image": column}, failures=[Failure(1, "b.png", "image", "truncated")])
    one = audits.audited_source(audits.Parts([audits.Part("p", (chunk,))]), monkeypatch)
    assert repair_of(one).dropped.tolist() == [1]


def test_more_rows_than_are_known_by_number_are_refused():
    one = audits.audited(audits.spoilt(bad=()))
    many = Found(
        cause="nonfinite-input",
        severity="error",
        component="inputs",
        summary="",
        rows=Rows(5, np.array([1, 2], np.int64)),
        drop=True,
    )
    with pytest.raises(NandoctorError, match=r"5 rows would be left out for nonfinite-input, and the first 2 only"):
        repair_of(audits.with_found(one, many))


def test_what_was_read_in_part_is_not_repaired(tmp_path, monkeypatch):
    broken = audits.Part("p", (audits.chunk_of(2, audits.spoilt(rows=2, bad=())),), breaks="the disk is gone")
    one = audits.audited_source(audits.Parts([broken]), monkeypatch)
    refused(one, tmp_path / "keep.npy", "not all rows were read")


def test_data_that_are_shuffled_are_not_repaired_by_number(tmp_path, monkeypatch):
    source = audits.Parts([audits.Part("p", (audits.chunk_of(40, audits.spoilt()),))])
    source.about = About(kind="shuffled", ordered=False)
    refused(audits.audited_source(source, monkeypatch), tmp_path / "keep.npy", "before the shuffle")


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    there = tmp_path / "keep.npy"
    there.write_text("precious")
    with pytest.raises(NandoctorError, match="is there already"):
        check_target(there)
    (tmp_path / "link.npy").symlink_to(tmp_path / "nowhere")
    with pytest.raises(NandoctorError, match="is there already"):
        check_target(tmp_path / "link.npy")
    assert there.read_text() == "precious"


def test_a_file_that_comes_in_the_meantime_is_left_as_it_is(tmp_path):
    target = check_target(tmp_path / "keep.npy")
    (tmp_path / "keep.npy").write_text("precious")
    one = audits.audited(audits.spoilt())
    with pytest.raises(NandoctorError, match="in the meantime"):
        repair(one, repair_of(one), target)
    assert [p.name for p in tmp_path.iterdir()] == ["keep.npy"]
    assert (tmp_path / "keep.npy").read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "match"),
    [("keep.parq", r"\.npy: the numbers of the rows to keep"), ("none/keep.npy", "there is no folder")],
)
def test_a_target_that_cannot_be_is_told_before_anything_is_read(tmp_path, name, match):
    with pytest.raises(NandoctorError, match=match):
        check_target(tmp_path / name)


def test_a_copy_of_arrays_has_the_same_names_dtypes_and_rows(tmp_path):
    data = {**audits.spoilt(), "image": np.arange(40 * 6, dtype=np.uint8).reshape(40, 2, 3), "flag": np.arange(40) > 3}
    labels = np.arange(40, dtype=np.int32)
    with np.load(fixed(audits.audited(data, labels), tmp_path / "clean.npz")) as copy:
        keep = [n for n in range(40) if n not in (3, 17)]
        expected = {**data, "targets": labels}
        assert set(copy) == set(expected)
        for name, array in expected.items():
            assert copy[name].dtype == array.dtype
            np.testing.assert_array_equal(copy[name], array[keep])


def test_a_copy_of_arrays_is_made_chunk_by_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 64)
    data = audits.spoilt(bad=(0, 3, 17, 39))
    with np.load(fixed(audits.audited(data), tmp_path / "clean.npz")) as copy:
        np.testing.assert_array_equal(copy["inputs"], np.delete(data["inputs"], (0, 3, 17, 39), axis=0))


def test_a_copy_of_no_row_at_all(tmp_path):
    with np.load(fixed(audits.audited(audits.spoilt(rows=2, bad=(0, 1))), tmp_path / "clean.npz")) as copy:
        assert copy["inputs"].shape == (0, 4)
        assert copy["inputs"].dtype == np.float32


def test_rows_of_several_shapes_have_no_array(tmp_path, monkeypatch):
    values = [np.zeros((2, 2)), np.zeros((3, 3)), np.zeros((2, 2))]
    parts = [audits.Part("p", (audits.chunk_of(3, {"image": values}),))]
    refused(audits.audited_source(audits.Parts(parts), monkeypatch), tmp_path / "clean.npz", "differ in shape")
    apart = [audits.Part(str(n), (audits.chunk_of(1, {"image": v[None]}),)) for n, v in enumerate(values)]
    refused(audits.audited_source(audits.Parts(apart), monkeypatch), tmp_path / "clean.npz", r"\(3, 3\) float64")


def test_objects_have_no_array_without_pickle(tmp_path):
    words = np.array(["a", "bc", None], dtype=object)
    refused(audits.audited({"word": words}), tmp_path / "clean.npz", "word holds object")


def test_a_copy_of_text_of_one_width(tmp_path):
    words = np.array(["a", "bc", "d"])
    with np.load(fixed(audits.audited({"word": words}), tmp_path / "clean.npz")) as copy:
        np.testing.assert_array_equal(copy["word"], words)


def test_data_that_are_read_once_have_no_copy_but_an_index(tmp_path, monkeypatch):
    parts = [audits.Part("p", (audits.chunk_of(40, audits.spoilt()),))]
    one = audits.audited_source(audits.Parts(parts, once=True), monkeypatch)
    refused(one, tmp_path / "clean.npz", "can be read twice")
    assert len(np.load(fixed(one, tmp_path / "keep.npy"))) == 38


def test_data_that_come_in_another_order_the_second_time_are_not_copied(tmp_path, monkeypatch):
    data = audits.spoilt()["inputs"]
    source = audits.Parts([audits.Part("p", (audits.chunk_of(40, {"inputs": data}),))])
    one = audits.audited_source(source, monkeypatch)
    source.held = [audits.Part("p", (audits.chunk_of(40, {"inputs": data[::-1].copy()}),))]
    refused(one, tmp_path / "clean.npz", "row 3 is another one")


def files_source(*files, rows=3):
    """A source whose rows are in files, so many in each."""
    parts = [
        audits.Part(str(f), (audits.chunk_of(rows, {"x": np.arange(rows, dtype=np.float64)}, files=(str(f),)),))
        for f in files
    ]
    return audits.Parts(parts)


def dropping(one, *rows):
    found = Found(
        cause="nonfinite-input", severity="error", component="x", summary="", rows=audits.rows_of(*rows), drop=True
    )
    return audits.with_found(one, found)


def test_a_copy_of_parquet_files_keeps_all_columns_and_their_types(tmp_path, monkeypatch):
    import pyarrow as pa
    from pyarrow import parquet

    one = pa.table({"x": [0.0, 1.0, 2.0], "who": ["a", None, "c"], "when": pa.array([1, 2, 3], pa.timestamp("ms"))})
    two = pa.table({"x": [3.0, 4.0, 5.0], "who": ["d", "e", "f"], "when": pa.array([4, 5, 6], pa.timestamp("ms"))})
    for name, content in (("one.parquet", one), ("two.parquet", two)):
        parquet.write_table(content, tmp_path / name, row_group_size=2)
    source = files_source(tmp_path / "one.parquet", tmp_path / "two.parquet")
    audited = dropping(audits.audited_source(source, monkeypatch), 1, 3)
    copy = parquet.read_table(fixed(audited, tmp_path / "clean.parquet"))
    assert copy.equals(pa.concat_tables([one.take([0, 2]), two.take([1, 2])]))


def test_a_copy_of_csv_files_keeps_each_cell_as_it_is_written(tmp_path, monkeypatch):
    (tmp_path / "one.csv").write_text('x,note\n1.50,"a, b"\n\nNaN,"two\nlines"\n3e2,\n')
    (tmp_path / "two.csv").write_text("x,note\n04,d\n5,e\n6,f\n")
    source = files_source(tmp_path / "one.csv", tmp_path / "two.csv")
    audited = dropping(audits.audited_source(source, monkeypatch), 1, 5)
    with fixed(audited, tmp_path / "clean.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["x", "note"], ["1.50", "a, b"], ["3e2", ""], ["04", "d"], ["5", "e"]]


@pytest.mark.parametrize("content", ["x\n1\n2\n", "x\n1\n2\n3\n4\n"])
def test_a_csv_file_that_has_changed_is_not_copied(tmp_path, monkeypatch, content):
    (tmp_path / "one.csv").write_text(content)
    audited = audits.audited_source(files_source(tmp_path / "one.csv"), monkeypatch)
    refused(audited, tmp_path / "clean.csv", "has other rows than it had")


def test_csv_files_of_other_columns_have_no_copy(tmp_path, monkeypatch):
    (tmp_path / "one.csv").write_text("x\n1\n2\n3\n")
    (tmp_path / "two.csv").write_text("y\n1\n2\n3\n")
    source = files_source(tmp_path / "one.csv", tmp_path / "two.csv")
    refused(audits.audited_source(source, monkeypatch), tmp_path / "clean.csv", "has other columns")


def test_a_csv_file_with_a_cell_without_end_is_refused(tmp_path, monkeypatch):
    (tmp_path / "one.csv").write_text(f"x\n1\n{'a' * 200_000}\n3\n")
    audited = audits.audited_source(files_source(tmp_path / "one.csv"), monkeypatch)
    refused(audited, tmp_path / "clean.csv", "cannot be copied cell by cell")


def test_parquet_files_of_other_columns_have_no_copy(tmp_path, monkeypatch):
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"x": [0.0, 1.0, 2.0]}), tmp_path / "one.parquet")
    parquet.write_table(pa.table({"y": ["a", "b", "c"]}), tmp_path / "two.parquet")
    source = files_source(tmp_path / "one.parquet", tmp_path / "two.parquet")
    refused(audits.audited_source(source, monkeypatch), tmp_path / "clean.parquet", "cannot be put into one")


def test_a_parquet_file_that_has_changed_is_not_copied(tmp_path, monkeypatch):
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"x": [0.0]}), tmp_path / "one.parquet")
    audited = audits.audited_source(files_source(tmp_path / "one.parquet"), monkeypatch)
    refused(audited, tmp_path / "clean.parquet", "has other rows than it had")


def test_a_copy_in_a_form_that_the_data_do_not_have_is_refused(tmp_path):
    refused(audits.audited(audits.spoilt()), tmp_path / "clean.csv", r"written of \.csv files")
    refused(audits.audited(audits.spoilt()), tmp_path / "clean.txt", "a file for each row")


def test_a_list_of_files_has_the_image_and_its_mask(tmp_path, monkeypatch):
    images = Column(np.zeros((3, 2, 2)), files=("a.png", "b.png", "c\udc80.png"))
    masks = Column(np.zeros((3, 2, 2)), "target", files=("ma.png", "mb.png", "mc.png"))
    labels = Column(np.zeros(3), "target", files=("a.png", "b.png", "c\udc80.png"))
    chunk = audits.chunk_of(3, {"x": images, "mask": masks, "label": labels})
    one = audits.audited_source(audits.Parts([audits.Part("p", (chunk,))]), monkeypatch)
    written = fixed(dropping(one, 1), tmp_path / "keep.txt").read_bytes()
    assert written == b"a.png\tma.png\nc\x80.png\tmc.png\n"


def test_a_file_name_that_breaks_the_line_is_refused(tmp_path, monkeypatch):
    chunk = audits.chunk_of(2, {"x": np.zeros((2, 2))}, files=("a.png", "b\n.png"))
    one = audits.audited_source(audits.Parts([audits.Part("p", (chunk,))]), monkeypatch)
    refused(one, tmp_path / "keep.txt", "breaks the line")
