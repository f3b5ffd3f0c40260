"""Points in millionths, and whether they agree with a stored score to its last decimal."""

from __future__ import annotations

import polars as pl

from ennu_lib.scores.parity.classes import ParityClass
from ennu_lib.scores.result import CONTRIBUTION_DECIMALS

POINT = 10**CONTRIBUTION_DECIMALS


def units_of(decimals: pl.Expr) -> pl.Expr:
    """One unit of the last stored decimal, in millionths of a point."""
    sizes = {places: 10 ** (CONTRIBUTION_DECIMALS - places) for places in range(CONTRIBUTION_DECIMALS + 1)}
    return decimals.cast(pl.Int64).replace_strict(sizes, default=1, return_dtype=pl.Int64)


def half_up(points: pl.Expr, unit: pl.Expr) -> pl.Expr:
    """Points rounded to whole units, halves upwards."""
    return (points * 2 + unit) // (unit * 2) * unit


def agreement(points: pl.Expr, stored: pl.Expr, decimals: pl.Expr) -> pl.Expr:
    """EXACT, ROUNDING or null: whether points, rounded to the stored precision in one of three ways, are the score.

    All three in millionths of a point. Rounding half up is exact; truncation and half-even are the ways in which other
    software rounds, and are within one unit.
    """
    unit = units_of(decimals)
    floor = points // unit * unit
    tie_to_even = pl.when((points % unit * 2 == unit) & (points // unit % 2 == 0)).then(floor)
    otherwise = (floor == stored) | (tie_to_even == stored).fill_null(False)
    return (
        pl.when(half_up(points, unit) == stored)
        .then(pl.lit(ParityClass.EXACT.value))
        .when(otherwise)
        .then(pl.lit(ParityClass.ROUNDING.value))
    )


def as_millionths(points: pl.Expr) -> pl.Expr:
    """A number of points as a whole number of millionths; null where it is no number."""
    return (points.cast(pl.Float64, strict=False) * POINT).round().cast(pl.Int64, strict=False)


def decimals_of(points: pl.Expr) -> pl.Expr:
    """How many decimals a number of millionths has; those that a binary number adds beyond them are not there."""
    whole = [pl.when(points % 10 ** (CONTRIBUTION_DECIMALS - n) == 0).then(n) for n in range(CONTRIBUTION_DECIMALS)]
    return pl.coalesce(*whole, pl.lit(CONTRIBUTION_DECIMALS)).cast(pl.Int64)


def last_place(points: pl.Series) -> float:
    """One unit of the last decimal in which any of the points differ, and a hair, so that half of it is inside."""
    points = points.filter(points.is_finite())
    for places in range(CONTRIBUTION_DECIMALS):
        if ((points - points.round(places)).abs() < 10.0**-CONTRIBUTION_DECIMALS).all():
            return 10.0**-places * (1 + 10.0**-CONTRIBUTION_DECIMALS)
    return 10.0**-CONTRIBUTION_DECIMALS * 2
