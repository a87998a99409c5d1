"""Writes `healthy.csv`, and `faulty.csv` with six faults: what the page on the audit compares tools by.

python benchmarks/planted_table.py
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def healthy(rows: int = 2000) -> pd.DataFrame:
    """Five numbers of unit scale, and one of four classes."""
    draw = np.random.default_rng(0)
    names = ("area", "age", "income", "country", "height")
    table = pd.DataFrame({name: draw.normal(0, 1, rows) for name in names})
    table["label"] = draw.integers(0, 4, rows)
    return table


def spoilt(table: pd.DataFrame) -> pd.DataFrame:
    """A NaN, an infinity, another scale, a constant column, a class of none, and a row twice with two labels."""
    table = table.copy()
    table.loc[5, "area"] = np.nan
    table.loc[900, "age"] = np.inf
    table["income"] *= 1e6
    table["country"] = 1.0
    table.loc[77, "label"] = 7
    table.loc[1500] = table.loc[1200]
    table.loc[1500, "label"] = (table.loc[1200, "label"] + 1) % 4
    table["label"] = table["label"].astype(int)
    return table


if __name__ == "__main__":
    sound = healthy()
    sound.to_csv("healthy.csv", index=False)
    spoilt(sound).to_csv("faulty.csv", index=False)
