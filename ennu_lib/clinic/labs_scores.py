"""Stored health scores: what the old system computed from the values it knew on the day, with every contribution.

Until `GRADED_FROM` the score was the sum of points of the biomarkers inside their range (`legacy_score.csv`); since
then it is the weighted mean of linear sub-scores over all measured biomarkers. Both are computed from the true values,
before any defect is planted. A share of the scores (`old_scores` of the parameters) was computed otherwise.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.labs_known import known_values, newest
from ennu_lib.clinic.labs_metrics import limits, metric_index, metrics
from ennu_lib.clinic.labs_quirks import (
    OTHER_SEX,
    POINT_QUIRKS,
    TRUNCATED,
    with_earlier_ranges,
    with_quirks,
)
from ennu_lib.clinic.labs_results import MEASURED
from ennu_lib.clinic.people_draw import (
    any_seconds,
    clinic_table,
    day_number,
    moments,
    sample,
    sometimes,
    word_wheel,
)
from ennu_lib.clinic.people_registrations import registrations

GRADED_FROM = 20_332  # 2025-09-01
CLASS_FACTOR = {"critical": 1.5, "significant": 1.0, "moderate": 0.5}
ADULT_DAYS = 18 * 365.25
STALE_DAYS = 365
FRESH_DAYS = {"Vitals": 90, "Body Composition": 90}
LEAST_COVERAGE, LEAST_METRICS = 0.5, 8
DETAIL = ("score", "metric", "value", "measured", "inside", "weight", "points")


def health_scores(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againhealthscores` and `25againhealthscoredetails`."""
    rng = chunk.rng("25againhealthscores")
    occasions = _occasions(rng, chunk)
    known = known_values(chunk)
    plain = _details(chunk, occasions.with_columns(quirk=pl.lit(None, pl.String), is_late=pl.lit(False)), known)
    occasions = _with_effect(chunk, occasions, known, plain)
    details = _details(chunk, occasions, known)
    totals = _totals(details, occasions)
    keys = chunk.take_keys("25againhealthscores", len(totals))
    totals = totals.with_columns(pl.Series("health_score_id", keys))
    details = details.join(totals.select("score", "health_score_id"), on="score", how="inner", maintain_order="left")
    chunk.labels.add_scores(totals.drop_nulls("quirk").select("health_score_id", way="quirk"))
    return {
        "25againhealthscores": _score_frame(chunk, rng, totals),
        "25againhealthscoredetails": _detail_frame(chunk, details),
    }


def _occasions(rng: np.random.Generator, chunk: Chunk) -> pl.DataFrame:
    """When scores were computed: some days after results came in.

    Columns score (0 …), row, person, sex, day, created, is_late, quirk.
    """
    people = registrations(chunk)
    drawn = chunk.frames[MEASURED].select("row", "day").unique(maintain_order=True)
    born = people["true_birth_day"].gather(drawn["row"])
    drawn = drawn.filter((drawn["day"] - born) > ADULT_DAYS)
    wanted = chunk.rows_for("25againhealthscores")
    again = (
        np.sort(rng.integers(0, max(len(drawn), 1), max(wanted - len(drawn), 0))) if len(drawn) else np.empty(0, int)
    )
    at = np.sort(np.r_[sample(rng, len(drawn), wanted), again])
    row = drawn["row"].to_numpy()[at]
    day = np.minimum(drawn["day"].to_numpy()[at] + rng.integers(3, 40, len(at)), day_number(chunk.as_of))
    frame = pl.DataFrame(
        {
            "row": row,
            "person": people["person"].to_numpy()[row],
            "sex": people["sex"].gather(row),
            "day": day.astype(np.int32),
        }
    ).unique(["row", "day"], keep="first", maintain_order=True)
    frame = frame.sort("day", "row").with_row_index("score")
    created = moments(frame["day"].to_numpy(), any_seconds(rng, len(frame)))
    return with_quirks(chunk, frame.with_columns(created=created), GRADED_FROM)


def _with_effect(chunk: Chunk, occasions: pl.DataFrame, known: pl.DataFrame, plain: pl.DataFrame) -> pl.DataFrame:
    """The occasions without those quirks that change nothing: nobody could tell that they were there."""
    odd = occasions.filter(pl.col("quirk").is_not_null())
    before = plain.join(odd, on="score", how="semi").group_by("score").agg(before=pl.col("points").sum())
    after = _totals(_details(chunk, odd, known), odd).join(before, on="score", how="left")
    graded = pl.col("day") >= GRADED_FROM
    same = _rounded(pl.col("total"), graded, pl.col("quirk") == TRUNCATED) == _rounded(
        pl.col("before"), graded, pl.lit(False)
    )
    told = after.filter(~same.fill_null(False)).select("score", told=pl.lit(True))
    marked = occasions.join(told, on="score", how="left", maintain_order="left")
    told = pl.col("told").fill_null(False)
    return marked.with_columns(quirk=pl.when(told).then("quirk"), is_late=told & pl.col("is_late")).drop("told")


