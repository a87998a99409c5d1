"""Batches without a row: all of them, some, or the part that a replica gets."""

from __future__ import annotations

from collections.abc import Iterator

from nandoctor.audit.checks.batches import batch_sizes
from nandoctor.audit.checks.check import Check, Examined, Found
from nandoctor.findings import Fact


def _examine(examined: Examined) -> Iterator[Found]:
    yield from _no_row(examined)
    yield from _none_at_all(examined)
    yield from _empty_ones(examined)
    yield from _empty_parts(examined)


def _no_row(examined: Examined) -> Iterator[Found]:
    profile = examined.profile
    if profile.rows or profile.broken or profile.failed:
        return
    yield Found(
        cause="empty-batch",
        severity="error",
        summary="There is no row in the data: nothing is trained, and a mean over them is 0/0.",
        facts=(Fact(text="0 rows", values={"rows": 0}),),
        repair="Look at what fills them: a filter, a split, take, skip or drop_remainder.",
    )


def _none_at_all(examined: Examined) -> Iterator[Found]:
    rows, size = examined.profile.rows, examined.wishes.batch_size
    if not examined.wishes.drop_remainder or not size or not 0 < rows < size:
        return
    if examined.about.batches or examined.profile.broken:
        return
    yield Found(
        cause="empty-batch",
        severity="error",
        summary=f"{rows:,} rows are less than one batch of {size:,}, and an incomplete batch is left out: there is no "
        "batch at all, and nothing is trained.",
        facts=(Fact(text=f"{rows:,} rows, batches of {size:,}", values={"rows": rows, "batch_size": size}),),
        repair=f"Take batches of at most {rows:,} rows, or keep the incomplete one.",
        code=f"dataset.batch({rows}, drop_remainder=True)",
    )


def _empty_ones(examined: Examined) -> Iterator[Found]:
    empty = examined.about.batches.get(0, 0)
    if not empty:
        return
    yield Found(
        cause="empty-batch",
        severity="error",
        summary=f"{empty:,} batches have no row: the mean of their loss is 0/0.",
        facts=(Fact(text=f"{empty:,} batches of 0 rows", values={"batches": empty}),),
        repair="Leave empty batches out where they arise.",
        code="dataset.filter(lambda x, y: tf.shape(x)[0] > 0)",
    )


def _empty_parts(examined: Examined) -> Iterator[Found]:
    """A batch is given to the replicas in equal parts, rounded up, one after the other: the last may get none."""
    replicas = examined.wishes.replicas
    if replicas < 2:
        return
    sizes = batch_sizes(examined)
    short = {size: count for size, count in sizes.items() if size and without_rows(size, replicas)}
    if not short:
        return
    size = min(short)
    none, batches = without_rows(size, replicas), sum(short.values())
    yield Found(
        cause="empty-batch",
        severity="warning",
        summary=f"Of the {sum(sizes.values()):,} batches of an epoch {batches:,} {'is' if batches == 1 else 'are'} too "
        f"small for {replicas:,} replicas: {size:,} rows leave {none:,} without any, and a mean over no rows is 0/0.",
        facts=(
            Fact(
                text=f"{size:,} rows in parts of {-(-size // replicas):,}: without rows: {none:,}",
                values={"rows": size, "replicas": replicas, "without": none},
            ),
        ),
        repair="Leave the last, incomplete batch out, or choose a batch size that divides the rows.",
        code="dataset.batch(batch_size, drop_remainder=True)",
    )


def without_rows(rows: int, replicas: int) -> int:
    """How many replicas get nothing of a batch (seen with `tf.distribute`).

    >>> without_rows(10, 4), without_rows(6, 4), without_rows(2, 4)
    (0, 1, 2)
    """
    each = -(-rows // replicas)
    return replicas - -(-rows // each) if rows else replicas


CHECK = Check(_examine)
