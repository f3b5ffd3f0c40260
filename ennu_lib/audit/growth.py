"""How a table grew, month by month, and when it was last written to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import polars as pl

from ennu_lib.audit.names import has, words
from ennu_lib.audit.profile import Source
from ennu_lib.source import Extracted
from ennu_lib.workspace import Workspace

GROWTH = {"table": pl.String, "month": pl.String, "rows": pl.Int64}
DATED = {"table": pl.String, "by": pl.String, "first_month": pl.String, "last_change": pl.String}
# Columns that say when a row came, best first; then when it was last touched.
CAME = (("created", "inserted", "entered", "added", "registered", "opened", "logged", "received", "ordered"),
        ("timestamp", "date time", "datetime", "stamp", "at", "on", "date"))  # fmt: skip
TOUCHED = ("updated", "modified", "changed", "last update", "t stamp", "tstamp", "last edit", "revised", "timestamp")
NOT_WRITTEN = ("birth", "dob", "expire", "expires", "expiry", "due", "end", "next", "renewal", "deceased", "death",
               "valid", "effective", "to", "until", "planned", "scheduled", "follow", "target")  # fmt: skip
LEAST_FILLED = 0.5


def growth(
    columns: pl.DataFrame, extracted: Mapping[str, Extracted], workspace: Workspace, today: dt.date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows per month of every table that dates its rows, and per table the column that does, and the last change.

    Months after `today` are left out: they are appointments and mistakes, no growth.
    """
    months, dated = [], []
    for (table,), described in columns.partition_by("table", as_dict=True, maintain_order=True).items():
        days = described.filter(pl.col("earliest").is_not_null()).to_dicts()
        by = _came(days)
        if by:
            frame = Source.of(extracted[table], workspace).frame
            month = pl.col(by).str.slice(0, 7).alias("month")
            counted = (
                frame.filter(pl.col(by).str.contains(r"^[12]\d{3}-\d\d-\d\d") & (pl.col(by) <= f"{today}~"))
                .group_by(month)
                .len("rows")
                .collect(engine="streaming")
                .sort("month")
            )
            months.append(counted.select(pl.lit(table).alias("table"), "month", pl.col("rows").cast(pl.Int64)))
        dated.append(
            {
                "table": table,
                "by": by,
                "first_month": months[-1]["month"].min() if by else None,
                "last_change": _last(days, today),
            }
        )
    whole = pl.concat(months) if months else pl.DataFrame(schema=GROWTH)
    return whole, pl.DataFrame(dated, schema=DATED)


def _came(days: list[dict]) -> str | None:
    """The column that says when a row came into the table."""
    fit = [d for d in days if (d["filled"] or 0) >= LEAST_FILLED and not has(words(d["column"]), NOT_WRITTEN)]
    for wanted in CAME:
        for day in fit:
            if has(words(day["column"]), wanted) and not has(words(day["column"]), TOUCHED):
                return day["column"]
    return fit[0]["column"] if fit else None


def _last(days: list[dict], today: dt.date) -> str | None:
    """The month of the latest day in a column that says when rows were written, as far as it is not in the future."""
    written = [d for d in days if has(words(d["column"]), TOUCHED)] or [
        d for d in days if not has(words(d["column"]), NOT_WRITTEN)
    ]
    latest = [d["latest"] for d in written if d["latest"] and d["latest"] <= f"{today}"]
    return max(latest)[:7] if latest else None