def _details(chunk: Chunk, occasions: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Every contribution to every score, by the columns of DETAIL."""
    other = {"M": "F", "F": "M"}
    sexed = occasions.with_columns(
        sex=pl.when(pl.col("quirk") == OTHER_SEX).then(pl.col("sex").replace(other)).otherwise("sex")
    )
    old, new = sexed.filter(pl.col("day") < GRADED_FROM), sexed.filter(pl.col("day") >= GRADED_FROM)
    values = newest(old, known)
    points = _points(_cells(old, values))
    for quirk in POINT_QUIRKS:
        points = quirk(points, known)
    graded = _graded(chunk, newest(new, known.filter("graded")))
    return pl.concat([points.select(DETAIL), graded.select(DETAIL)]).sort("score", "metric", maintain_order=True)


def _cells(occasions: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """Every biomarker of the old formula for every score, measured or not."""
    of = occasions.select("score", "row", "sex", "day", "created", "is_late", "quirk")
    every = of.join(_point_rules().select("metric", "sex"), on="sex", how="inner", maintain_order="left")
    return every.join(
        values.select("score", "metric", "value", "measured"),
        on=["score", "metric"],
        how="left",
        maintain_order="left",
    )


@lru_cache(maxsize=1)
def _point_rules() -> pl.DataFrame:
    rules = clinic_table("legacy_score")
    return rules.select(
        pl.col("metric_code").replace_strict(metric_index(), return_dtype=pl.Int64).alias("metric"),
        "sex",
        *[pl.col(name).cast(pl.Float64) for name in ("points", "low", "high")],
        (pl.col("high_ok") == "Y").alias("high_ok"),
    )


def _points(values: pl.DataFrame) -> pl.DataFrame:
    """Points of the old formula: all or nothing; a biomarker that was never measured earns nothing."""
    joined = values.join(_point_rules(), on=["metric", "sex"], how="inner", maintain_order="left")
    inside = (pl.col("value") >= pl.col("low")) & ((pl.col("value") <= pl.col("high")) | pl.col("high_ok"))
    return joined.with_columns(inside.fill_null(False).alias("inside"), weight="points").with_columns(
        points=pl.when("inside").then("weight").otherwise(0.0)
    )


@lru_cache(maxsize=1)
def _graded_rules() -> pl.DataFrame:
    """Per metric and sex: optimum, the points where the sub-score is 0, and the weight."""
    frame = metrics()
    parts = []
    for number, (code, sex) in enumerate((("M", "male"), ("F", "female"))):
        low, high = np.moveaxis(limits("optimal_range")[number], -1, 0)
        parts.append(
            pl.DataFrame(
                {
                    "metric": np.arange(len(frame)),
                    "sex": [code] * len(frame),
                    "low": low,
                    "high": high,
                    "zero_low": frame[f"zero_low_{sex}"].cast(pl.Float64),
                    "zero_high": frame[f"zero_high_{sex}"].cast(pl.Float64),
                    "applies": (frame[f"optimal_range_{sex}"] != "N/A"),
                    "factor": frame["significance_class"].replace_strict(CLASS_FACTOR),
                    "weight": frame["metric_weight"] * frame["significance_class"].replace_strict(CLASS_FACTOR),
                    "fresh": frame["metric_type"].replace_strict(FRESH_DAYS, default=180, return_dtype=pl.Int64),
                    "code": frame["metric_code"],
                }
            )
        )
    return pl.concat(parts).filter("applies")


def _graded(chunk: Chunk, values: pl.DataFrame) -> pl.DataFrame:
    """Contributions of the graded formula; they add up to the score before rounding."""
    joined = values.join(_graded_rules(), on=["metric", "sex"], how="inner", maintain_order="left")
    joined = with_earlier_ranges(chunk, joined.sort("score", "metric"))
    age = pl.col("day") - pl.col("measured")
    lasting = pl.col("code") == "lp_a"
    joined = joined.filter(lasting | (age <= STALE_DAYS))
    freshness = pl.when(lasting | (age <= pl.col("fresh"))).then(1.0).otherwise(0.5)
    short = 100 * (pl.col("value") - pl.col("zero_low")) / (pl.col("low") - pl.col("zero_low"))
    over = 100 * (pl.col("zero_high") - pl.col("value")) / (pl.col("zero_high") - pl.col("high"))
    sub = (
        pl.when(pl.col("value") < pl.col("low"))
        .then(short.fill_null(100.0))
        .when(pl.col("value") > pl.col("high"))
        .then(over.fill_null(100.0))
        .otherwise(100.0)
    )
    joined = joined.with_columns((pl.col("weight") * freshness).alias("effective"), sub.clip(0, 100).alias("sub"))
    share = pl.col("effective") / pl.col("effective").sum().over("score")
    inside = (pl.col("value") >= pl.col("low")) & (pl.col("value") <= pl.col("high"))
    enough = (
        (pl.len().over("score") >= LEAST_METRICS)
        & (pl.col("metric") < metric_index()["tsh"]).any().over("score")
        & pl.col("code").is_in(_metabolic()).any().over("score")
    )
    return joined.filter(enough).with_columns(
        inside.alias("inside"), pl.col("effective").alias("weight"), (share * pl.col("sub")).alias("points")
    )


@lru_cache(maxsize=1)
def _metabolic() -> list[str]:
    return metrics().filter(pl.col("metric_type") == "Metabolic")["metric_code"].to_list()


def _totals(details: pl.DataFrame, occasions: pl.DataFrame) -> pl.DataFrame:
    """Scores with at least one measured biomarker; graded ones only with enough of the weight measured."""
    applicable = _graded_rules().group_by("sex").agg(pl.col("weight").sum().alias("applicable"))
    measured = pl.col("value").is_not_null()
    sums = details.group_by("score", maintain_order=True).agg(
        pl.col("points").sum().alias("total"),
        measured.sum().alias("metrics_counted"),
        pl.when(measured).then("weight").otherwise(0.0).sum().alias("measured_weight"),
        pl.col("weight").sum().alias("all_weight"),
    )
    scores = occasions.join(sums, on="score", how="inner", maintain_order="left").join(applicable, on="sex", how="left")
    graded = pl.col("day") >= GRADED_FROM
    scores = scores.with_columns(
        graded.alias("graded"),
        (pl.col("measured_weight") / pl.when(graded).then("applicable").otherwise("all_weight")).alias("coverage"),
    )
    return scores.filter((pl.col("metrics_counted") > 0) & (~pl.col("graded") | (pl.col("coverage") >= LEAST_COVERAGE)))


def _rounded(total: pl.Expr, graded: pl.Expr, truncated: pl.Expr) -> pl.Expr:
    """As the old system wrote it: whole points before, tenths since, halves upwards, but for a truncated one."""
    # Sums of binary fractions end a hair below the tie that they stand for.
    half = pl.when(truncated.fill_null(False)).then(0.0).otherwise(0.5) + 1e-9
    return pl.when(graded).then((total * 10 + half).floor() / 10).otherwise((total + half).floor())


def _score_frame(chunk: Chunk, rng: np.random.Generator, totals: pl.DataFrame) -> pl.DataFrame:
    people = registrations(chunk)
    n = len(totals)
    members = (
        chunk.frames["25againmembers"].select("patient_id", "member_id") if "25againmembers" in chunk.frames else None
    )
    patient = totals.select(people["patient_id"].gather(totals["row"]).alias("patient_id"))
    member = (
        patient.join(members, on="patient_id", how="left", maintain_order="left")["member_id"]
        if members is not None
        else None
    )
    return totals.select(
        "health_score_id",
        patient["patient_id"],
        (member if member is not None else pl.lit(None, pl.Int64)).alias("member_id"),
        pl.from_epoch("day", time_unit="d").alias("score_date"),
        _rounded(pl.col("total"), pl.col("graded"), pl.col("quirk") == TRUNCATED).alias("score"),
        pl.when("graded")
        .then(pl.lit("hs-graded-v1"))
        .otherwise(pl.lit("hs-legacy-binary-2016"))
        .alias("formula_version"),
        "metrics_counted",
        pl.col("coverage").clip(0, 1),
        pl.col("sex").alias("gender_used"),
        sometimes(rng, word_wheel("outcome", "note_words").draw(rng, n), 0.9).alias("score_note"),
        pl.col("created").alias("created_at"),
        moments(totals["day"].to_numpy(), 86_000).alias("last_updated"),
    )


def _detail_frame(chunk: Chunk, details: pl.DataFrame) -> pl.DataFrame:
    n = len(details)
    return details.select(
        pl.Series("score_detail_id", chunk.take_keys("25againhealthscoredetails", n)),
        "health_score_id",
        metrics()["metric_id"].gather(details["metric"]),
        pl.col("value").alias("metric_value"),
        metrics()["measurement_unit"].gather(details["metric"]).alias("metric_unit"),
        pl.from_epoch("measured", time_unit="d").alias("metric_date"),
        pl.when("inside").then(pl.lit("Y")).otherwise(pl.lit("N")).alias("in_range"),
        pl.col("weight").alias("metric_weight"),
        "points",
    )
