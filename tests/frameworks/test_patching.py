"""A patch puts back exactly what was there."""

import types

import pytest

from nandoctor.frameworks.patching import patched


class Base:
    def fit(self):
        return "base"

    @staticmethod
    def make():
        return "static"

    @classmethod
    def build(cls):
        return cls.__name__

    @property
    def name(self):
        return "property"


class Child(Base):
    pass


class Tracking(Base):
    """Notes what is set on it, as a Keras model does."""

    def __init__(self):
        super().__setattr__("tracked", [])

    def __setattr__(self, name, value):
        self.tracked.append(name)
        super().__setattr__(name, value)

    def __delattr__(self, name):
        raise AssertionError("a patch deletes past the tracking as well")


@pytest.mark.parametrize("owner", [Base, Child])
@pytest.mark.parametrize("name", ["fit", "make", "build", "name", "new"])
def test_a_class_is_left_as_it_was(owner, name):
    before = dict(owner.__dict__)
    with patched(owner, name, lambda *_: "patched"):
        assert owner.__dict__[name](None) == "patched"
    assert dict(owner.__dict__) == before


def test_a_patch_of_a_child_leaves_its_base_alone():
    with patched(Child, "fit", lambda self: "patched"):
        assert (Base().fit(), Child().fit()) == ("base", "patched")


def test_an_instance_is_left_as_it_was():
    child = Child()
    with patched(child, "fit", lambda: "patched"):
        assert child.fit() == "patched"
    assert vars(child) == {}
    child.fit = own = lambda: "own"
    with patched(child, "fit", lambda: "patched"):
        assert child.fit() == "patched"
    assert child.fit is own


def test_an_instance_that_tracks_what_it_owns_never_notices():
    model = Tracking()
    with patched(model, "fit", lambda: "patched"):
        assert model.fit() == "patched"
    assert model.tracked == []
    assert model.fit() == "base"


def test_a_module_is_left_as_it_was():
    module = types.ModuleType("library")
    module.present = 1
    with patched(module, "present", 2), patched(module, "absent", 3):
        assert (module.present, module.absent) == (2, 3)
    assert module.present == 1
    assert not hasattr(module, "absent")


@pytest.mark.parametrize(
    "target", [Base, Child, Child(), types.ModuleType("library")], ids=["class", "subclass", "instance", "module"]
)
def test_an_error_inside_undoes_the_patch(target):
    before = dict(vars(target))
    with pytest.raises(KeyError, match="the user's"), patched(target, "fit", None):
        raise KeyError("the user's")
    assert dict(vars(target)) == before


def test_patches_within_patches_are_undone_in_turn():
    child = Child()
    with patched(child, "fit", lambda: "outer"):
        with patched(child, "fit", lambda: "inner"):
            assert child.fit() == "inner"
        assert child.fit() == "outer"
    assert child.fit() == "base"


def test_what_the_user_deleted_meanwhile_is_no_error():
    child = Child()
    with patched(child, "fit", lambda: "patched"):
        del child.fit
    assert child.fit() == "base"
