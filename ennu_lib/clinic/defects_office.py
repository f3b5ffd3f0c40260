"""Totals that do not add up, and amounts that cannot be."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.defects_base import Damage, plants

SLIPS = (-100.0, -20.0, -9.0, 0.9, 10.0, 45.0, 90.0)
SMALL_SLIPS = {
    "package_credits": (1.0, 2.0, 5.0, -1.0),
    "score": (-12.0, -5.5, 4.0, 9.5),
    "bmi": (-4.0, -2.5, 3.0, 5.0),
}
HIGHEST = {"score": 100.0}


@plants("broken_total")
def broken_total(damage: Damage, column: str, rate: float) -> None:
    """A stored sum that differs from the sum of its parts; never below zero, never past its scale."""
    at = damage.rows(column, damage.filled(column), rate)
    stored = damage.columns[column].gather(at).cast(pl.Float64).to_numpy()
    slip = damage.rng.choice(SMALL_SLIPS.get(column, SLIPS), len(at))
    wrong = np.round(stored + slip, 2)
    wrong = np.where((wrong < 0) | (wrong > HIGHEST.get(column, np.inf)), np.round(stored - slip, 2), wrong)
    wrong = np.where(wrong < 0, stored + np.abs(slip), wrong)
    damage.put(column, at, pl.Series(wrong), "broken_total")


@plants("amount_out_of_range")
def amount_out_of_range(damage: Damage, column: str, rate: float) -> None:
    """Charges below zero that are no reversal, and charges of millions."""
    able = (damage.columns[column] > 0) & (damage.columns["transaction_type"] == "charge")
    at = damage.rows(column, able, rate)
    stored = damage.columns[column].gather(at).cast(pl.Float64).to_numpy()
    wrong = np.where(damage.rng.random(len(at)) < 0.5, -stored, np.round(stored * 10_000, 2))
    damage.put(column, at, pl.Series(wrong), "amount_out_of_range")
