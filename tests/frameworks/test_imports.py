"""An action right after the user's own import of a module, and nothing else that could be noticed."""

import importlib
import importlib.util
import sys

import pytest

from nandoctor.frameworks.imports import when_imported


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A package `nd_library` that nobody has imported yet; gives the list of what happened."""
    package = tmp_path / "nd_library"
    package.mkdir()
    (package / "__init__.py").write_text("from nd_library import part\nready = True\n")
    (package / "part.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield package
    for name in [n for n in sys.modules if n.partition(".")[0] == "nd_library"]:
        del sys.modules[name]


@pytest.fixture
def acted():
    return []


@pytest.fixture
def action(acted):
    """Notes that it was called, and whether the module was ready by then."""
    return lambda: acted.append(getattr(sys.modules.get("nd_library"), "ready", False))


@pytest.mark.usefixtures("library")
def test_the_action_follows_the_import_once(action, acted):
    with when_imported("nd_library", action):
        assert acted == []
        importlib.import_module("nd_library")
        importlib.import_module("nd_library.part")
        importlib.import_module("nd_library")
    assert acted == [True]


@pytest.mark.usefixtures("library")
def test_an_import_of_a_part_is_an_import_of_the_whole(action, acted):
    with when_imported("nd_library", action):
        importlib.import_module("nd_library.part")
    assert acted == [True]


@pytest.mark.usefixtures("library")
def test_a_module_that_is_loaded_already_is_acted_on_at_once(action, acted):
    importlib.import_module("nd_library")
    with when_imported("nd_library", action):
        assert acted == [True]
    assert acted == [True]


@pytest.mark.usefixtures("library")
def test_another_import_is_no_sign(action, acted):
    with when_imported("nd_library", action):
        importlib.import_module("json")
    assert acted == []


@pytest.mark.usefixtures("library")
def test_after_the_end_nothing_is_acted_on(action, acted):
    with when_imported("nd_library", action):
        pass
    importlib.import_module("nd_library")
    assert acted == []


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("imported", [True, False])
def test_the_import_system_is_left_as_it_was(action, imported):
    before = list(sys.meta_path)
    with when_imported("nd_library", action):
        if imported:
            importlib.import_module("nd_library")
    assert sys.meta_path == before


@pytest.mark.usefixtures("library")
def test_the_module_looks_as_if_nobody_had_waited_for_it(action):
    plain = importlib.import_module("nd_library")
    kind, origin, search = type(plain.__spec__.loader), plain.__spec__.origin, list(plain.__path__)
    for name in ("nd_library", "nd_library.part"):
        del sys.modules[name]
    with when_imported("nd_library", action):
        watched = importlib.import_module("nd_library")
    assert type(watched.__loader__) is type(watched.__spec__.loader) is kind
    assert (watched.__spec__.origin, list(watched.__path__)) == (origin, search)


@pytest.mark.usefixtures("library")
def test_a_look_whether_it_is_installed_is_not_the_import(action, acted):
    with when_imported("nd_library", action):
        spec = importlib.util.find_spec("nd_library")
        assert spec.loader.get_filename("nd_library") == spec.origin
        assert acted == []
        importlib.import_module("nd_library")
    assert acted == [True]


def test_an_import_that_failed_may_be_tried_again(library, action, acted):
    good = (library / "__init__.py").read_text()
    (library / "__init__.py").write_text("raise ImportError('not today')\n")
    with when_imported("nd_library", action):
        with pytest.raises(ImportError, match="not today"):
            importlib.import_module("nd_library")
        assert acted == []
        (library / "__init__.py").write_text(good + "# mended\n")
        importlib.invalidate_caches()
        importlib.import_module("nd_library")
    assert acted == [True]


def test_a_module_that_does_not_exist_is_missing_as_ever(action, acted):
    with when_imported("nd_nowhere", action), pytest.raises(ModuleNotFoundError, match="No module named 'nd_nowhere'"):
        importlib.import_module("nd_nowhere")
    assert acted == []


@pytest.mark.usefixtures("library")
def test_two_who_wait_for_one_module_are_both_told(action, acted):
    with when_imported("nd_library", action), when_imported("nd_library", action):
        importlib.import_module("nd_library")
    assert acted == [True, True]
