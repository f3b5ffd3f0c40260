"""Values so near a bound that they may have been counted on its other side."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import polars as pl

from ennu_lib.scores.formula import Formula
from ennu_lib.scores.intake import people_rows
from ennu_lib.scores.parity.params import Boundary
from ennu_lib.scores.parity.recompute import Recomputed

FULL = 100.0
SCHEMA = {
    "score_id": pl.String,
    "metric_id": pl.Int64,
    "how": pl.String,
    "value": pl.Float64,
    "weight": pl.Float64,
    "earned": pl.Float64,
}


def flipped(base: Recomputed, occasions: pl.DataFrame, formula: Formula, boundary: Boundary) -> pl.DataFrame:
    """Contributions with near values counted the other way, for every choice of near values: columns of SCHEMA.

    Under all-or-nothing sub-scores only: a linear one has no jump at its bounds. Of a score with more than
    `most_metrics` near values, the first are tried.
    """
    people = people_rows(occasions.lazy().select("sex", "as_of", patient_id="score_id"), occasions["as_of"].max(), 0)
    of = base.parts.join(people.select("basis", score_id="patient_id"), on="score_id")
    distinct = of.select("basis", "metric_code", "value").unique()
    near = [_is_near(formula, boundary, *row) for row in distinct.iter_rows()]
    close = of.join(distinct.filter(pl.Series(near, dtype=pl.Boolean)), on=distinct.columns, how="semi")
    rows = [
        (score, metric, how, value, weight, earned)
        for (score,), mine in close.sort("score_id", "metric_id").group_by("score_id", maintain_order=True)
        for how, metric, value, weight, earned in _choices(mine.head(boundary.most_metrics))
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _is_near(formula: Formula, boundary: Boundary, basis: str, code: str, value: float) -> bool:
    target = formula.rules[basis, code].target
    bounds = [bound for bound in (target.low, target.high) if bound is not None] if target else []
    return any(
        abs(Fraction(value) - bound) <= max(Fraction(boundary.absolute), Fraction(boundary.relative) * abs(bound))
        for bound in bounds
    )


def _choices(near: pl.DataFrame):
    """Every choice of near values, the smallest first: its name, and per value metric, value, weight and new points."""
    values = list(near.select("metric_id", "metric_code", "value", "weight", "earned").iter_rows())
    for size in range(1, len(values) + 1):
        for chosen in combinations(values, size):
            how = "at a bound: " + ", ".join(code for _, code, *_ in chosen)
            for metric, _, value, weight, earned in chosen:
                yield how, metric, value, weight, 0.0 if earned > 0 else FULL * weight
