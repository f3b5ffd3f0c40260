"""Laboratory work: dates, duplicates, names, sex, critical values (CLN-06 to CLN-08, CLN-18, CLN-19)."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import polars as pl

from ennu_lib.rules.measured import measured, metric_of_tests
from ennu_lib.rules.parsing import day, filled, moment, says_nothing, typed_day, word
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
        # A day without a time may be that of another time zone, or of the evening before.
        fails[blamed, "OUT_OF_ORDER"] = days < (-settings["slack_days"] if first in settings["days_only"] else 0)
        fails[second, "LATE"] = days > longest
    return Look(table, frame, fails)


@checks("CLN-07")
def twice(tables: Tables, settings) -> list[Look]:
    """The same result of the same draw filed again; a member metric that is a laboratory result of that day as well.

    A copy is held against the result that it names. One that names none is held against the results of the patient,
    the test and the day: it is the same measurement within half a percent, or else disagrees with it.
    """
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
        Look("25againmembermetrics", *_same_day(found, settings)),
    ]


def _same_day(found: pl.LazyFrame, settings) -> tuple[pl.LazyFrame, dict[tuple[str, str], pl.Expr]]:
    """Member metrics that name no result, where the patient has a laboratory result of that test and day."""
    day_of = ["patient_id", "metric", "date"]
    usable = found.filter(pl.col("canonical").is_not_null() & pl.all_horizontal(pl.col(day_of).is_not_null()))
    results = usable.filter(pl.col("table") == "lab_results").select(*day_of, original="canonical")
    alone = usable.filter((pl.col("table") == "25againmembermetrics") & pl.col("twin").is_null())
    pairs = alone.select(KEY, *day_of, "canonical").join(results, on=day_of, how="inner")
    same = (pl.col("canonical") / pl.col("original") - 1).abs() <= settings["same_within"]
    frame = pairs.group_by(KEY).agg(same=same.any())
    return frame, {
        ("metric_value", "SAME_MEASUREMENT"): pl.col("same"),
        ("metric_value", "DIFFERS_FROM_RESULT"): ~pl.col("same"),
    }


@checks("CLN-08")
def test_known(tables: Tables, settings) -> list[Look]:
    """A test name that is a biomarker, or one that the laboratory's own catalogue or the list of LOINC codes knows.

    A test of which the laboratory's catalogue says that it is one of the clinic's metrics must resolve to a biomarker.
    """
    frame = metric_of_tests(tables("lab_results", "test_code", "loinc_code", "test_name"), tables.biomarkers)
    catalogue = tables("lab_test_catalog", "test_code", "metric_id").select(
        "test_code", pl.lit(True).alias("__listed"), scored=pl.col("metric_id").is_not_null()
    )
    codes = tables("loinc_codes", "loinc_num").select(__loinc=pl.col("loinc_num").str.strip_chars(), __coded=True)
    frame = frame.join(catalogue.unique("test_code"), on="test_code", how="left", maintain_order="left")
    frame = frame.with_columns(__loinc=pl.col("loinc_code").str.strip_chars())
    frame = frame.join(codes.unique("__loinc"), on="__loinc", how="left", maintain_order="left")
    known = pl.col("metric").is_not_null() | pl.col("__listed").fill_null(False) | pl.col("__coded").fill_null(False)
    fails = {
        ("test_name", "UNKNOWN_TEST"): ~known,
        ("test_name", "METRIC_NOT_RESOLVED"): pl.col("scored") & pl.col("metric").is_null(),
        ("loinc_code", "SPELLING"): filled("loinc_code") & ~pl.col("loinc_code").str.contains(r"^\d{1,7}-\d$"),
    }
    return [Look("lab_results", frame, fails)]


@checks("CLN-18")
def sex_specific(tables: Tables, settings) -> list[Look]:
    """A test that only one sex has, on a patient of the other; a test of a pregnancy on a man."""
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
    looks = [
        Look(table, frame.filter(pl.col("table") == table), {(column, "OTHER_SEX"): wrong}, concerned)
        for table, column in VALUE.items()
        if tables.has(table)
    ]
    tests = tables("lab_results", "patient_id", "loinc_code", "test_name").join(sex, on="patient_id", how="left")
    pregnancy = pl.col("loinc_code").str.strip_chars().is_in(settings["pregnancy_codes"]).fill_null(False)
    pregnancy |= pl.col("test_name").str.contains(settings["pregnancy_names"]).fill_null(False)
    return [*looks, Look("lab_results", tests, {("test_name", "PREGNANCY_IN_A_MAN"): pregnancy & male}, pregnancy)]


@checks("CLN-19")
def critical_reviewed(tables: Tables, settings) -> list[Look]:
    """A critical value whose order somebody reviewed within the hours allowed after it was reported.

    A value without a unit is taken in the test's own unit: rather one review too many.
    """
    order = tables("lab_results", "lab_order_id", "collected_at", "reported_at", "entered_at", "status").select(
        KEY, "lab_order_id", reported=pl.coalesce(moment(c) for c in ("reported_at", "entered_at", "collected_at")),
        state=word("status"),
    )  # fmt: skip
    reviews = tables("lab_result_reviews", "order_id", "reviewed_at", "review_status")
    reviews = reviews.filter(word("review_status").is_in(settings["reviewed"]))
    reviews = reviews.select("order_id", reviewed=moment("reviewed_at"))
    assumed = pl.coalesce("canonical", pl.when(says_nothing("unit")).then("number"))
    frame = measured(tables).filter(pl.col("table") == "lab_results").with_columns(value=assumed)
    critical = (pl.col("value") < pl.col("critical_low")) | (pl.col("value") > pl.col("critical_high"))
    plausible = (pl.col("value") >= pl.col("low")) & (pl.col("value") <= pl.col("high"))
    frame = frame.filter(critical & plausible).join(order, on=KEY, how="inner")
    frame = frame.join(reviews, left_on="lab_order_id", right_on="order_id", how="left")
    took = pl.col("reviewed") - pl.col("reported")
    # The day of a report is enough to know that a review was not one of an earlier result of the order.
    after = pl.col("reviewed").dt.date() >= pl.col("reported").dt.date()
    in_time = pl.col("reviewed").is_not_null() & pl.when(pl.col("reported").is_not_null()).then(
        after & (took <= pl.duration(hours=settings["hours"]))
    ).otherwise(True)
    frame = frame.group_by(KEY).agg(in_time=in_time.any(), state=pl.col("state").first())
    late = ~pl.col("in_time") & (pl.col("state").fill_null("") != "cancelled")
    return [Look("lab_results", frame, {("test_value", "NOT_REVIEWED"): late})]
