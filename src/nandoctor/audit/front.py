"""`nandoctor.audit`: from data to an `AuditResult`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nandoctor.findings import AuditResult


def audit(
    data: Any,
    labels: Any = None,
    *,
    loss: Any = None,
    model: Any = None,
    validation: Any = None,
    classes: int | None = None,
    ignore_class: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    replicas: int = 1,
    drop_remainder: bool = False,
    shuffled: bool = True,
    against: str | None = None,
    workers: int | None = None,
    engine: str = "threads",
) -> AuditResult:
    """Look at data once, and say what in them will make a training break.

    Args:
        data: arrays, or a dict of them; a path, glob or address; a `tf.data.Dataset`, a Keras `PyDataset`, a torch
            `Dataset` or `DataLoader`, a Hugging Face dataset.
        labels: the targets; of a file with named components, the name of theirs; of images, the folder of their masks.
        loss: a Keras or nandoctor loss, or its name.
        model: the model, compiled or not; of a compiled one the loss, too.
        validation: the validation data, as `data`: `(x, y)` for arrays.
        classes: how many there are, where neither model nor data say so.
        ignore_class: the label that counts for nothing.
        batch_size: rows of a batch.
        learning_rate: of plain gradient descent, to judge the scale of the data by.
        replicas: devices that share a batch.
        drop_remainder: whether a last batch with fewer rows is left out.
        shuffled: whether batches are drawn by chance.
        against: a profile that `nandoctor audit --save-profile` wrote: what has changed since is a finding.
        workers: threads, or tasks of a cluster; else one for each core.
        engine: who reads: `threads` of this machine, or `ray`, the machines of a cluster. Both find the same.

    Returns:
        What was found: `findings`, each with its cause, its rows and its repair, and what each of the
        `components` holds.

    Raises:
        NandoctorError: the data cannot be opened, or an argument is unknown.

    Example:
        >>> import numpy as np
        >>> x = np.ones((4, 3), np.float32)
        >>> x[2, 1] = np.nan
        >>> found = audit(x, np.array([0, 1, 0, 1]))
        >>> found.findings[0].cause, found.findings[0].rows
        ('nonfinite-input', (2,))
    """
    from nandoctor.audit.auditing import examine, wishes_of
    from nandoctor.audit.kept import read_kept
    from nandoctor.audit.readers.table import Request

    request = Request(data, labels, ignore_class)
    wishes = wishes_of(
        loss=loss,
        model=model,
        classes=classes,
        ignore_class=ignore_class,
        batch_size=batch_size,
        learning_rate=learning_rate,
        replicas=replicas,
        drop_remainder=drop_remainder,
        shuffled=shuffled,
    )
    base = None if against is None else read_kept(against, "against=")
    return examine(request, wishes, validation=validation, against=base, workers=workers, engine=engine).result
