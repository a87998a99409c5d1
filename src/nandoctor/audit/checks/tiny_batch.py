"""Batches of one row for a model that normalises by the batch."""

from __future__ import annotations

from collections.abc import Iterator

from nandoctor.audit.checks.batches import batch_sizes
from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.findings import Fact


def _examine(examined: Examined) -> Iterator[Found]:
    model, replicas = examined.wishes.model, max(1, examined.wishes.replicas)
    if model is None or not model.batch_norm:
        return
    sizes = batch_sizes(examined)
    tiny = {size: count for size, count in sizes.items() if size and -(-size // replicas) == 1}
    if not tiny:
        return
    batches, of = sum(tiny.values()), sum(sizes.values())
    spatial = model.input_shape is not None and len(model.input_shape) > 1
    each = "" if replicas == 1 else f" on each of {replicas:,} replicas"
    yield Found(
        cause="batchnorm-tiny-batch",
        # Of an image the statistics are over its pixels too: there is a spread, if a noisy one.
        severity="note" if spatial else "warning",
        summary=f"{batches:,} of {of:,} batches of an epoch {'has' if batches == 1 else 'have'} 1 row{each}, and the "
        "model normalises by the batch: the spread of one row is 0, what leaves the layer does not depend on what "
        "enters it, and its moving variance falls.",
        facts=(Fact(text=f"{batches:,} batches of 1 row", values={"batches": batches, "of": of}),),
        repair="Leave the last, incomplete batch out, or choose a batch size that leaves no single row."
        if batches < of
        else "Take larger batches, or normalise over what does not depend on the batch.",
        code="dataset.batch(batch_size, drop_remainder=True)"
        if batches < of
        else "keras.layers.GroupNormalization(groups=8)",
    )


CHECK = Check(_examine)
