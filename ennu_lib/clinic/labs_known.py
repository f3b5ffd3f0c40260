"""What the old software knew of a patient on a day: which value of each biomarker its scores were made from.

It counted the newest value that had been entered by then. Of one day a corrected result came before a final one, a
laboratory's own before the clinic's, a later hour before an earlier, and a higher number before a lower. The graded
formula looked at the specimen as well.
"""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.labs_measures import MEASURES
from ennu_lib.clinic.labs_metrics import metric_index, metrics
from ennu_lib.clinic.labs_orders import FASTING
from ennu_lib.clinic.labs_results import MEASURED

ACUTE_CRP = 10
SPOILING_TRIGLYCERIDES = 400
DIRECT_ASSAY_UP_TO = 60
MORNING = (7 * 60, 10 * 60)
FASTING_METRICS = ("glucose_fasting", "insulin_fasting")
PREFERENCE = ("day", "is_corrected", "from_lab", "second", "key")


def known_values(chunk: Chunk) -> pl.DataFrame:
    """Every value on record, true as it was before any defect was planted.

    Columns: row, metric, day, value, entered (null: at once), test_code, those of PREFERENCE, and `graded`: whether the
    specimen lets the graded formula count it.
    """
    lab = (
        chunk.frames[MEASURED]
        .join(chunk.frames[FASTING], on="order_id", how="left", maintain_order="left")
        .select(
            *("row", "metric", "day", "value", "collected", "entered", "test_code", "is_corrected", "is_calculated"),
            "fasting_flag",
            key="result_id",
            from_lab=pl.lit(True),
        )
    )
    every = pl.concat([lab, chunk.frames[MEASURES].with_columns(from_lab=pl.lit(False))], how="diagonal_relaxed")
    second = pl.col("collected").dt.hour().cast(pl.Int32) * 3600 + pl.col("collected").dt.minute().cast(pl.Int32) * 60
    timed = every.with_columns(
        pl.col("day").cast(pl.Int32),
        pl.col("is_corrected", "is_calculated").fill_null(False),
        second=(second + pl.col("collected").dt.second()).fill_null(-1),
    )
    return timed.with_columns(graded=_counts(timed)).sort(*PREFERENCE)


def _counts(known: pl.DataFrame) -> pl.Series:
    """False where a specimen was taken fed, at the wrong hour, in acute illness, by another assay, or was spoiled."""
    at = metric_index()
    metric, minute = pl.col("metric"), pl.col("second") // 60
    fed = metric.is_in([at[code] for code in FASTING_METRICS]) & (pl.col("fasting_flag") == "N").fill_null(False)
    untimely = (metric == at["cortisol_am"]) & (minute > 0) & ~minute.is_between(*MORNING)
    acute = (metric == at["hs_crp"]) & (pl.col("value") > ACUTE_CRP)
    coded = pl.col("test_code").is_in(list(_direct_codes())).fill_null(False)
    other_assay = (metric == at["free_testosterone"]) & (pl.col("value") > DIRECT_ASSAY_UP_TO) & ~coded
    fatty = (metric == at["triglycerides"]) & (pl.col("value") >= SPOILING_TRIGLYCERIDES)
    spoiled = (metric == at["ldl_c"]) & pl.col("is_calculated") & fatty.any().over("row", "day")
    return known.select(~(fed | untimely | acute | other_assay | spoiled)).to_series()


@lru_cache(maxsize=1)
def _direct_codes() -> frozenset[str]:
    codes = metrics().filter(pl.col("metric_code") == "free_testosterone")["labcorp_codes"].item()
    return frozenset((codes or "").split("|")) - {""}


def newest(occasions: pl.DataFrame, known: pl.DataFrame, by: tuple[str, ...] = ()) -> pl.DataFrame:
    """For every score and biomarker (and each value of the columns `by`) the value that counted on its day.

    `occasions`: score, row, sex, day, created, is_late (what was entered later counts as well). Columns: score, sex,
    metric, value, measured (its day), day, quirk, and `by`.
    """
    of = occasions.lazy().select("score", "row", "sex", "created", "is_late", "quirk", on="day")
    rows = known.lazy().join(of, on="row", how="inner", maintain_order="left")
    in_time = pl.col("entered").is_null() | (pl.col("entered") <= pl.col("created")) | pl.col("is_late")
    return (
        rows.filter((pl.col("day") <= pl.col("on")) & in_time)
        .group_by("score", "metric", *by)
        .agg(pl.col("sex", "value", "on", "quirk").last(), measured=pl.col("day").last())
        .rename({"on": "day"})
        .collect()
    )
