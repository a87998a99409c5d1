"""Where a script makes what `fit` is given: the line that is marked, or none where that is not certain."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from nandoctor.diagnose.definition import definition_of
from nandoctor.findings import Location

CERTAIN = {
    "a name": """
        x = load()
        y = x.sum()  # <- here
        model.fit(x, y)
        """,
    "slices of a tuple": """
        x, y = load_images(), load_labels()  # <- here
        x_train, y_train = x[:90], y[:90]
        model.fit(x_train, y_train)
        """,
    "columns of a table": """
        table = read()
        x, y = table[:, 1:], table[:, 0]  # <- here
        y_train = y[:90]
        model.fit(x[:90], y_train)
        """,
    "a later write": """
        y = load()
        y[y == 0] = 10  # <- here
        y = y[:80]
        model.fit(x=a, y=y)
        """,
    "a function of the file": """
        def load():
            labels = read().target
            labels += 1  # <- here
            return images / 16.0, labels
        x, y = load()
        model.fit(x, y)
        """,
    "a split": """
        cost = read()  # <- here
        a, b, c, d = train_test_split(features, cost, test_size=0.2)
        model.fit(a, c)
        """,
    "a data set of the user's own": """
        class Windows(keras.utils.PyDataset):
            def __getitem__(self, i):
                return self.past[i], self.load[i]  # <- here
        data = Windows()
        model.fit(data)
        """,
    "a pipeline": """
        price = read()  # <- here
        data = tf.data.Dataset.from_tensor_slices((features, price)).shuffle(90).batch(32)
        model.fit(data, epochs=2)
        """,
    "a parameter": """
        def train(x, y):
            model.fit(x, y)
        wear = read()  # <- here
        train(parts, wear)
        """,
}

UNCERTAIN = {
    "a map may have made it anew": """
        data = tf.data.Dataset.from_tensor_slices((x, y)).map(change).batch(32)
        model.fit(data)
        """,
    "two callers": """
        def train(x, y):
            model.fit(x, y)
        train(a, b)
        train(c, d)
        """,
    "two ways out of a function": """
        def load(small):
            if small:
                return a, b
            return c, d
        data = load(True)
        model.fit(data)
        """,
}


def fit_of(path: Path, text: str) -> Location:
    path.write_text(textwrap.dedent(text))
    lines = path.read_text().splitlines()
    line, code = next((n, text.strip()) for n, text in enumerate(lines, 1) if "model.fit(" in text)
    return Location(file=str(path), line=line, column=0, end_line=line, end_column=len(code), code=code)


@pytest.mark.parametrize("name", CERTAIN)
def test_the_targets_are_followed_to_where_they_are_made(name: str, tmp_path: Path) -> None:
    fit = fit_of(tmp_path / "script.py", CERTAIN[name])
    found = definition_of("target", fit)
    marked = [n for n, text in enumerate((tmp_path / "script.py").read_text().splitlines(), 1) if "# <- here" in text]
    assert found is not None
    assert [found.line] == marked


@pytest.mark.parametrize("name", UNCERTAIN)
def test_nothing_is_claimed_where_the_source_leaves_a_doubt(name: str, tmp_path: Path) -> None:
    assert definition_of("target", fit_of(tmp_path / "script.py", UNCERTAIN[name])) is None


def test_a_source_that_cannot_be_read_gives_nothing(tmp_path: Path) -> None:
    assert definition_of("target", None) is None
    assert definition_of("target", fit_of(tmp_path / "broken.py", "def (\nmodel.fit(x, y)\n")) is None


LOADED = """
    import {library}
    table = read()  # <- loaded
    features, y = table[:, :3], table[:, 3:]
    features = (features - features.mean()) / features.std()  # <- made
    y = y * 2.0
    model.fit(features, y)
    """


@pytest.mark.parametrize(("library", "mark"), [("numpy", "# <- loaded"), ("pandas", "# <- made")])
def test_before_all_arithmetic_is_where_the_numbers_came_from(library: str, mark: str, tmp_path: Path) -> None:
    fit = fit_of(tmp_path / "script.py", LOADED.format(library=library))
    lines = (tmp_path / "script.py").read_text().splitlines()
    found = definition_of("input", fit, past_arithmetic=True)
    assert found is not None
    assert mark in lines[found.line - 1]
    made = definition_of("input", fit)
    assert made is not None
    assert "# <- made" in lines[made.line - 1]
