"""Stored scores as occasions of their own: whose, of which day, by which formula, and what may have gone into them."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.scores.intake import iso_day, known_sex, moment_parts, real_day
from ennu_lib.scores.parity.numbers import as_millionths, decimals_of
from ennu_lib.scores.preset import Preset
from ennu_lib.scores.result import CONTRIBUTION_DECIMALS

END_OF_DAY = " 23:59:59"


def occasions_of(
    stored: pl.LazyFrame, people: pl.LazyFrame, presets: Mapping[str, Preset], unnamed: str
) -> pl.DataFrame:
    """One row per stored score.

    `stored`: as `stored_scores` gives it. `people`: patient_id of the source row, sex, birth_date. Columns: score_id,
    patient, as_of, created (ISO text), preset, sex, birth_date, stored (millionths of a point), decimals (the last one
    stored), comparable. A score that has no day, no number or nobody whom it is of is not comparable, nor are several
    of one id: what is stored beside them belongs to either.
    """
    number = pl.col("composite_score_source").str.strip_chars()
    named = pl.col("source_formula_version").is_in(list(presets))
    rows = stored.select(
        "gender_used",
        score_id="source_id",
        patient="patient_id",
        as_of=iso_day(pl.col("score_date")),
        created_at=moment_of(pl.col("created_at")),
        preset=pl.when(named).then("source_formula_version").otherwise(pl.lit(unnamed)),
        stored=as_millionths(number),
    ).with_columns(
        decimals=decimals_of(pl.col("stored")),
        created=_end_of_day(pl.coalesce("created_at", pl.col("as_of").cast(pl.String))),
        least=pl.col("preset").replace_strict({n: p.decimals for n, p in presets.items()}, return_dtype=pl.Int64),
    )
    known = people.select(
        patient=pl.col("patient_id").cast(pl.String),
        recorded=pl.col("sex").cast(pl.String),
        birth_date=pl.col("birth_date").cast(pl.String),
        known=pl.lit(True),
    )
    recorded, used = (known_sex(pl.col(name)).is_not_null() for name in ("recorded", "gender_used"))
    joined = rows.join(known, on="patient", how="left", maintain_order="left").with_columns(
        # The sex that the old formula used stands in for one that nobody recorded.
        sex=pl.when(used & ~recorded).then("gender_used").otherwise("recorded"),
        decimals=pl.max_horizontal("decimals", "least").clip(0, CONTRIBUTION_DECIMALS),
        comparable=pl.all_horizontal(
            pl.col("as_of").is_not_null(),
            pl.col("stored").is_not_null(),
            pl.col("known").fill_null(False),
            pl.len().over("score_id") == 1,
        ),
    )
    return joined.select(
        "score_id", "patient", "as_of", "created", "preset", "sex", "birth_date", "stored", "decimals", "comparable"
    ).collect(engine="streaming")


def moment_of(text: pl.Expr) -> pl.Expr:
    """ISO text with a blank between day and time, for comparison as text; the day alone where there is no time.

    Null for zero dates, sentinels and anything else. A day alone is not later than any moment of that day.
    """
    parts = moment_parts(text)
    day, time = parts.struct.field("day"), parts.struct.field("time")
    return pl.when(real_day(day).is_not_null()).then(pl.concat_str(day, time, separator=" ", ignore_nulls=True))


def _end_of_day(moment: pl.Expr) -> pl.Expr:
    return pl.when(moment.str.len_chars() == 10).then(moment + END_OF_DAY).otherwise(moment)


def inputs_of(occasions: pl.DataFrame, measurements: pl.LazyFrame) -> pl.DataFrame:
    """The measurements of each occasion's patient row up to its day; `late` where entered after the score was made.

    `patient_id` is the occasion, as the score engine groups by it; entry has been judged here, so `entered_at` is
    blank. Rows that name no metric cannot count and are left out.
    """
    of = occasions.lazy().select("patient", "as_of", "created", patient_id="score_id")
    entered = moment_of(pl.col("entered_at"))
    found = (
        measurements.filter(pl.col("metric_code") != "")
        .rename({"patient_id": "patient"})
        .join(of, on="patient", how="inner")
        .with_columns(day=iso_day(pl.col("measured_on")))
        .filter(pl.col("day") <= pl.col("as_of"))
        .with_columns(late=(entered > pl.col("created")).fill_null(False), entered_at=pl.lit(""))
    )
    return found.drop("patient", "as_of").collect()
