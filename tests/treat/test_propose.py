"""From a stored diagnosis to the node in the user's file, and to what its remedies come to."""

import marked
import msgspec
import pytest

from nandoctor.findings import Location
from nandoctor.treat.propose import proposals, site_of

TEXT = """import keras
x = load()
class Clip(keras.callbacks.Callback):
    def on_gradient_update(self, grads):
        return grads
opt = keras.optimizers.SGD(0.5)
"""


def diagnosis(path, line, code, remedies=()):
    known = marked.site("x = «1»", remedies=remedies).diagnosis
    return msgspec.structs.replace(known, location=Location(file=str(path), line=line, code=code))


@pytest.mark.parametrize(
    ("line", "code", "node"),
    [
        (2, "x = load()", "load()"),
        (2, "load()", "load()"),
        (4, "def on_gradient_update(self, grads)", "on_gradient_update"),
        (6, "opt = keras.optimizers.SGD(0.5)", "keras.optimizers.SGD(0.5)"),
    ],
)
def test_the_node_of_an_expression_a_statement_or_a_function(tmp_path, line, code, node):
    path = tmp_path / "script.py"
    path.write_text(TEXT)
    site = site_of(diagnosis(path, line, code), str(path))
    assert site is not None
    assert site.source.code(site.node) == node


def test_a_file_that_has_changed_has_no_site(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(TEXT)
    assert site_of(diagnosis(path, 2, "x = load_all()"), str(path)) is None


def test_settings_are_looked_for_in_the_script_where_the_place_is_in_a_library(tmp_path):
    library, script = tmp_path / "library.py", tmp_path / "script.py"
    library.write_text("import keras\nlayer = keras.layers.Dense(8)\n")
    script.write_text(TEXT)
    found = list(proposals(diagnosis(library, 2, "keras.layers.Dense(8)", ("lower-rate",)), str(script)))
    assert [list(p.texts) for p in found] == [[str(script)]] * 3
    assert [p.code for p in found] == [f"opt = keras.optimizers.SGD({rate})" for rate in ("0.05", "0.005", "5e-4")]
    assert all(p.from_start and p.kind == "setting" for p in found)
