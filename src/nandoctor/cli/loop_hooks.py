"""Where the watch over loops goes into a script: as it imports its frameworks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from nandoctor.cli.randomness import Chance
from nandoctor.frameworks.imports import when_imported
from nandoctor.frameworks.recognise import keras_backend


@contextlib.contextmanager
def hooks(
    follower: Callable[[], Any],
    chance: Chance,
    stack: contextlib.ExitStack,
    keep: Callable[[Any], None],
    *,
    strict: bool = False,
) -> Iterator[None]:
    """The watch goes in as the frameworks are imported; `strict`: an error of its own is not to be passed over."""
    made: list[Any] = []
    optimizers: list[Any] = []

    def tensorflow() -> None:
        from nandoctor.frameworks.tensorflow.loops import Loops

        made.append(stack.enter_context(Loops(follower(), strict=strict).watching(chance.seed)))
        keep(made[0])
        keras()

    def keras() -> None:
        """Keras may be imported while TensorFlow is, or after it."""
        if not made or optimizers or keras_backend() != "tensorflow":
            return
        from nandoctor.frameworks.keras.loop_hooks import watching_optimizers

        optimizers.append(stack.enter_context(watching_optimizers(made[0])))

    with when_imported("tensorflow", tensorflow), when_imported("keras", keras):
        yield
