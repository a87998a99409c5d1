"""Arrays that reach to the ends of a dtype."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numerics.differentiate import BACKEND

from nandoctor.numerics.ops.precision import RANGES

DTYPES = ["float16", "bfloat16", "float32", *([] if BACKEND == "jax" else ["float64"])]
"""JAX has float64 by a switch for the whole process only."""

EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}

NORMAL = {"float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}
"""The smallest normal number: what is below may be flushed to 0."""

few = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # an array of entries that are judged one by one needs no shrinking
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large],
)


def drawn(dtype: str, shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    """Finite numbers of a dtype: over its whole range, ordinary ones, and those where operations are singular."""
    largest, smallest = RANGES[dtype].largest, RANGES[dtype].smallest
    low, high = np.log2(NORMAL[dtype]), np.log2(largest)
    over_the_range = st.builds(
        lambda sign, exponent: sign * 2.0**exponent, st.sampled_from([-1, 1]), st.floats(low, high, exclude_max=True)
    )
    special = st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, largest, -largest, smallest, 1 - EPSILON[dtype] / 2, 1e-3])
    return arrays(np.float64, shape, elements=st.one_of(over_the_range, st.floats(-9, 9), special)).map(
        lambda a: rounded(a, dtype)
    )


def rounded(a: np.ndarray, dtype: str) -> np.ndarray:
    """Each number as the dtype has it, in float64; subnormal ones as 0."""
    if dtype == "bfloat16":  # the upper half of a float32
        bits = a.astype("float32").view("uint32")
        found = ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).view("float32").astype("float64")
    else:
        found = np.clip(a, -RANGES[dtype].largest, RANGES[dtype].largest).astype(dtype).astype("float64")
    found = np.clip(found, -RANGES[dtype].largest, RANGES[dtype].largest)
    return np.where(abs(found) < NORMAL[dtype], 0, found)
