"""From measures to what a network learns from: whole rows, at unit scale by the training part's statistics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nandoctor.clinic.dense.tables import Table


def as_it_is(table: Table) -> Table:
    """All rows, inputs and targets of any scale."""
    return table


def whole_rows(table: Table) -> Table:
    """The rows without a missing value."""
    train, valid = (np.isfinite(x).all(axis=1) for x in (table.x, table.x_valid))
    return Table(table.x[train], table.y[train], table.x_valid[valid], table.y_valid[valid])


def standardised(table: Table) -> Table:
    """Each column by its mean and spread over the training part; one that never changes becomes 0."""
    mean, spread = table.x.mean(axis=0), table.x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return replace(table, x=(table.x - mean) / spread, x_valid=(table.x_valid - mean) / spread)


def standardised_targets(table: Table) -> Table:
    """The targets by their mean and spread over the training part."""
    mean, spread = table.y.mean(), table.y.std()
    return replace(table, y=(table.y - mean) / spread, y_valid=(table.y_valid - mean) / spread)


def one_value_missing(table: Table) -> Table:
    """A measure of the training part was not taken."""
    x = table.x.copy()
    x[7, 3] = np.nan
    return replace(table, x=x)
