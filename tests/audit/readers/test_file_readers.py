"""Each format: rows and values exact, what is broken named, and healthy twins silent."""

from __future__ import annotations

import gzip
import itertools
import struct
import zipfile
from pathlib import Path

import corpus
import fsspec
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from nandoctor import NandoctorError, audit
from nandoctor.audit.engines.threads import profile_with_threads
from nandoctor.audit.readers import columns, csv, hdf5, numpy_files, parquet
from nandoctor.audit.readers.files import open_files
from nandoctor.audit.readers.table import Request, open_source
from nandoctor.audit.readers.tfrecord import masked_crc
from nandoctor.cli.main import main


def values_of(source):
    """All values by component, as the parts give them; of ragged ones a list."""
    found: dict[str, list] = {}
    for part in source.parts():
        for chunk in part.chunks():
            for name, column in chunk.columns.items():
                found.setdefault(name, []).append(column.values)
    return {
        name: np.concatenate(all_) if all(isinstance(v, np.ndarray) for v in all_) else list(itertools.chain(*all_))
        for name, all_ in found.items()
    }


def roles_in(source):
    chunk = next(next(iter(source.parts())).chunks())
    return {name: column.role for name, column in chunk.columns.items()}


@pytest.fixture
def small_chunks(monkeypatch):
    for module in (columns, hdf5, numpy_files, parquet):
        monkeypatch.setattr(module, "CHUNK_BYTES", 64)


def numbers(rows=11):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 3)).astype(np.float32), rng.integers(0, 3, rows)


def bad_numbers():
    x, y = numbers()
    x[7, 1] = np.nan
    return x, y


def write_npy(path, x, y):
    np.save(path / "d.npy", x)
    return path / "d.npy"


def write_npz(path, x, y):
    np.savez(path / "d.npz", x=x, y=y)
    return path / "d.npz"


def write_packed(path, x, y):
    np.savez_compressed(path / "d.npz", x=x, y=y)
    return path / "d.npz"


def write_hdf5(path, x, y):
    with h5py.File(path / "d.h5", "w") as file:
        file.create_dataset("group/x", data=x, chunks=(2, 3) if len(x) else None)
        file["group/y"] = y
    return path / "d.h5"


def table_of(x, y):
    return pa.table({**{f"c{n}": x[:, n] for n in range(3)}, "label": y})


def write_parquet(path, x, y):
    pq.write_table(table_of(x, y), path / "d.parquet", row_group_size=4)
    return path / "d.parquet"


def write_feather(path, x, y):
    pa.feather.write_feather(table_of(x, y), path / "d.feather", chunksize=4)
    return path / "d.feather"


def write_stream(path, x, y):
    table = table_of(x, y)
    with pa.ipc.new_stream(path / "d.arrow", table.schema) as stream:
        stream.write_table(table, max_chunksize=3)
    return path / "d.arrow"


def csv_text(x, y, mark=","):
    lines = [mark.join(["c0", "c1", "c2", "label"])]
    lines += [mark.join([*(repr(float(v)) for v in row), str(k)]) for row, k in zip(x, y, strict=True)]
    return "\n".join(lines) + "\n"


def write_csv(path, x, y):
    (path / "d.csv").write_text(csv_text(x, y))
    return path / "d.csv"


def write_tsv(path, x, y):
    (path / "d.tsv").write_text(csv_text(x, y, "\t"))
    return path / "d.tsv"


def write_csv_gz(path, x, y):
    (path / "d.csv.gz").write_bytes(gzip.compress(csv_text(x, y).encode()))
    return path / "d.csv.gz"


def varint(value):
    value &= 0xFFFFFFFFFFFFFFFF
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def example(**features):
    entries = b""
    for name, value in features.items():
        if isinstance(value, bytes):
            held = field(1, field(1, value))
        elif np.asarray(value).dtype.kind == "f":
            held = field(2, field(1, np.asarray(value, "<f4").tobytes()))
        else:
            held = field(3, field(1, b"".join(varint(int(v)) for v in np.atleast_1d(value))))
        entries += field(1, field(1, name.encode()) + field(2, held))
    return field(1, entries)


