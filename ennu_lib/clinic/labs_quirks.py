"""Scores that the old software computed otherwise than its own formula says: each way under a name of its own.

A share of the scores (`old_scores` of the parameters) carries one; `score_truth.parquet` names those that it changed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.labs_known import newest
from ennu_lib.clinic.labs_metrics import OPEN_HIGH, OPEN_LOW, alternative_units, metrics, range_limits

RENORMALISED, AGE_LIMIT, LATE = "renormalised", "age_limit", "late_input"
OTHER_UNIT, OTHER_SEX, TWO_CODES = "other_unit", "other_sex", "two_codes"
TRUNCATED, EARLIER_RANGE = "truncated", "earlier_range"
LEGACY_QUIRKS = (RENORMALISED, AGE_LIMIT, LATE, OTHER_UNIT, OTHER_SEX, TWO_CODES)
GRADED_QUIRKS = (TRUNCATED, EARLIER_RANGE, LATE)
OLDEST_DAYS = 365
FALLBACK_SPAN = 0.5

Values = pl.DataFrame


def with_quirks(chunk: Chunk, occasions: pl.DataFrame, graded_from: int) -> pl.DataFrame:
    """The occasions with `quirk`, null for most of them, and `is_late`."""
    draw = chunk.rng("25againhealthscores.quirks").random(len(occasions))
    graded = (occasions["day"] >= graded_from).to_numpy()
    quirk = pl.Series("quirk", [None] * len(occasions), dtype=pl.String)
    for names, mine in ((LEGACY_QUIRKS, ~graded), (GRADED_QUIRKS, graded)):
        start = 0.0
        for name in names:
            share = chunk.params.old_scores.get(name, 0.0)
            chosen = np.flatnonzero(mine & (draw >= start) & (draw < start + share))
            quirk = quirk.scatter(chosen, name)
            start += share
    return occasions.with_columns(quirk).with_columns(is_late=(pl.col("quirk") == LATE).fill_null(False))


def _of(quirk: str) -> pl.Expr:
    return (pl.col("quirk") == quirk).fill_null(False)


def age_limited(points: Values, known: pl.DataFrame) -> Values:
    """Values older than a year counted as never measured."""
    old = _of(AGE_LIMIT) & (pl.col("day") - pl.col("measured") > OLDEST_DAYS).fill_null(False)
    return points.with_columns(
        value=pl.when(~old).then("value"),
        measured=pl.when(~old).then("measured"),
        inside=pl.col("inside") & ~old,
        points=pl.when(old).then(0.0).otherwise("points"),
    )


def renormalised(points: Values, known: pl.DataFrame) -> Values:
    """Points of what was measured, as a share of what it could have earned."""
    measured = pl.when(pl.col("value").is_not_null()).then("weight").otherwise(0.0).sum().over("score")
    share = pl.when(_of(RENORMALISED) & (measured > 0)).then(100 / measured).otherwise(1.0)
    return points.with_columns(points=pl.col("points") * share)


def read_in_another_unit(points: Values, known: pl.DataFrame) -> Values:
    """One value was taken for the other unit of its metric, where that is still a value that a patient can have."""
    factors = pl.DataFrame(
        [(metric, factor) for metric, (_, factor) in alternative_units().items()],
        schema={"metric": pl.Int64, "factor": pl.Float64},
        orient="row",
    )
    read = points.join(factors, on="metric", how="left", maintain_order="left").with_columns(
        other=pl.col("value") * pl.col("factor"),
        lowest=metrics()["plausible_min"].gather(points["metric"]),
        highest=metrics()["plausible_max"].gather(points["metric"]),
    )
    possible = _of(OTHER_UNIT) & pl.col("other").is_between("lowest", "highest").fill_null(False)
    chosen = possible & (possible.cum_sum().over("score") == 1)
    inside = (pl.col("other") >= pl.col("low")) & ((pl.col("other") <= pl.col("high")) | pl.col("high_ok"))
    read = read.with_columns(chosen=chosen).with_columns(
        inside=pl.when("chosen").then(inside).otherwise("inside"),
        value=pl.when("chosen").then("other").otherwise("value"),
    )
    changed = pl.when("chosen").then(pl.when("inside").then("weight").otherwise(0.0)).otherwise("points")
    return read.with_columns(points=changed).drop("factor", "other", "chosen", "lowest", "highest")


def counted_per_code(points: Values, known: pl.DataFrame) -> Values:
    """One metric that stood under two laboratory codes earned its points under both."""
    of = points.filter(_of(TWO_CODES))
    if of.is_empty():
        return points
    occasions = of.select("score", "row", "sex", "day", "created", "is_late", "quirk").unique("score")
    coded = known.filter(pl.col("test_code").is_not_null())
    latest = newest(occasions, coded, ("test_code",)).sort("score", "metric", "measured", "test_code")
    others = latest.filter(pl.int_range(pl.len()).over("score", "metric") < pl.len().over("score", "metric") - 1)
    rules = of.select("score", "metric", "low", "high", "high_ok", "weight")
    judged = others.join(rules, on=["score", "metric"], how="inner", maintain_order="left")
    inside = (pl.col("value") >= pl.col("low")) & ((pl.col("value") <= pl.col("high")) | pl.col("high_ok"))
    judged = judged.with_columns(inside=inside).with_columns(points=pl.when("inside").then("weight").otherwise(0.0))
    first = judged.filter("inside").group_by("score").agg(pl.col("metric").min())
    return pl.concat([points, judged.join(first, on=["score", "metric"], how="semi")], how="diagonal")


POINT_QUIRKS: tuple[Callable[[Values, pl.DataFrame], Values], ...] = (
    age_limited,
    renormalised,
    read_in_another_unit,
    counted_per_code,
)


def with_earlier_ranges(chunk: Chunk, values: Values) -> Values:
    """One metric was scored by the version before the last: its range, its weight, and no zero points of its own."""
    versions = _versions_before(chunk)
    joined = values.join(versions, on=["metric", "sex"], how="left", maintain_order="left")
    possible = _of(EARLIER_RANGE) & pl.col("old_weight").is_not_null()
    chosen = possible & (possible.cum_sum().over("score") == 1)
    columns = ("low", "high", "zero_low", "zero_high")
    return joined.with_columns(
        *(pl.when(chosen).then(f"old_{name}").otherwise(name).alias(name) for name in columns),
        weight=pl.when(chosen).then(pl.col("old_weight") * pl.col("factor")).otherwise("weight"),
    ).drop(*(f"old_{name}" for name in (*columns, "weight")))


def _versions_before(chunk: Chunk) -> pl.DataFrame:
    """Per metric and sex the version before the last, where its range was another."""
    if "25againmetrichistory" not in chunk.reference:
        return _frame([])
    history = chunk.reference["25againmetrichistory"].sort("metric_id", "valid_from")
    rows = []
    for (metric,), versions in history.group_by("metric_id", maintain_order=True):
        for sex, column in (("M", "optimal_range_male"), ("F", "optimal_range_female")):
            if len(versions) > 1 and versions[column][-2] != versions[column][-1]:
                rows.append((metric - 1, sex, *_with_fallback(versions[column][-2]), versions["metric_weight"][-2]))
    return _frame(rows)


def _with_fallback(text: str) -> tuple[float, float, float | None, float | None]:
    """Range and zero points: half the range's width beyond each bound, or half the bound where there is one only."""
    low, high = range_limits(text)
    both = low > OPEN_LOW and high < OPEN_HIGH
    width = high - low if both else low if low > OPEN_LOW else high
    zero_low = low - FALLBACK_SPAN * width if low > OPEN_LOW else None
    return low, high, zero_low, high + FALLBACK_SPAN * width if high < OPEN_HIGH else None


def _frame(rows: list[tuple]) -> pl.DataFrame:
    numbers = ("old_low", "old_high", "old_zero_low", "old_zero_high", "old_weight")
    schema = {"metric": pl.Int64, "sex": pl.String, **dict.fromkeys(numbers, pl.Float64)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def quirk_names() -> list[str]:
    """Every way that the parameters may give a share for."""
    return sorted({*LEGACY_QUIRKS, *GRADED_QUIRKS})
