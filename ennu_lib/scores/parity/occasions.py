"""Stored scores as occasions of their own: whose, of which day, by which formula, and what may have gone into them."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.scores.intake import iso_day
from ennu_lib.scores.parity.numbers import as_millionths
from ennu_lib.scores.preset import Preset
from ennu_lib.scores.result import CONTRIBUTION_DECIMALS

END_OF_DAY = " 23:59:59"
_MOMENT = r"^\s*(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)"


def occasions_of(
    stored: pl.LazyFrame, people: pl.LazyFrame, presets: Mapping[str, Preset], unnamed: str
) -> pl.DataFrame:
    """One row per stored score.

    `stored`: as `stored_scores` gives it. `people`: patient_id of the source row, sex, birth_date. Columns: score_id,
    patient, as_of, created (ISO text), preset, sex, birth_date, stored (millionths of a point), decimals (the last one
    stored), comparable. A score that has no day, no number or nobody whom it is of is not comparable.
    """
    number = pl.col("composite_score_source").str.strip_chars()
    named = pl.col("source_formula_version").is_in(list(presets))
    fraction = number.str.extract(r"\.(\d*?)0*$", 1).fill_null("").str.len_chars()
    rows = stored.select(
        "gender_used",
        score_id="source_id",
        patient="patient_id",
        as_of=iso_day(pl.col("score_date")),
        created_at=_moment(pl.col("created_at")),
        preset=pl.when(named).then("source_formula_version").otherwise(pl.lit(unnamed)),
        stored=as_millionths(number),
        decimals=fraction.cast(pl.Int64),
    ).with_columns(
        created=pl.coalesce("created_at", pl.col("as_of").cast(pl.String) + END_OF_DAY),
        least=pl.col("preset").replace_strict({n: p.decimals for n, p in presets.items()}, return_dtype=pl.Int64),
    )
    known = people.select(
        patient=pl.col("patient_id").cast(pl.String),
        recorded=pl.col("sex").cast(pl.String),
        birth_date=pl.col("birth_date").cast(pl.String),
        known=pl.lit(True),
    )
    joined = rows.join(known, on="patient", how="left", maintain_order="left").with_columns(
        # The sex that the old formula used stands in for one that nobody recorded.
        sex=pl.when(pl.col("recorded").fill_null("") != "").then("recorded").otherwise("gender_used"),
        decimals=pl.max_horizontal("decimals", "least").clip(0, CONTRIBUTION_DECIMALS),
        comparable=pl.all_horizontal(
            pl.col("as_of").is_not_null(), pl.col("stored").is_not_null(), pl.col("known").fill_null(False)
        ),
    )
    return joined.select(
        "score_id", "patient", "as_of", "created", "preset", "sex", "birth_date", "stored", "decimals", "comparable"
    ).collect(engine="streaming")


def _moment(text: pl.Expr) -> pl.Expr:
    """ISO text with a blank between day and time, for comparison as text; null for anything else."""
    parts = text.str.extract_groups(_MOMENT).struct.rename_fields(["day", "time"])
    return parts.struct.field("day") + " " + parts.struct.field("time")


def inputs_of(occasions: pl.DataFrame, measurements: pl.LazyFrame) -> pl.DataFrame:
    """The measurements of each occasion's patient row up to its day; `late` where entered after the score was made.

    `patient_id` is the occasion, as the score engine groups by it; entry has been judged here, so `entered_at` is
    blank. Rows that name no metric cannot count and are left out.
    """
    of = occasions.lazy().select("patient", "as_of", "created", patient_id="score_id")
    entered = _moment(pl.col("entered_at"))
    found = (
        measurements.filter(pl.col("metric_code") != "")
        .rename({"patient_id": "patient"})
        .join(of, on="patient", how="inner")
        .with_columns(day=iso_day(pl.col("measured_on")))
        .filter(pl.col("day") <= pl.col("as_of"))
        .with_columns(late=(entered > pl.col("created")).fill_null(False), entered_at=pl.lit(""))
    )
    return found.drop("patient", "as_of").collect()
