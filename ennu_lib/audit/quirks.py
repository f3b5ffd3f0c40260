"""How the tables are stored: the quirks that the server tells of, as a table and as a check."""

from __future__ import annotations

import polars as pl

from ennu_lib.evidence import Finding, Severity, check
from ennu_lib.source import ENDANGERING, QUIRKS, Quirk, Quirks

FOUND = {
    "table": pl.String,
    "quirk": pl.String,
    "columns": pl.List(pl.String),
    "detail": pl.String,
    "endangers": pl.Boolean,
}
NAMED = 6


def quirk_frame(quirks: Quirks) -> pl.DataFrame:
    """One row per table and quirk, those that endanger the move first; `columns` is empty for a whole table's."""
    rows = [(o.table, str(o.quirk), list(o.columns), o.detail, o.quirk in ENDANGERING) for o in quirks.found]
    return pl.DataFrame(rows, schema=FOUND, orient="row")


def quirk_kinds(found: pl.DataFrame) -> pl.DataFrame:
    """One row per kind of quirk: `quirk`, `endangers`, `tables`, `columns`, `most of them in`, `what it means`."""
    place = {str(quirk): number for number, quirk in enumerate(Quirk)}
    kinds = found.group_by("quirk").agg(
        pl.col("endangers").first(),
        pl.len().alias("tables"),
        pl.col("columns").list.len().sum().alias("columns"),
        pl.col("table").sort_by(pl.col("columns").list.len(), "table", descending=[True, False]).head(4).str.join(", ")
        .alias("most of them in"),
    )  # fmt: skip
    meanings = {str(quirk): meaning for quirk, meaning in QUIRKS.items()}
    return (
        kinds.sort(pl.col("quirk").replace_strict(place, return_dtype=pl.Int64))
        .with_columns(pl.col("quirk").replace_strict(meanings, return_dtype=pl.String).alias("what it means"))
        .with_columns(pl.col("quirk").str.replace_all("_", " "))
    )


def quirk_findings(found: pl.DataFrame, tables: int) -> list[Finding]:
    """Whether a table is stored in a way in which the copy may lack rows, hold them twice, or mix two moments."""
    risky = found.filter("endangers")
    named = risky.select(pl.format("{} ({})", "table", pl.col("quirk").str.replace_all("_", " "))).to_series()
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return [
        check(
            "AUD-12",
            "Every table is stored so that one snapshot holds all its rows once",
            risky["table"].n_unique(),
            tables,
            severity=Severity.WARN,
            note=", ".join(named.head(NAMED)) + more,
        )
    ]
