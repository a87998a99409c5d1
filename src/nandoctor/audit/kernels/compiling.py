"""How a kernel is compiled: as it is first called, without the lock of the interpreter, and kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compiled for the types that it is called with, once on a machine.

    Numba keeps what it compiled beside the module, or, where it may not write there, in the user's cache. Where it may
    write neither, it refuses, and the kernel is compiled in each process.
    """
    try:
        return cast(F, numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast(F, numba.njit(nogil=True)(function))