def framed(record):
    head = struct.pack("<Q", len(record))
    return head + struct.pack("<I", masked_crc(head)) + record + struct.pack("<I", masked_crc(record))


def record_bytes(x, y):
    return b"".join(framed(example(x=row, label=k)) for row, k in zip(x, y, strict=True))


def write_records(path, x, y):
    (path / "d.tfrecord").write_bytes(record_bytes(x, y))
    return path / "d.tfrecord"


def write_records_gz(path, x, y):
    (path / "d.tfrecord.gz").write_bytes(gzip.compress(record_bytes(x, y)))
    return path / "d.tfrecord.gz"


TABLES = [write_parquet, write_feather, write_stream, write_csv, write_tsv, write_csv_gz]
ARRAYS = [write_npz, write_packed, write_hdf5, write_records, write_records_gz]


@pytest.mark.parametrize("write", [*TABLES, *ARRAYS, write_npy])
@pytest.mark.usefixtures("small_chunks")
def test_each_format_gives_all_values_and_the_targets_by_name(write, tmp_path):
    x, y = numbers()
    source = open_source(Request(str(write(tmp_path, x, y))))
    found = values_of(source)
    inputs = next(values for name, values in found.items() if roles_in(source)[name] == "input")
    np.testing.assert_array_equal(inputs, x)
    if write is not write_npy:
        targets = next(name for name, role in roles_in(source).items() if role == "target")
        np.testing.assert_array_equal(found[targets], y)


@pytest.mark.parametrize("write", [*TABLES, *ARRAYS, write_npy])
def test_the_row_of_a_nan_is_named_with_its_file(write, tmp_path):
    path = write(tmp_path, *bad_numbers())
    result = audit(str(path))
    assert result.rows == 11
    (finding,) = [f for f in result.findings if f.cause == "nonfinite-input"]
    assert (finding.rows, finding.files) == ((7,), (str(path),))


@pytest.mark.parametrize("write", [*TABLES, *ARRAYS, write_npy])
def test_healthy_files_have_no_nonfinite_rows(write, tmp_path):
    result = audit(str(write(tmp_path, *numbers())))
    assert not [f for f in result.findings if f.cause.startswith("nonfinite")]
    assert not result.partial


@pytest.mark.parametrize("write", [write_npz, write_hdf5, write_parquet, write_csv, write_records])
def test_two_files_are_one_dataset_and_parts_can_go_to_other_processes(write, tmp_path):
    import pickle

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    x, y = bad_numbers()
    write(tmp_path / "a", *numbers())
    path = write(tmp_path / "b", x, y)
    source = open_source(Request(str(tmp_path / "*" / path.name)))
    assert pickle.loads(pickle.dumps(list(source.parts())))
    result = audit(str(tmp_path / "*" / path.name))
    (finding,) = [f for f in result.findings if f.cause == "nonfinite-input"]
    assert (result.rows, finding.rows, finding.files) == (22, (18,), (str(path),))


def test_the_exit_code_of_the_command(tmp_path, capsys):
    pq.write_table(pa.table({"a": [1.0, None], "b": [1.0, 2.0]}), tmp_path / "bad.parquet")
    assert main(["audit", str(tmp_path / "bad.parquet")]) == 1
    assert main(["audit", str(tmp_path / "none.parquet")]) == 2
    told = capsys.readouterr().err
    assert f"there is no file or folder {tmp_path}/none.parquet: looked in {tmp_path}" in " ".join(told.split())


@pytest.mark.parametrize("write", [write_npz, write_hdf5, write_parquet, write_csv, write_records])
def test_a_label_that_no_component_has(write, tmp_path):
    path = write(tmp_path, *numbers())
    with pytest.raises(NandoctorError, match=r"has no 'lable' to take for the labels\..* It has: "):
        audit(str(path), "lable")


