"""The sums of the vectorised engine, in 128-bit integers.

A sub-score is a whole multiple of `1 / subscore_scale`, an effective weight of `1 / weight_scale`; their products and
sums are exact. Only a sub-score that is no such multiple carries an error, at most half a unit, so a rounded figure can
be wrong only where the true one lies within one unit of a tie. Such patients are marked; the exact engine settles them.
"""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from ennu_lib.catalog.biomarkers import CATEGORIES
from ennu_lib.scores.exact import OPTIMAL_STATUS, flags_of
from ennu_lib.scores.formula import BASES, WEIGHT_DECIMALS, Formula
from ennu_lib.scores.frames import CATEGORY_COLUMNS, CRITICAL_FLAGS
from ennu_lib.scores.intake import Readings
from ennu_lib.scores.result import (
    CONTRIBUTION_DECIMALS,
    DETAIL_KEYS,
    SUBSCORE_DECIMALS,
    VALUE_DECIMALS,
    flags_text,
    half_up,
    plain,
    rounded_units,
)

WIDE = pl.Int128


def scored_readings(counted: pl.DataFrame, readings: Readings, formula: Formula) -> pl.DataFrame:
    """Sub-score, canonical value and remarks of every distinct (reading, basis) among the counted rows."""
    distinct = counted.select("reading", "basis").unique()
    rows = [_scored(readings, number, basis, formula) for number, basis in distinct.iter_rows()]
    schema = {
        "points": WIDE,
        "inexact": pl.Boolean,
        "subscore": pl.Decimal(38, SUBSCORE_DECIMALS),
        "canonical": pl.Decimal(38, VALUE_DECIMALS),
        "canonical_text": pl.String,
        "comparator": pl.String,
        "optimal_status": pl.String,
        "flags": pl.String,
        "critical": pl.Boolean,
    }
    return distinct.hstack(pl.DataFrame(rows, schema=schema, orient="row"))


def _scored(readings: Readings, number: int, basis: str, formula: Formula) -> tuple:
    reading, code = readings.by_number[number], readings.code_of[number]
    subscore = formula.subscore(basis, code, reading.value)
    points = rounded_units(subscore, formula.subscore_scale)
    side = formula.rules[basis, code].target.side(reading.value)
    value = half_up(reading.value, VALUE_DECIMALS)
    return (
        points,
        formula.subscore_scale % subscore.denominator != 0,
        half_up(subscore, SUBSCORE_DECIMALS),
        value,
        plain(value),
        reading.comparator,
        OPTIMAL_STATUS[side],
        flags_text(flags_of(reading.flags, outside=side != 0, context_unknown=False)),
        any(flag in CRITICAL_FLAGS for flag in reading.flags),
    )


def weight_rows(formula: Formula) -> pl.DataFrame:
    """Whole-number weights per basis and metric, days of full weight, and the names that a contribution carries."""
    rows = [
        {
            "basis": basis,
            "metric_id": b.metric_id,
            "category": b.category,
            "canonical_unit": b.unit,
            "weight": int(formula.rules[basis, b.code].weight * formula.weight_scale),
            "full_days": formula.freshness[b.code].full_days,
        }
        for basis in BASES
        for b in formula.catalogue
    ]
    return pl.DataFrame(rows, schema_overrides={"full_days": pl.Int32})


def denominators(formula: Formula) -> pl.DataFrame:
    """Per basis, the weight of all metrics that could count; 1 where there is none, so that nothing divides by 0."""
    weights = [max(1, int(formula.applicable_weight[basis] * formula.weight_scale)) for basis in BASES]
    return pl.DataFrame({"basis": BASES, "applicable": weights}, schema={"basis": pl.String, "applicable": pl.Int64})


