"""Laboratory work: dates, duplicates, names, sex, critical values (CLN-06 to CLN-08, CLN-18, CLN-19)."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import polars as pl

from ennu_lib.rules.measured import measured, metric_of_tests
from ennu_lib.rules.parsing import day, filled, moment, typed_day, word
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, Tables

VALUE = {"lab_results": "test_value", "25againmembermetrics": "metric_value"}


@checks("CLN-06")
def date_order(tables: Tables, settings) -> list[Look]:
    """Ordered, drawn, reported, in this order; nothing ahead of today or before birth."""
    born = tables("patients", "patient_id", "date_of_birth").select(
        "patient_id", typed_day("date_of_birth", tables.today).alias("born")
    )
    born = born.with_columns(pl.when(pl.col("born") <= tables.today).then("born")).unique("patient_id")
    orders = tables("lab_orders", "patient_id", "order_date", "collection_date", "result_date")
    results = tables("lab_results", "patient_id", "collected_at", "reported_at")
    metrics = tables("25againmembermetrics", "patient_id", "metric_date")
    return [
        _ordered("lab_orders", orders, born, ["order_date", "collection_date", "result_date"], tables.today, settings),
        _ordered("lab_results", results, born, ["collected_at", "reported_at"], tables.today, settings),
        _ordered("25againmembermetrics", metrics, born, ["metric_date"], tables.today, settings),
    ]


def _ordered(table: str, frame: pl.LazyFrame, born: pl.LazyFrame, columns: list[str], today: dt.date, settings) -> Look:
    frame = frame.join(born, on="patient_id", how="left", maintain_order="left")
    frame = frame.with_columns(day(c).alias(f"day_{c}") for c in columns)
    slack, longest = f"{settings['slack_days']}d", settings["longest_days"]
    fails = {}
    for column in columns:
        fails[column, "FUTURE"] = pl.col(f"day_{column}") > pl.lit(today).dt.offset_by(slack)
        fails[column, "BEFORE_BIRTH"] = pl.col(f"day_{column}") < pl.col("born")
    for first, second in pairwise(columns):
        days = (pl.col(f"day_{second}") - pl.col(f"day_{first}")).dt.total_days()
        blamed = first if table == "lab_results" else second
        fails[blamed, "OUT_OF_ORDER"] = days < 0
        fails[second, "LATE"] = days > longest
    return Look(table, frame, fails)


@checks("CLN-07")
def twice(tables: Tables, settings) -> list[Look]:
    """The same result of the same draw filed again; a member metric that disagrees with its laboratory result."""
    frame = tables(
        "lab_results", "result_id", "lab_order_id", "patient_id", "test_code", "test_name", "test_value", "collected_at"
    )
    same = ("patient_id", "lab_order_id", "test_code", "test_name", "test_value", "collected_at")
    number = pl.col("result_id").cast(pl.Int64, strict=False)
    again = number > number.min().over(*same)
    found = measured(tables).filter(pl.col("number").is_not_null())
    lab = found.filter(pl.col("table") == "lab_results").select(pl.col(KEY).alias("twin"), original="canonical")
    copies = found.filter(pl.col("table") == "25againmembermetrics").join(lab, on="twin", how="inner")
    differs = (pl.col("canonical") / pl.col("original") - 1).abs() > settings["same_within"]
    return [
        Look("lab_results", frame, {("result_id", "FILED_TWICE"): again & pl.col("test_value").is_not_null()}),
        Look("25againmembermetrics", copies, {("metric_value", "DIFFERS_FROM_RESULT"): differs}),
    ]


@checks("CLN-08")
def test_known(tables: Tables, settings) -> list[Look]:
    """A test name that is a biomarker, or one that the laboratory's own catalogue or LOINC knows."""
    frame = metric_of_tests(tables("lab_results", "test_code", "loinc_code", "test_name"), tables.biomarkers)
    catalogue = tables("lab_test_catalog", "test_code").select("test_code", pl.lit(True).alias("__listed"))
    frame = frame.join(catalogue.unique("test_code"), on="test_code", how="left", maintain_order="left")
    loinc = pl.col("loinc_code").str.strip_chars()
    known = pl.col("metric").is_not_null() | pl.col("__listed").fill_null(False)
    known |= loinc.str.contains(r"^\d{1,7}-\d$").fill_null(False)
    fails = {
        ("test_name", "UNKNOWN_TEST"): ~known,
        ("loinc_code", "SPELLING"): filled("loinc_code") & ~pl.col("loinc_code").str.contains(r"^\d{1,7}-\d$"),
    }
    return [Look("lab_results", frame, fails)]


@checks("CLN-18")
def sex_specific(tables: Tables, settings) -> list[Look]:
    """A test that only one sex has, on a patient of the other."""
    sex = (
        tables("patients", "patient_id", "gender")
        .select("patient_id", word("gender").alias("sex"))
        .unique("patient_id")
    )
    frame = measured(tables).join(sex, on="patient_id", how="left")
    male, female = pl.col("sex").is_in(settings["male"]), pl.col("sex").is_in(settings["female"])
    wrong = (pl.col("metric").is_in(settings["male_only"]) & female) | (
        pl.col("metric").is_in(settings["female_only"]) & male
    )
    concerned = pl.col("metric").is_in([*settings["male_only"], *settings["female_only"]])
    return [
        Look(table, frame.filter(pl.col("table") == table), {(column, "OTHER_SEX"): wrong}, concerned)
        for table, column in VALUE.items()
        if tables.has(table)
    ]


@checks("CLN-19")
def critical_reviewed(tables: Tables, settings) -> list[Look]:
    """A critical value whose order somebody reviewed within the hours allowed."""
    order = tables("lab_results", "lab_order_id", "reported_at", "status").select(
        KEY, "lab_order_id", moment("reported_at").alias("reported"), word("status").alias("state")
    )
    reviews = (
        tables("lab_result_reviews", "order_id", "reviewed_at")
        .group_by("order_id")
        .agg(moment("reviewed_at").min().alias("reviewed"))
    )
    frame = measured(tables).filter((pl.col("table") == "lab_results") & pl.col("canonical").is_not_null())
    critical = (pl.col("canonical") < pl.col("critical_low")) | (pl.col("canonical") > pl.col("critical_high"))
    plausible = (pl.col("canonical") >= pl.col("low")) & (pl.col("canonical") <= pl.col("high"))
    frame = frame.filter(critical & plausible).join(order, on=KEY, how="inner")
    frame = frame.join(reviews, left_on="lab_order_id", right_on="order_id", how="left")
    late = pl.col("reviewed").is_null() | (
        (pl.col("reviewed") - pl.col("reported")).dt.total_hours() > settings["hours"]
    )
    return [Look("lab_results", frame, {("test_value", "NOT_REVIEWED"): late & (pl.col("state") != "cancelled")})]
