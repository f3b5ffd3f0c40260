"""How complete each column is: NULL, blank and 'no date' counted apart, streaming over Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

from ennu_lib.catalog.sentinels import NO_DATES
from ennu_lib.source import KEY, Extracted
from ennu_lib.workspace import Workspace

CLASSES = {
    "full": (1, 2),
    "95 % and more": (0.95, 1),
    "50 to 95 %": (0.5, 0.95),
    "below 50 %": (1e-12, 0.5),
    "empty": (-1, 1e-12),
}
COLUMNS = {
    "table": pl.String,
    "column": pl.String,
    "declared": pl.String,
    "rows": pl.Int64,
    "null": pl.Int64,
    "blank": pl.Int64,
    "no_date": pl.Int64,
    "filled": pl.Float64,
}


def completeness(
    extracted: Iterable[Extracted],
    workspace: Workspace,
    progress: Callable[[int, int, str], None] | None = None,
) -> pl.DataFrame:
    """One row per column of every extracted table; `filled` is the share of rows that carry a value, 0 to 1."""
    tables = [table for table in extracted if table.file]
    frames = []
    for number, table in enumerate(tables, start=1):
        frames.append(_of_table(table, workspace))
        if progress:
            progress(number, len(tables), table.table)
    return pl.concat(frames) if frames else pl.DataFrame(schema=COLUMNS)


def _of_table(table: Extracted, workspace: Workspace) -> pl.DataFrame:
    frame = workspace.scan(f"source/{table.table}").drop(KEY)
    schema = frame.collect_schema()
    counts = frame.select(e for name, dtype in schema.items() for e in _counts(name, dtype))
    found = counts.collect(engine="streaming").row(0, named=True)
    rows = [_row(table, name, found) for name in schema]
    return pl.DataFrame(rows, schema=COLUMNS)


def _counts(name: str, dtype: pl.DataType) -> list[pl.Expr]:
    value = pl.col(name)
    counts = [value.null_count().alias(f"{name}\0null")]
    if dtype == pl.String:
        counts.append((value.str.strip_chars() == "").sum().alias(f"{name}\0blank"))
        counts.append(value.str.slice(0, 10).is_in(NO_DATES).sum().alias(f"{name}\0no_date"))
    return counts


def _row(table: Extracted, name: str, found: dict) -> dict:
    empty = {what: found.get(f"{name}\0{what}") or 0 for what in ("null", "blank", "no_date")}
    filled = 1 - sum(empty.values()) / table.rows if table.rows else None
    return {
        "table": table.table,
        "column": name,
        "declared": table.columns[name],
        "rows": table.rows,
        **empty,
        "filled": filled,
    }


def by_table(columns: pl.DataFrame) -> pl.DataFrame:
    """Per table: columns, columns without a single value, and the mean share of filled cells."""
    return (
        columns.group_by("table")
        .agg(
            pl.len().alias("columns"),
            (pl.col("filled") == 0).sum().alias("empty_columns"),
            pl.col("filled").mean().alias("filled"),
            pl.col("no_date").sum(),
        )
        .sort("table")
    )


def heat_map(columns: pl.DataFrame, tables: list[str]) -> dict[str, dict[str, float]]:
    """For each of `tables`: the share of its columns that are full, nearly full, half full, sparse or empty."""
    found = {}
    for table in tables:
        filled = columns.filter(pl.col("table") == table)["filled"].drop_nulls()
        if len(filled):
            found[table] = {
                name: float(((filled >= low) & (filled < high)).mean()) for name, (low, high) in CLASSES.items()
            }
    return found