def contributions_of(counted: pl.DataFrame, readings: Readings, formula: Formula) -> pl.DataFrame:
    """Counted rows with effective weight, share of the score and headroom; `close` marks unsafe roundings."""
    scale = formula.subscore_scale
    fresh = pl.col("full_days").is_null() | (pl.col("age") <= pl.col("full_days"))
    rows = (
        counted.lazy()
        .join(scored_readings(counted, readings, formula).lazy(), on=["reading", "basis"])
        .join(weight_rows(formula).lazy(), on=["basis", "metric_id"])
        .join(denominators(formula).lazy(), on="basis")
        .with_columns(effective=pl.when(fresh).then(pl.col("weight")).otherwise(pl.col("weight") // 2))
        .sort("person", "metric_id")
        .with_columns(product=pl.col("effective").cast(WIDE) * pl.col("points").cast(WIDE))
        .with_columns(divisor=_divisor(formula).cast(WIDE), partial=pl.col("product").cum_sum().over("person"))
        .with_columns(
            upto=rounded("partial", CONTRIBUTION_DECIMALS, scale),
            unused=pl.col("effective").cast(WIDE) * pl.lit(100 * formula.subscore_scale, WIDE) - pl.col("product"),
            inexact_so_far=pl.col("inexact").cum_max().over("person"),
        )
        .with_columns(
            contribution=pl.col("upto") - pl.col("upto").shift(1, fill_value=0).over("person"),
            headroom=rounded("unused", CONTRIBUTION_DECIMALS, scale),
            close=too_close("partial", CONTRIBUTION_DECIMALS, scale, "inexact_so_far")
            | too_close("unused", CONTRIBUTION_DECIMALS, scale, "inexact"),
        )
        .with_columns(
            as_points(pl.col("contribution", "headroom"), CONTRIBUTION_DECIMALS),
            weight_used=_as_weight(pl.col("weight"), formula),
            effective_weight=_as_weight(pl.col("effective"), formula),
        )
        .with_columns(detail=_detail())
    )
    return rows.collect()


def _as_weight(units: pl.Expr, formula: Formula) -> pl.Expr:
    return as_points(units * (10**WEIGHT_DECIMALS // formula.weight_scale), WEIGHT_DECIMALS)


def _detail() -> pl.Expr:
    """The entry of a contribution list, as `Contribution.detail` writes it."""
    weight = pl.col("effective_weight").cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")
    subscore, contribution = pl.col("subscore").cast(pl.String), pl.col("contribution").cast(pl.String)
    values = (pl.col("metric_id").cast(pl.String), pl.col("canonical_text"), subscore, weight, contribution)
    parts = [pl.concat_str(pl.lit(f'"{key}":'), value) for key, value in zip(DETAIL_KEYS, values, strict=True)]
    return pl.concat_str(pl.lit("{"), pl.concat_str(parts, separator=","), pl.lit("}"))


def _divisor(formula: Formula) -> pl.Expr:
    if formula.preset.missing_policy == "zero_points":
        return pl.col("applicable")
    return pl.col("effective").sum().over("person")


def rounded(total: str, decimals: int, scale: int) -> pl.Expr:
    """`total / divisor` in units of the last decimal, half up; `total` is in units of `1 / scale`."""
    unit = pl.col("divisor") * pl.lit(scale, WIDE)
    return (pl.col(total) * pl.lit(2 * 10**decimals, WIDE) + unit) // (unit * 2)


def too_close(total: str, decimals: int, scale: int, inexact: str) -> pl.Expr:
    """True where a sum with an error of half a unit per weight lies too near a tie to be rounded safely."""
    unit = pl.col("divisor") * pl.lit(scale, WIDE)
    over = (pl.col(total) * pl.lit(2 * 10**decimals, WIDE) + unit) % (unit * 2)
    reach = pl.col("divisor") * pl.lit(10**decimals, WIDE)
    return pl.col(inexact) & ((over <= reach) | (over >= unit * 2 - reach))


def as_points(units: pl.Expr, decimals: int) -> pl.Expr:
    """Whole units of the last decimal as a Decimal with that many decimals."""
    one = pl.lit(f"{Decimal(1).scaleb(-decimals):f}").cast(pl.Decimal(38, decimals))
    return units.cast(pl.Decimal(38, decimals)) * one


def totals_of(contributions: pl.DataFrame, formula: Formula) -> pl.DataFrame:
    """One row per patient with at least one counted metric: composite, coverage and contribution list, as integers."""
    decimals, scale = formula.preset.decimals, formula.subscore_scale
    return (
        contributions.lazy()
        .group_by("person", maintain_order=True)
        .agg(
            pl.col("divisor").first(),
            pl.col("product").sum().alias("total"),
            pl.col("weight").sum().alias("covered"),
            pl.len().cast(pl.Int64).alias("metrics_scored"),
            pl.col("inexact").any(),
            pl.col("critical").sum().cast(pl.Int64).alias("critical_values"),
            pl.col("close").any(),
            pl.concat_str(pl.lit("["), pl.col("detail").str.join(","), pl.lit("]")).alias("contribution_detail"),
            *((pl.col("category") == c).any().alias(f"has {c}") for c in formula.preset.required_categories),
        )
        .with_columns(
            composite=rounded("total", decimals, scale),
            unrounded=rounded("total", CONTRIBUTION_DECIMALS, scale),
            close=pl.col("close") | too_close("total", decimals, scale, "inexact"),
        )
        .collect()
    )


def categories_of(contributions: pl.DataFrame, formula: Formula) -> pl.DataFrame:
    """Category scores, one column each in units of the last decimal, and `close_category`."""
    decimals, scale = formula.preset.decimals, formula.subscore_scale
    by_category = (
        contributions.lazy()
        .group_by("person", "category")
        .agg(pl.col("product").sum(), pl.col("effective").sum().cast(WIDE).alias("divisor"), pl.col("inexact").any())
        .with_columns(
            score=rounded("product", decimals, scale).cast(pl.Int64),
            close=too_close("product", decimals, scale, "inexact"),
        )
    )
    columns = [
        pl.col("score").filter(pl.col("category") == category).first().alias(CATEGORY_COLUMNS[category])
        for category in CATEGORIES
    ]
    return by_category.group_by("person").agg(*columns, pl.col("close").any().alias("close_category")).collect()
