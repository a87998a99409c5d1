"""The same facts as the kernels', by NumPy and by whole numbers: slow, and plain enough to be believed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nandoctor.audit.kernels.scan import ChannelFacts, RowFacts
from nandoctor.audit.profile.exact import ExactMoments, units


def row_facts(values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    wide = values.reshape(len(values), -1)
    exact = wide.astype(np.float64)
    finite = np.isfinite(exact)
    some = finite.any(axis=1)
    return {
        "nan": np.count_nonzero(np.isnan(exact), axis=1),
        "posinf": np.count_nonzero(exact == np.inf, axis=1),
        "neginf": np.count_nonzero(exact == -np.inf, axis=1),
        "zero": np.count_nonzero(wide == 0, axis=1),
        "minimum": np.where(some, np.min(exact, axis=1, where=finite, initial=np.inf), np.nan),
        "maximum": np.where(some, np.max(exact, axis=1, where=finite, initial=-np.inf), np.nan),
    }


def channel_facts(values: NDArray[Any], channels: int) -> dict[str, NDArray[Any]]:
    own = values.reshape(-1, channels)
    exact = own.astype(np.float64)
    finite, size = np.isfinite(exact), np.abs(exact)
    tiny = float(np.finfo(own.dtype).tiny) if own.dtype.kind == "f" else 0.0
    return {
        "count": np.full(channels, len(own)),
        "nan": np.count_nonzero(np.isnan(exact), axis=0),
        "posinf": np.count_nonzero(exact == np.inf, axis=0),
        "neginf": np.count_nonzero(exact == -np.inf, axis=0),
        "zero": np.count_nonzero(own == 0, axis=0),
        "subnormal": np.count_nonzero((size < tiny) & (size > 0), axis=0),
        "beyond_half": np.count_nonzero(finite & (size > 65504), axis=0),
        "minimum": np.min(exact, axis=0, where=finite, initial=np.inf),
        "maximum": np.max(exact, axis=0, where=finite, initial=-np.inf),
    }


def moments(values: NDArray[Any], channels: int) -> list[ExactMoments]:
    """Exact: each number and its square in units of 2 ** -2148."""
    return [_moments(column) for column in values.reshape(-1, channels).T]


def _moments(column: NDArray[Any]) -> ExactMoments:
    whole = [units(v) for v in column[np.isfinite(column)].tolist()]
    return ExactMoments(len(whole), sum(whole), sum(v * v for v in whole) >> 2148)


def equal_facts(found: RowFacts | ChannelFacts, expected: dict[str, NDArray[Any]]) -> None:
    for name, values in expected.items():
        np.testing.assert_array_equal(getattr(found, name), values, err_msg=name)
