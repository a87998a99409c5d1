"""A framework is recognised by the object in hand, never imported to find out."""

from __future__ import annotations

import sys
from typing import Any

from nandoctor.errors import NandoctorError
from nandoctor.findings import Location
from nandoctor.frameworks.protocol import Training


def keras_backend() -> str | None:
    """The backend of the Keras that the script has imported; None before that (also while it is being imported)."""
    keras: Any = sys.modules.get("keras")
    return keras.backend.backend() if hasattr(keras, "backend") and hasattr(keras, "optimizers") else None


def training_of(model: Any, fit_location: Location | None) -> Training:
    """The training of a model, by the framework that the model belongs to.

    Raises:
        NandoctorError: the model is of a framework that the guard does not know yet.
    """
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(model, keras.Model):
        raise NandoctorError(f"Guard watches a keras.Model (Keras 3); this is a {type(model).__module__} object.")
    if keras_backend() != "tensorflow":
        raise NandoctorError(f"Guard watches Keras on TensorFlow; the backend here is {keras_backend()}.")
    from nandoctor.frameworks.keras.training import KerasTraining

    return KerasTraining(model, fit_location)
