"""Bring the columns that params/rules/standardize.yml names into standard form; every change is an event.

Each distinct value is looked at once. A value that has no standard form becomes null with a reason, and the event
keeps what stood there, in the private workspace only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from ennu_lib.config import Strict, load_model
from ennu_lib.quality import dates, people
from ennu_lib.quality.outcome import Outcome

KEY = "__key"
RuleName = Literal["name", "birth_date", "date", "moment", "sex", "phone", "email", "state", "zip", "place"]
# A blank and a zero date never held a value; making them null loses nothing.
SAID_NOTHING = ("BLANK", "NO_DATE")
EVENTS = {
    "table": pl.String,
    "key": pl.String,
    "column": pl.String,
    "rule": pl.String,
    "before": pl.String,
    "after": pl.String,
    "reason": pl.String,
}


class StandardizeParams(Strict):
    """params/rules/standardize.yml: table, column, rule."""

    tables: dict[str, dict[str, RuleName]]


@dataclass(frozen=True)
class Standardized:
    """The cleaned frame and the events that led to it."""

    frame: pl.LazyFrame
    events: pl.DataFrame


def load_standardize(path: Path) -> StandardizeParams:
    """Read the rule file. Raises ConfigurationError with every mistake."""
    return load_model(path, StandardizeParams)


def standardize(frame: pl.LazyFrame, table: str, columns: Mapping[str, RuleName], today: dt.date) -> Standardized:
    """Apply `columns` (column to rule) to `frame`. Running it on its own result changes nothing."""
    events = []
    present = frame.collect_schema().names()
    for column, rule in columns.items():
        if column not in present:
            continue
        table_of = _outcomes(frame, column, _rule(rule, today))
        frame = frame.with_columns(pl.col(column).cast(pl.String)).join(
            table_of.lazy(), left_on=column, right_on="before", how="left", maintain_order="left"
        )
        events.append(_events(frame, table, column, rule))
        frame = frame.with_columns(pl.col("after").alias(column)).drop("after", "reason")
    return Standardized(frame, pl.concat(events) if events else pl.DataFrame(schema=EVENTS))


def summarize(events: pl.DataFrame) -> pl.DataFrame:
    """Counts per table, column and rule: brought into form, blank or 'no date' made null, and emptied for a reason."""
    return (
        events.group_by("table", "column", "rule", maintain_order=True)
        .agg(
            pl.col("reason").is_null().sum().alias("standardized"),
            pl.col("reason").is_in(SAID_NOTHING).sum().alias("said_nothing"),
            (pl.col("reason").is_not_null() & ~pl.col("reason").is_in(SAID_NOTHING)).sum().alias("emptied"),
        )
        .sort("table", "column")
    )


def reasons(events: pl.DataFrame) -> pl.DataFrame:
    """Why values were emptied: counts per rule and reason."""
    emptied = events.filter(pl.col("reason").is_not_null())
    return emptied.group_by("rule", "reason").agg(pl.len().alias("values")).sort("rule", "reason")


def _rule(rule: RuleName, today: dt.date) -> Callable[[str], Outcome]:
    dated = {"date": dates.date, "birth_date": dates.birth_date, "moment": dates.moment}
    if rule in dated:
        return lambda text: dated[rule](text, today)
    return people.zip_code if rule == "zip" else getattr(people, rule)


def _outcomes(frame: pl.LazyFrame, column: str, rule: Callable[[str], Outcome]) -> pl.DataFrame:
    values = frame.select(pl.col(column).cast(pl.String)).unique().drop_nulls().collect(engine="streaming")
    before = values.get_column(column).to_list()
    made = [rule(value) if value.strip() else Outcome(None, "BLANK") for value in before]
    return pl.DataFrame(
        {"before": before, "after": [m.value for m in made], "reason": [m.reason for m in made]},
        schema={"before": pl.String, "after": pl.String, "reason": pl.String},
    )


def _events(frame: pl.LazyFrame, table: str, column: str, rule: str) -> pl.DataFrame:
    changed = frame.filter(pl.col(column).is_not_null() & pl.col(column).ne_missing(pl.col("after")))
    return changed.select(
        pl.lit(table).alias("table"),
        pl.col(KEY).alias("key"),
        pl.lit(column).alias("column"),
        pl.lit(rule).alias("rule"),
        pl.col(column).alias("before"),
        "after",
        "reason",
    ).collect(engine="streaming")