def test_a_near_label_is_offered(tmp_path):
    with pytest.raises(NandoctorError, match="Did you mean label\\? It has: c0, c1, c2, label"):
        audit(str(write_csv(tmp_path, *numbers())), "lable")


# NumPy


def test_train_and_test_pairs(tmp_path):
    x, y = numbers()
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x[:4], y_test=y[:4])
    result = audit(str(tmp_path / "d.npz"))
    assert {c.name: (c.role, c.rows) for c in result.components} == {
        "x_train": ("input", 11),
        "y_train": ("target", 11),
    }
    assert any("--labels y_test audits those" in note for note in result.notes)
    result = audit(str(tmp_path / "d.npz"), "y_test")
    assert {c.name: (c.role, c.rows) for c in result.components} == {"x_test": ("input", 4), "y_test": ("target", 4)}


def test_pairs_of_as_many_rows_are_not_mixed(tmp_path):
    x, y = numbers()
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    assert [c.name for c in audit(str(tmp_path / "d.npz")).components] == ["x_train", "y_train"]


def test_arrays_that_do_not_belong_together(tmp_path):
    np.savez(tmp_path / "d.npz", a=np.ones(3), b=np.ones(4))
    with pytest.raises(NandoctorError, match=r"different numbers of rows \(a 3, b 4\)"):
        audit(str(tmp_path / "d.npz"))


def test_labels_in_a_file_of_their_own(tmp_path):
    x, y = numbers()
    np.save(tmp_path / "y.npy", y)
    result = audit(str(write_npy(tmp_path, x, y)), str(tmp_path / "y.npy"))
    assert {c.name: c.role for c in result.components} == {"inputs": "input", "targets": "target"}
    np.save(tmp_path / "y.npy", y[:5])
    with pytest.raises(NandoctorError, match=r"has 11 rows, .*y\.npy has 5"):
        audit(str(tmp_path / "d.npy"), str(tmp_path / "y.npy"))


class Trap:
    """Unpickling it is seen."""

    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def test_nothing_is_unpickled(tmp_path):
    trap = np.array([Trap()], object)
    np.save(tmp_path / "d.npy", trap, allow_pickle=True)
    np.savez(tmp_path / "only.npz", trap=trap)
    np.savez(tmp_path / "some.npz", trap=trap, x=np.ones((2, 2)))
    for name in ("d.npy", "only.npz"):
        with pytest.raises(NandoctorError, match="never unpickled"):
            audit(str(tmp_path / name))
    result = audit(str(tmp_path / "some.npz"))
    assert [c.name for c in result.components] == ["x"]
    assert any("trap was left out" in note for note in result.notes)


@pytest.mark.usefixtures("small_chunks")
def test_fortran_order(tmp_path):
    x = np.asfortranarray(numbers()[0])
    for write in (write_npy, write_npz, write_packed):
        np.testing.assert_array_equal(next(iter(values_of(open_source(Request(write(tmp_path, x, x)))).values())), x)


@pytest.mark.parametrize("write", [write_npy, write_npz, write_packed, write_hdf5, write_parquet, write_feather])
def test_a_file_that_is_cut_off_is_named(write, tmp_path):
    path = write(tmp_path, *numbers())
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(NandoctorError, match=rf"{path.name}.*cut off"):
        audit(str(path))


def test_an_archive_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(NandoctorError, match="holds no array"):
        audit(str(tmp_path / "d.npz"))


# Tables


