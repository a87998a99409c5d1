"""A question about each row, which is answered in the one pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.kernels.scan import RowFacts
from nandoctor.audit.source import Role


@dataclass(frozen=True, slots=True)
class Probe:
    """Which rows a check wants to have named.

    Attributes:
        name: by which the check finds the answer in the profile.
        role: of which components it is asked.
        holds: a bool for each row, from what the pass found of them. A function of a module, or a frozen dataclass
            with `__call__`: it goes to other processes.
    """

    name: str
    role: Role
    holds: Callable[[RowFacts], NDArray[np.bool_]]
