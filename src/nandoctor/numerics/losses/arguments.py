"""Checks of the numbers given to a loss."""

import math


def number(value: float, name: str, *, low: float = -math.inf, high: float = math.inf, above: bool = False) -> float:
    """`value` as a float, if it is finite and from `low` to `high` (`above`: greater than `low`)."""
    if isinstance(value, bool) or not isinstance(value, int | float) and not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a number, found {value!r} ({type(value).__name__}).")
    found = float(value)
    if not math.isfinite(found) or found > high or found < low or (above and found == low):
        limits = f"{'greater than' if above else 'at least'} {low:g}" if low > -math.inf else ""
        upper = f"at most {high:g}" if high < math.inf else ""
        raise ValueError(f"{name} must be finite{''.join(', ' + part for part in (limits, upper) if part)}, found {value!r}.")
    return found