def test_missing_values_texts_and_lists(tmp_path):
    table = pa.table(
        {
            "a": pa.array([1, None, 3], pa.int32()),
            "yes": pa.array([True, False, None]),
            "price": pa.array([1.0, 2.0, np.nan]),
            "name": pa.array(["x", None, "z"]),
            "kind": pa.array(["x", None, "z"]).dictionary_encode(),
            "vector": pa.array([[1.0, 2.0], [3.0, None], None], pa.list_(pa.float32(), 2)),
            "words": pa.array([[1, 2, 3], [], [4]], pa.list_(pa.int64())),
            "inner": pa.array([{"a": 1}, None, {"a": 2}]),
        }
    )
    pq.write_table(table, tmp_path / "d.parquet")
    source = open_source(Request(str(tmp_path / "d.parquet"), "price"))
    profile, _ = profile_with_threads(source, (), workers=1, on_rows=lambda rows: None)
    known = profile.components
    assert known["features"].names == ("a", "yes")
    assert [n.nan for n in known["features"].channel_numbers] == [1, 1]
    assert (known["price"].role, known["price"].numbers.nan) == ("target", 1)
    assert {n: (c.rows, c.readable) for n, c in known.items()} == {
        "features": (3, 3),
        "price": (3, 3),
        "name": (3, 2),
        "kind": (3, 2),
        "vector": (3, 2),
        "words": (3, 3),
        "inner": (3, 2),
    }
    assert known["vector"].numbers.nan == 1
    assert {shape: rows.first.tolist() for (shape, _), rows in known["words"].forms.items()} == {
        (3,): [0],
        (0,): [1],
        (1,): [2],
    }


def test_missing_values_of_float_columns_alone(tmp_path):
    table = pa.table({"a": pa.array([1, None, 3], pa.float32()), "b": pa.array([None, 5, np.inf], pa.float32())})
    pq.write_table(table, tmp_path / "d.parquet")
    found = values_of(open_source(Request(str(tmp_path / "d.parquet"))))["features"]
    np.testing.assert_array_equal(found, np.float32([[1, np.nan], [np.nan, 5], [3, np.inf]]))
    assert found.dtype == np.float32


def test_channels_are_called_as_the_columns(tmp_path):
    (component, _) = audit(str(write_parquet(tmp_path, *numbers()))).components
    assert [n.name for n in component.channels] == ["c0", "c1", "c2"]


def test_whole_numbers_keep_their_dtype_where_none_is_missing(tmp_path):
    pq.write_table(pa.table({"label": [1, 2]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"label": pa.array([1, None], pa.int64())}), tmp_path / "b.parquet")
    forms = [audit(str(tmp_path / name)).components[0].forms for name in ("a.parquet", "b.parquet", "*.parquet")]
    assert forms == [(((), "int64", 2),), (((), "float64", 2),), (((), "float64", 4),)]


def test_more_columns_than_a_component_has_channels(tmp_path):
    x = np.arange(600.0).reshape(2, 300)
    pq.write_table(pa.table({f"c{n}": x[:, n] for n in range(300)}), tmp_path / "d.parquet")
    found = values_of(open_source(Request(str(tmp_path / "d.parquet"))))
    assert list(found) == ["features 1 to 256", "features 257 to 300"]
    np.testing.assert_array_equal(np.hstack(list(found.values())), x)


@pytest.mark.parametrize("write", [*TABLES, write_npy, write_npz, write_packed, write_hdf5])
def test_no_rows(write, tmp_path):
    x, y = numbers()
    result = audit(str(write(tmp_path, x[:0], y[:0])))
    assert (result.rows, result.partial) == (0, False)


