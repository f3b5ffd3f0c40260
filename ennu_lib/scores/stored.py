"""Scores that the source stored, passed through verbatim beside ours; how well the two agree is judged elsewhere."""

from __future__ import annotations

import polars as pl

from ennu_lib.scores.metric_names import Columns

TABLE = "25againhealthscores"


def stored_scores(table: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of `25againhealthscores`, every value as the text it is.

    Columns: patient_id, score_date, composite_score_source, source_formula_version, source_table, source_id.
    """
    columns = Columns(TABLE, table)
    return table.select(
        patient_id=columns.required("patient_id"),
        score_date=columns.required("score_date"),
        composite_score_source=columns.required("score"),
        source_formula_version=columns.text("formula_version"),
        source_table=pl.lit(TABLE),
        source_id=columns.required("health_score_id"),
    )


def with_source_scores(scores: pl.DataFrame, stored: pl.LazyFrame) -> pl.DataFrame:
    """Computed scores with `composite_score_source`: what the source stored for the same patient and day, verbatim.

    Of several stored on one day, that with the greatest id; null where the source stored none. Neither score ever
    overwrites the other.
    """
    newest = (
        stored.with_columns(pl.col("score_date").str.slice(0, 10))
        .sort(pl.col("source_id").str.len_chars(), "source_id")
        .unique(["patient_id", "score_date"], keep="last", maintain_order=True)
        .select("patient_id", "composite_score_source", day="score_date")
        .collect()
    )
    dated = scores.with_columns(day=pl.col("score_date").cast(pl.String))
    return dated.join(newest, on=["patient_id", "day"], how="left", maintain_order="left").drop("day")
