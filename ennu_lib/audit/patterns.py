"""What the values of a text column look like, and of which type they really are."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

OTHER = "other"
LONG = 400
NO_VALUES = pl.DataFrame(schema={"table": pl.String, "column": pl.String, "v": pl.String, "n": pl.UInt32})
# Which type the patterns of params/audit/profile.yml speak for.
TYPES = {
    "whole number": "integer",
    "decimal number": "decimal",
    "date": "date",
    "date, slashed or dotted": "date as text",
    "date in words": "date as text",
    "date and time": "datetime",
    "time": "time",
    "JSON": "JSON",
    "markup": "markup",
    "UUID": "UUID",
}


def values_of(sample: pl.Series, at: tuple[str, str], most: int) -> pl.DataFrame:
    """Different filled values of a text sample with their counts, in small letters and without blanks around them.

    Of values only the first 400 characters, and of different values the first `most`. `at` is table and column.
    """
    text = pl.col("v").str.slice(0, LONG).str.strip_chars().str.to_lowercase().str.replace_all("[\\n\\r\\t]", " ")
    distinct = sample.rename("v").drop_nulls().value_counts(name="n").head(most)
    return distinct.select(
        pl.lit(at[0]).alias("table"), pl.lit(at[1]).alias("column"), text, pl.col("n").cast(pl.UInt32)
    ).filter(pl.col("v") != "")


def patterns_of(values: pl.DataFrame, patterns: Mapping[str, str]) -> dict[tuple[str, str], dict[str, float]]:
    """Share of the values per pattern, most frequent first, by table and column. `values` is made by `values_of`.

    A value counts for the first pattern that it matches as a whole. All columns go through each pattern together, since
    compiling a pattern takes longer than matching the values of one column.
    """
    counted, left = [], values
    for name, pattern in patterns.items():
        matched = left["v"].str.contains(f"^(?:{pattern})$")
        counted.append(_by_column(left.filter(matched), name))
        left = left.filter(~matched)
    counted.append(_by_column(left, OTHER))
    counts = pl.concat(counted).with_columns((pl.col("n") / pl.col("n").sum().over("table", "column")).alias("share"))
    shares: dict[tuple[str, str], dict[str, float]] = {}
    for row in counts.sort("share", "pattern", descending=[True, False]).iter_rows(named=True):
        shares.setdefault((row["table"], row["column"]), {})[row["pattern"]] = row["share"]
    return shares


def _by_column(frame: pl.DataFrame, pattern: str) -> pl.DataFrame:
    return (
        frame.group_by("table", "column")
        .agg(pl.col("n").sum())
        .select("table", "column", pl.lit(pattern).alias("pattern"), "n")
    )


def main_pattern(shares: Mapping[str, float], least: float) -> str | None:
    """The pattern that at least the share `least` of the values has; values that say 'no date' do not count."""
    counted = {name: share for name, share in shares.items() if name != "no date"}
    total = sum(counted.values())
    name = max(counted, key=counted.get, default=None)
    return name if name is not None and counted[name] >= least * total else None


def plain_type(dtype: pl.DataType) -> str | None:
    """The type of values that are no text; None for text, whose values have to be looked at."""
    if dtype == pl.String:
        return None
    if dtype == pl.Binary:
        return "bytes"
    if dtype == pl.Boolean:
        return "boolean"
    return "integer" if dtype.is_integer() else "decimal"


def text_type(shares: Mapping[str, float], least: float) -> str:
    """The type that at least the share `least` of the texts could be, 'no date' left aside."""
    by_type: dict[str, float] = {}
    for name, share in shares.items():
        if name != "no date":
            kind = TYPES.get(name, "text")
            by_type[kind] = by_type.get(kind, 0) + share
    total = sum(by_type.values())
    if not total:
        return "date" if shares else "nothing"
    best = max(by_type, key=by_type.get)
    if by_type[best] >= least * total:
        return best
    numbers = by_type.get("integer", 0) + by_type.get("decimal", 0)
    dates = by_type.get("date", 0) + by_type.get("datetime", 0) + by_type.get("date as text", 0)
    if numbers >= least * total:
        return "decimal"
    if dates >= least * total:
        return "date as text" if by_type.get("date as text") else "datetime"
    return "text"