def test_files_with_other_columns(tmp_path):
    pq.write_table(pa.table({"a": [1.0], "b": [1.0]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": [1.0]}), tmp_path / "2.parquet")
    with pytest.raises(NandoctorError, match=r"1\.parquet has a column 'b', .*2\.parquet has none"):
        audit(str(tmp_path))


def test_the_y_of_a_point_is_no_target(tmp_path):
    (tmp_path / "d.csv").write_text("x,y,z\n1.5,2.5,3.5\n")
    (component,) = audit(str(tmp_path / "d.csv")).components
    assert (component.name, component.role) == ("features", "input")


# CSV


def test_a_broken_line_is_named_and_the_rows_keep_their_numbers(tmp_path):
    (tmp_path / "d.csv").write_text("a,b\n1,2\n3\n5,6\n7,nan\n8,9,10\n")
    source = open_source(Request(str(tmp_path / "d.csv")))
    profile, _ = profile_with_threads(source, (), workers=1, on_rows=lambda rows: None)
    assert [(f.row, f.name) for f in profile.failures] == [
        (1, f"{tmp_path}/d.csv, line 3"),
        (4, f"{tmp_path}/d.csv, line 6"),
    ]
    assert "1 values, not 2: 3" in profile.failures[0].why
    assert (profile.rows, profile.components["features"].readable) == (5, 3)
    assert audit(str(tmp_path / "d.csv")).findings[0].rows == (3,)


def test_text_among_numbers_names_the_line(tmp_path, monkeypatch):
    monkeypatch.setattr(csv, "BLOCK_BYTES", 64)
    (tmp_path / "d.csv").write_text("a,b\n" + "1,2\n" * 30 + "1,oops\n" + "1,2\n")
    result = audit(str(tmp_path / "d.csv"))
    assert result.partial
    assert 0 < result.rows < 31
    assert any("d.csv, line 32, column 2:" in note and "oops" in note for note in result.notes)


def test_whole_numbers_that_become_fractions_later(tmp_path, monkeypatch):
    monkeypatch.setattr(csv, "BLOCK_BYTES", 64)
    (tmp_path / "d.csv").write_text("a,b\n" + "1,2\n" * 30 + "1,2.5\n")
    result = audit(str(tmp_path / "d.csv"))
    assert (result.rows, result.partial) == (31, False)


def test_a_mark_for_what_is_missing(tmp_path):
    (tmp_path / "d.csv").write_text("power,name\n130,a?\n?,?\n95,b\n")
    result = audit(str(tmp_path / "d.csv"))
    (finding,) = [f for f in result.findings if f.cause == "nonfinite-input"]
    assert (finding.component, finding.rows) == ("power", (1,))
    assert any("'?' in" in note for note in result.notes)


def test_no_line_of_names_and_semicolons(tmp_path):
    (tmp_path / "d.csv").write_text("1;2\n3;4\n")
    result = audit(str(tmp_path / "d.csv"))
    assert result.rows == 2
    assert any("no line of names" in note for note in result.notes)
    (tmp_path / "d.csv").write_text("a;b\n3;4\n")
    assert [n.name for n in audit(str(tmp_path / "d.csv")).components[0].channels] == ["a", "b"]


# TFRecord


def test_features_of_each_kind(tmp_path):
    records = [example(image=b"\xff\xd8", ids=[1, -2, 1 << 40], size=np.float32([1.5]), x=np.ones(2, np.float32))]
    records.append(example(image=b"", ids=[5], size=np.float32([2.5]), x=np.ones(2, np.float32)))
    records.append(example(ids=[7, 7, 7], size=np.float32([3.5])))
    (tmp_path / "d.tfrecord").write_bytes(b"".join(map(framed, records)))
    found = values_of(open_source(Request(str(tmp_path / "d.tfrecord"))))
    assert [row.tolist() for row in found["ids"]] == [[1, -2, 1 << 40], [5], [7, 7, 7]]
    assert found["size"].tolist() == [1.5, 2.5, 3.5]
    assert (found["x"].shape, len(found["image"])) == ((2, 2), 2)


def test_it_reads_what_tensorflow_writes(tmp_path):
    def work():
        import tensorflow as tf

        feature = {
            "f": tf.train.Feature(float_list=tf.train.FloatList(value=[1.5, -2.0])),
            "n": tf.train.Feature(int64_list=tf.train.Int64List(value=[-5])),
            "b": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"x" * 300])),
        }
        with tf.io.TFRecordWriter(str(tmp_path / "d.tfrecord")) as writer:
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())

    corpus.in_fork(work)
    found = values_of(open_source(Request(str(tmp_path / "d.tfrecord"))))
    assert {name: found[name].tolist() for name in ("f", "n")} == {"f": [[1.5, -2.0]], "n": [-5]}
    assert len(found["b"]) == 1


