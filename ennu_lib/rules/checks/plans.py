"""Treatment plans and recommendations (CLN-15)."""

from __future__ import annotations

import re

import polars as pl

from ennu_lib.rules.drugs import known_ingredients, taken
from ennu_lib.rules.parsing import day, says_nothing, word
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, Tables


@checks("CLN-15")
def plans(tables: Tables, settings) -> list[Look]:
    """A plan has patient, provider, start and items; what was recommended was not carried out before it was advised."""
    items = tables("treatment_plan_items", "plan_id", "status", "completed_date")
    opened = day("completed_date").is_null() & word("status").is_in(settings["open_items"])
    items = items.group_by("plan_id").agg(pl.len().alias("items"), opened.sum().alias("open_items"))
    frame = tables("treatment_plans", "plan_id", "patient_id", "provider_id", "start_date", "end_date", "status")
    frame = frame.join(items, on="plan_id", how="left", maintain_order="left")
    closed = word("status") == "closed"
    plan_fails = {
        ("patient_id", "NO_PATIENT"): says_nothing("patient_id"),
        ("provider_id", "NO_PROVIDER"): says_nothing("provider_id"),
        ("start_date", "NO_START"): day("start_date").is_null(),
        ("end_date", "ENDS_BEFORE_START"): day("end_date") < day("start_date"),
        ("plan_id", "NO_ITEMS"): pl.col("items").fill_null(0) == 0,
        ("status", "CLOSED_WITH_OPEN_ITEMS"): closed & (pl.col("open_items").fill_null(0) > 0),
    }
    advice = tables(
        "25againrecommendations", "patient_id", "recommendation_type", "status", "created_date", "implementation_date",
        "outcome_tracking", "recommendation_text",
    )  # fmt: skip
    advice = advice.join(_matched(tables, advice), on=KEY, how="left", maintain_order="left")
    old = day("created_date") < pl.lit(tables.today).dt.offset_by(f"-{settings['open_days']}d")
    medicines = word("recommendation_type") == "medication"
    carried_out = day("implementation_date").is_not_null() & ~word("status").is_in(settings["not_carried_out"])
    advice_fails = {
        ("implementation_date", "BEFORE_ADVICE"): day("implementation_date") < day("created_date"),
        ("outcome_tracking", "OPEN_WITHOUT_OUTCOME"): (word("status") == "open")
        & old
        & says_nothing("outcome_tracking"),
        ("recommendation_type", "NO_MEDICATION"): medicines & carried_out & ~pl.col("matched").fill_null(False),
    }
    return [Look("treatment_plans", frame, plan_fails), Look("25againrecommendations", advice, advice_fails)]


def _matched(tables: Tables, advice: pl.LazyFrame) -> pl.LazyFrame:
    """Recommendations whose patient takes or took what they name, or anything where they name nothing known."""
    medicines = taken(tables).filter(pl.col("name").is_not_null()).select("patient_id", "ingredient").unique()
    texts = advice.select("recommendation_text").drop_nulls().unique().collect(engine="streaming")
    known = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(known_ingredients(tables), key=len, reverse=True)))})\b")
    named = [known.findall(text.lower()) or None for text in texts["recommendation_text"]]
    texts = texts.with_columns(pl.Series("ingredient", named, dtype=pl.List(pl.String)))
    wanted = advice.select(KEY, "patient_id", "recommendation_text").join(
        texts.lazy(), on="recommendation_text", how="left"
    )
    wanted = wanted.explode("ingredient")
    exact = wanted.join(medicines, on=["patient_id", "ingredient"], how="semi")
    any_ = wanted.filter(pl.col("ingredient").is_null()).join(medicines, on="patient_id", how="semi")
    return pl.concat([exact.select(KEY), any_.select(KEY)]).unique().with_columns(matched=True)
