"""nandoctor: which line made the NaN, from which sample, why, and what to do about it."""

from importlib.metadata import version as _version

__version__ = _version("nandoctor")

from nandoctor.errors import CapsuleError as CapsuleError
from nandoctor.errors import NandoctorError as NandoctorError
from nandoctor.errors import TrainingFaultError as TrainingFaultError
from nandoctor.fresh import replay as replay
from nandoctor.guard import Guard as Guard
