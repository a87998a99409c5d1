"""Kernels where nothing can be written beside them."""

from __future__ import annotations

from typing import Any

import numba
import pytest

from nandoctor.audit.kernels.compiling import kernel


def test_a_function_that_cannot_be_kept_on_disk_is_compiled_all_the_same() -> None:
    names: dict[str, Any] = {}
    exec("def more(x):\n    return x + 1\n", names)
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(cache=True)(names["more"])
    assert kernel(names["more"])(1) == 2
