"""JAX compiles anew for each shape and loss: there what takes longest is left to `make numerics`."""

from pathlib import Path

import keras
import pytest

LONG_ON_JAX = ("losses/test_contract.py", "losses/test_training.py", "clip/test_optimizer.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them as long."""
    if keras.backend.backend() != "jax":
        return
    here = Path(__file__).parent
    for item in items:
        if any(item.path == here / name for name in LONG_ON_JAX) or "second_derivative" in item.name:
            item.add_marker(pytest.mark.clinic)
