"""nandoctor: which line made the NaN, from which sample, why, and what to do about it."""

from importlib import import_module as _import_module
from importlib.metadata import version as _version
from types import ModuleType as _ModuleType

__version__ = _version("nandoctor")

from nandoctor.audit import audit as audit
from nandoctor.errors import CapsuleError as CapsuleError
from nandoctor.errors import NandoctorError as NandoctorError
from nandoctor.errors import TrainingFaultError as TrainingFaultError
from nandoctor.fresh import replay as replay
from nandoctor.guard import Guard as Guard

_WITH_KERAS = ("clip", "layers", "losses", "ops")
"""Modules that import Keras, and with it a framework: each is imported when it is first used."""


def __getattr__(name: str) -> _ModuleType:
    if name in _WITH_KERAS:
        return _import_module(f"nandoctor.{name}")
    raise AttributeError(f"module 'nandoctor' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_WITH_KERAS})
