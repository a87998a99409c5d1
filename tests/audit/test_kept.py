"""A profile on disk: all that is kept comes back, and a file that is none is one clear error."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nandoctor.audit import kept
from nandoctor.audit.compare import compare
from nandoctor.audit.kept import kept_bytes, read_kept
from nandoctor.audit.kept_sketch import sketch_of
from nandoctor.audit.profile.profile import Profile, profile_chunk
from nandoctor.audit.profile.sketches import Quantiles
from nandoctor.audit.source import Chunk, Column
from nandoctor.cli.main import main
from nandoctor.errors import NandoctorError

RNG = np.random.default_rng(3)


def profile(rows: int = 500) -> Profile:
    x = RNG.normal(size=(rows, 3)) * 10.0 ** RNG.integers(-300, 300, (rows, 3))
    x[::50] = np.nan
    columns = {
        "x": Column(x, names=("a", "b", "c")),
        "image": Column(RNG.integers(0, 256, (rows, 4, 4, 3)).astype(np.uint8)),
        "text": Column(np.array(["one", "two"] * (rows // 2))),
        "y": Column(RNG.integers(0, 5, rows), "target"),
        "odd": Column([np.zeros(n % 3) for n in range(rows)]),
    }
    return profile_chunk(Chunk(rows, columns), ())


def written(folder: Path, content: bytes | str) -> str:
    file = folder / "base.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(file)


def exact(found: Profile) -> dict[str, Any]:
    return {
        name: (
            c.role,
            c.rows,
            c.readable,
            c.names,
            {form: rows.count for form, rows in c.forms.items()},
            c.channel_numbers,
            None if c.bins is None else c.bins.tolist(),
            c.classes,
            c.quantiles.at((0, 0.25, 0.5, 1)),
        )
        for name, c in found.components.items()
    }


def test_what_is_kept_comes_back_to_the_bit(tmp_path: Path) -> None:
    one = profile()
    back = read_kept(written(tmp_path, kept_bytes(one, data="train", classes=("cat", "dog"))))
    assert exact(back.profile) == exact(one)
    assert (back.profile.rows, back.classes) == (500, ("cat", "dog"))
    assert list(compare(back.profile, one, called="base.json")) == []


def test_kept_profiles_are_merged_exactly(tmp_path: Path) -> None:
    one, two = profile(), profile(300)
    back = read_kept(written(tmp_path, kept_bytes(one, data="")))
    both, right = back.profile + two, one + two
    for name, component in right.components.items():
        assert both.components[name].channel_numbers == component.channel_numbers
        assert both.components[name].classes == component.classes


def test_neither_data_nor_rows_are_in_it_and_it_is_small() -> None:
    content = kept_bytes(profile(20_000), data="")
    assert len(content) < 100_000
    assert b"hash" not in content


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is no profile"),
        ("{", "is no profile"),
        ("[" * 100_000, "is no profile"),
        ("\xff", "is no profile"),
        ('{"schema": 1, "kind": "capsule"}', "of kind 'capsule'"),
        ('{"schema": 2, "kind": "profile"}', "its schema is 2"),
        ('{"schema": 1, "kind": "profile"}', "is no profile"),
        ('{"command": "audit", "schema": 1}', "is no profile"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(NandoctorError, match=why):
        read_kept(written(tmp_path, content))


def test_a_missing_and_a_huge_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NandoctorError, match="there is no such file"):
        read_kept(str(tmp_path / "no.json"))
    monkeypatch.setattr(kept, "LARGEST", 10)
    with pytest.raises(NandoctorError, match="it has 11 bytes"):
        read_kept(written(tmp_path, "x" * 11))


@pytest.mark.parametrize(
    ("place", "value", "why"),
    [
        (("x", "readable"), 501, "501 of 500 rows"),
        (("x", "role"), "inputs", "Invalid enum value"),
        (("x", "channels", 0, "count"), -1, "a count is below 0"),
        (("x", "channels", 0, "nan"), 11, "are accounted for"),
        (("x", "channels", 0, "moments", "total"), "12_3", "no whole number"),
        (("x", "channels", 0, "moments", "total"), "f" * 5000, "no whole number"),
        (("x", "channels", 0, "moments", "total"), "xyz", "invalid literal"),
        (("x", "channels", 0, "minimum"), None, "a minimum of nothing"),
        (("image", "bins"), [1, 2], "there are 2 bins"),
        (("y", "classes", "counts", 0, 1), 0, "fewer elements than rows"),
        (("odd", "forms", 0, "dtype"), "os.system", "no dtype is 'os.system'"),
        (("odd", "forms", 0, "shape"), [-1], "a shape is"),
        (("x", "quantiles", "weight"), 3, "no weight is 3"),
        (("x", "quantiles", "sketch"), "&", "no base64"),
        (("x", "quantiles", "sketch"), "AAAA", "a sketch is broken"),
        (("x", "unknown"), 1, "unknown field"),
    ],
)
def test_a_file_that_was_changed_is_not_believed(tmp_path: Path, place: tuple[Any, ...], value: Any, why: str) -> None:
    document = json.loads(kept_bytes(profile(), data=""))
    *path, last = ("components", *place)
    inner = document
    for step in path:
        inner = inner[step]
    inner[last] = value
    with pytest.raises(NandoctorError, match=why):
        read_kept(written(tmp_path, json.dumps(document)))


@pytest.mark.parametrize("size", [1, 2, 400, 401, 5000, 2_000_000])
def test_sketches_of_any_size_are_read(size: int) -> None:
    own = Quantiles()
    own.sketch.update(RNG.normal(size=size))
    for _ in range(30):
        content = own.sketch.serialize()
        assert sketch_of(content).serialize() == content
        own = own + own


@pytest.mark.parametrize(
    ("at", "value", "why"),
    [
        (2, b"\x0e", "of another kind"),
        (4, b"\x91", "of another kind"),
        (8, b"\x01", "do not add up"),
        (18, b"\x00", "it has 0 levels"),
        (18, b"\xff", "it has 255 levels"),
        (18, b"\x06", "not as long as it says"),
        (24, b"\xff\xff\xff\xff", "not as long as it says"),
        (-8, b"\xff" * 8, "not between its ends"),
        (-8, b"\x00" * 8, "in no order"),
    ],
)
def test_each_part_of_a_sketch_is_checked(at: int, value: bytes, why: str) -> None:
    own = Quantiles()
    own.sketch.update(np.arange(-3000, 3001, dtype=float))
    spoilt = bytearray(own.sketch.serialize())
    at %= len(spoilt)
    spoilt[at : at + len(value)] = value
    with pytest.raises(ValueError, match=f"a sketch is broken: .*{why}"):
        sketch_of(bytes(spoilt))


def test_no_spoilt_sketch_reaches_what_would_believe_it() -> None:
    """Any byte but those of the items may break its levels; each is refused, or is a sketch that answers in order."""
    own = Quantiles()
    own.sketch.update(RNG.normal(size=50_000))
    whole, chance, refused = own.sketch.serialize(), random.Random(0), 0
    for n in range(3000):
        spoilt = bytearray(whole)
        spoilt[chance.randrange(64 if n % 2 else len(whole))] = chance.randrange(256)
        content = bytes(spoilt[: chance.randrange(len(whole))]) if n % 7 == 0 else bytes(spoilt)
        try:
            found = Quantiles(sketch_of(content)).at((0, 0.5, 1))
        except ValueError:
            refused += 1
        else:
            assert found[0] <= found[1] <= found[2]
    assert refused > 1500


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, y = RNG.normal(size=(400, 3)).astype(np.float32), RNG.integers(0, 3, 400)
    for name, data in {"one": x[:200], "same": x[200:], "other": x[200:] * 30 + 9}.items():
        np.savez(tmp_path / f"{name}.npz", x=data, y=y[:200])
    base = str(tmp_path / "base.json")

    def run(name: str, *options: str) -> int:
        return main(["audit", str(tmp_path / f"{name}.npz"), "--quiet", *options])

    assert run("one", "--save-profile", base) == 0
    assert run("same", "--against", base) == 0
    capsys.readouterr()
    assert run("other", "--against", base) == 1
    assert "ND115 data-drift" in capsys.readouterr().out
    assert run("other", "--against", str(tmp_path / "one.npz")) == 2
    assert "is no profile" in capsys.readouterr().err
    assert run("one", "--save-profile", str(tmp_path / "no" / "base.json")) == 2
    assert "--save-profile" in capsys.readouterr().err


def test_a_sketch_is_base64_of_what_the_library_writes(tmp_path: Path) -> None:
    one = profile()
    document = json.loads(kept_bytes(one, data=""))
    sketch = base64.b64decode(document["components"]["x"]["quantiles"]["sketch"])
    assert sketch == one.components["x"].quantiles.sketch.serialize()
