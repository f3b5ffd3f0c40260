"""What the vectorised engine starts from: measurement rows as text, people, and every distinct reading read once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl

from ennu_lib.scores.formula import BASES, Formula
from ennu_lib.scores.measurement import (
    BLANKS,
    FEMALE_WORDS,
    LAST_BIRTH_SENTINEL,
    LAST_SENTINEL,
    MALE_WORDS,
    MOMENT,
    Measurement,
)
from ennu_lib.scores.reading import Reading
from ennu_lib.scores.reasons import Reason

TEXT_COLUMNS = (
    "metric_code",
    "value",
    "unit",
    "measured_on",
    "status",
    "entered_at",
    "context",
    "test_code",
    "source_table",
    "source_id",
)
READING_KEY = ["metric_code", "value", "unit"]
REASONS = pl.Enum([reason.value for reason in Reason])


@dataclass(frozen=True)
class Readings:
    """Every distinct (metric, value, unit) read once: `frame` says what it means, `by_number` holds it exactly."""

    frame: pl.DataFrame
    by_number: list[Reading]
    code_of: list[str]


def measurement_rows(measurements: pl.LazyFrame) -> pl.LazyFrame:
    """The rows with all columns present, as text without nulls, numbered in `row`.

    Absent columns are blank; a numeric value column is written out in full. Raises ValueError without a patient_id,
    metric_code, value, unit or measured_on column.
    """
    present = measurements.collect_schema().names()
    missing = {"patient_id", "metric_code", "value", "unit", "measured_on"} - set(present)
    if missing:
        raise ValueError(f"the measurement frame lacks {', '.join(sorted(missing))}")
    texts = [
        (pl.col(name).cast(pl.String).fill_null("") if name in present else pl.lit("")).alias(name)
        for name in TEXT_COLUMNS
    ]
    rank = pl.col("source_rank").cast(pl.Int64).fill_null(0) if "source_rank" in present else pl.lit(0, pl.Int64)
    return measurements.select(pl.col("patient_id").cast(pl.String), *texts, rank.alias("source_rank")).with_row_index(
        "row"
    )


def people_rows(patients: pl.LazyFrame, as_of: dt.date, minimum_age: int) -> pl.DataFrame:
    """One row per patient: number, id, basis, birth date, as_of, minor, pregnant, on_hormone_therapy.

    `scoring_sex`, where it says male or female, decides over `sex`; an `as_of` of the patient's own decides over the
    common one. Raises ValueError when a patient stands twice.
    """
    present = patients.collect_schema().names()

    def text(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.String).fill_null("") if name in present else pl.lit("")

    def flag(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.Boolean).fill_null(False) if name in present else pl.lit(False)

    day = iso_day(text("birth_date"), LAST_BIRTH_SENTINEL)
    people = (
        patients.select(
            patient_id=pl.col("patient_id").cast(pl.String),
            basis=pl.coalesce(known_sex(text("scoring_sex")), known_sex(text("sex")), pl.lit("neutral")),
            birth_date=day,
            as_of=pl.coalesce(pl.col("as_of").cast(pl.Date), pl.lit(as_of)) if "as_of" in present else pl.lit(as_of),
            pregnant=flag("pregnant"),
            on_hormone_therapy=flag("on_hormone_therapy"),
        )
        .with_columns(minor=(_age(pl.col("birth_date"), pl.col("as_of")) < minimum_age).fill_null(False))
        .with_row_index("person")
        .collect()
    )
    if people["patient_id"].is_duplicated().any() or people["patient_id"].has_nulls():
        raise ValueError("the patient frame holds a patient_id twice or none; score golden records only")
    return people


def known_sex(text: pl.Expr) -> pl.Expr:
    """male or female where the text says so; null for anything else."""
    word = text.str.strip_chars(BLANKS).str.to_lowercase()
    male, female = word.is_in(sorted(MALE_WORDS)), word.is_in(sorted(FEMALE_WORDS))
    return pl.when(male).then(pl.lit("male")).when(female).then(pl.lit("female"))


def _age(birth: pl.Expr, as_of: pl.Expr) -> pl.Expr:
    return as_of.dt.year() - birth.dt.year() - (_within_year(birth) > _within_year(as_of)).cast(pl.Int32)


def _within_year(day: pl.Expr) -> pl.Expr:
    return day.dt.month().cast(pl.Int32) * 100 + day.dt.day()


def iso_day(text: pl.Expr, last_sentinel: dt.date = LAST_SENTINEL) -> pl.Expr:
    """The calendar day of ISO text; null for zero dates, sentinels and anything else."""
    return real_day(text.str.extract(f"^{MOMENT}$", 1), last_sentinel)


def real_day(text: pl.Expr, last_sentinel: dt.date = LAST_SENTINEL) -> pl.Expr:
    """YYYY-MM-DD as a date; null for days that the calendar lacks and for sentinels."""
    day = text.str.to_date("%Y-%m-%d", strict=False)
    return pl.when(day > last_sentinel).then(day)


def moment_parts(text: pl.Expr) -> pl.Expr:
    """A struct of `day` and `time` as ISO text has them; both null where the text is no moment."""
    return text.str.extract_groups(f"^{MOMENT}$").struct.rename_fields(["day", "time"])


def read_distinct(rows: pl.LazyFrame, formula: Formula) -> Readings:
    """Read every distinct (metric, value, unit) of the rows once, exactly. Laboratory values repeat a great deal."""
    known = [biomarker.code for biomarker in formula.catalogue]
    distinct = rows.filter(pl.col("metric_code").is_in(known)).select(READING_KEY).unique().collect(engine="streaming")
    readings = [formula.reader.read(code, value, unit) for code, value, unit in distinct.iter_rows()]
    frame = distinct.with_columns(
        reading=pl.int_range(len(readings), dtype=pl.UInt32),
        fault=pl.Series([r.fault for r in readings], dtype=REASONS),
        acute=pl.Series([r.acute for r in readings], dtype=pl.Boolean),
        needs_method=pl.Series([r.needs_method for r in readings], dtype=pl.Boolean),
        spoils=pl.Series([r.spoils for r in readings], dtype=pl.Boolean),
    ).join(_metric_rows(formula), on="metric_code", how="left")
    return Readings(frame, readings, distinct["metric_code"].to_list())


def _metric_rows(formula: Formula) -> pl.DataFrame:
    """What the checks need per metric: rule reasons by basis, specimen rules."""
    preset = formula.preset
    morning = preset.context.morning.metrics if preset.context.morning else []
    rows = [
        {
            "metric_code": b.code,
            "metric_id": b.metric_id,
            "hormone": b.category == "Hormones",
            "needs_fasting": b.code in preset.context.fasting,
            "needs_morning": b.code in morning,
            "has_cycle": b.code in preset.context.cycle,
            "suppressed": b.code in preset.context.suppress_on_therapy,
            **{f"{basis}_reason": formula.rules[basis, b.code].reason for basis in BASES},
        }
        for b in formula.catalogue
    ]
    return pl.DataFrame(rows, schema_overrides={f"{basis}_reason": REASONS for basis in BASES})


def as_measurement(row: dict) -> Measurement:
    """A row of `measurement_rows` for the exact engine."""
    return Measurement(**{name: row[name] for name in TEXT_COLUMNS}, source_rank=row["source_rank"])