@pytest.mark.parametrize("harm", ["cut", "changed"])
def test_a_damaged_record_is_named_and_those_before_count(harm, tmp_path):
    good = record_bytes(*numbers(3))
    bad = bytearray(good + framed(example(x=np.ones(60, np.float32), label=1)))
    if harm == "cut":
        bad = bad[:-9]
    else:
        bad[-30] ^= 1
    (tmp_path / "d.tfrecord").write_bytes(bytes(bad))
    result = audit(str(tmp_path / "d.tfrecord"))
    assert (result.rows, result.partial) == (3, True)
    assert any("d.tfrecord, record 3:" in note for note in result.notes)


# Paths


def test_a_folder_and_a_glob_in_order(tmp_path):
    for n in (2, 0, 1):
        pq.write_table(pa.table({"a": [float(n)]}), tmp_path / f"{n}.parquet")
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "README.md").write_text("about")
    for name in (str(tmp_path), str(tmp_path / "*.parquet"), [tmp_path / f"{n}.parquet" for n in range(3)]):
        assert values_of(open_source(Request(name)))["a"].tolist() == [0, 1, 2]
    assert audit(str(tmp_path)).notes == (f"left out, as they hold no rows: {tmp_path}/README.md.",)


def test_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_npy(tmp_path, *numbers())
    assert audit("~/d.npy").rows == 11


@pytest.mark.parametrize("write", [*TABLES, *ARRAYS, write_npy])
def test_addresses(write, tmp_path):
    path = write(tmp_path, *bad_numbers())
    address = f"memory://{path.name}"
    with fsspec.open(address, "wb") as file:
        file.write(path.read_bytes())
    result = audit(address)
    (finding,) = [f for f in result.findings if f.cause == "nonfinite-input"]
    assert (finding.rows, [Path(f).name for f in finding.files]) == ((7,), [path.name])


def test_what_is_at_no_address():
    with pytest.raises(NandoctorError, match=r"memory://none/x\.parquet: there is no such file"):
        audit("memory://none/x.parquet")
    with pytest.raises(NandoctorError, match="nosuch://x: cannot be opened"):
        audit("nosuch://x")
    with pytest.raises(NandoctorError, match=r"no file matches .*none.*\.npz"):
        audit("none*.npz")


def test_the_first_bytes_count_more_than_the_name(tmp_path):
    write_npz(tmp_path, *numbers()).rename(tmp_path / "d.parquet")
    assert audit(str(tmp_path / "d.parquet")).rows == 11
    (tmp_path / "e.parquet").write_text("<html>not found</html>")
    with pytest.raises(NandoctorError, match=r"e\.parquet is no Parquet file.*it begins with b'<html>"):
        audit(str(tmp_path / "e.parquet"))


@pytest.mark.parametrize("ending", ["npy", "npz", "h5", "parquet", "feather", "csv", "tfrecord"])
def test_an_empty_file(ending, tmp_path):
    (tmp_path / f"d.{ending}").touch()
    with pytest.raises(NandoctorError, match=rf"d\.{ending} is empty \(0 bytes\)"):
        audit(str(tmp_path / f"d.{ending}"))


def test_a_folder_of_several_formats(tmp_path):
    write_npy(tmp_path, *numbers())
    write_parquet(tmp_path, *numbers())
    with pytest.raises(NandoctorError, match=r"d\.npy is NumPy \(\.npy\), .*d\.parquet is Parquet"):
        audit(str(tmp_path))


def test_images_are_left_to_their_reader(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert open_files(Request(str(tmp_path))) is None
    assert open_files(Request(str(tmp_path / "a" / "1.png"))) is None


def test_what_cannot_be_audited_is_told_by_its_type():
    with pytest.raises(NandoctorError, match=r"an object of type object is nothing that can be audited"):
        audit(object())
    with pytest.raises(NandoctorError, match=r"an object of type int is nothing that can be audited"):
        audit(42)
