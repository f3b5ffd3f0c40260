"""Which columns could be the key of their table: no value missing, and every value once."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.audit.params import ProfileParams
from ennu_lib.audit.profile import Source
from ennu_lib.source import Extracted
from ennu_lib.workspace import Workspace

# The estimate of distinct values is off by about 2 %; a column further away from unique need not be counted.
NEARLY = 0.95
LONGEST_KEY = 64
KEYS = {"table": pl.String, "column": pl.String, "declared": pl.Boolean}


def candidate_keys(
    columns: pl.DataFrame, extracted: Mapping[str, Extracted], workspace: Workspace, params: ProfileParams
) -> pl.DataFrame:
    """Every single column that tells the rows of its table apart: `table`, `column`, `declared` (as primary key).

    Estimates are not believed: a column that is nearly unique by estimate is counted exactly. Numbers with decimals,
    moments and long texts are no keys.
    """
    full = columns.filter(
        (pl.col("rows") > 0)
        & (pl.sum_horizontal("null", "empty", "blank") == 0)
        & (pl.col("distinct") >= pl.col("rows") * NEARLY)
        & pl.col("found").is_in(["integer", "text", "UUID", "date as text"])
        & (pl.col("longest").fill_null(0) <= LONGEST_KEY)
    )
    rows = []
    for row in full.iter_rows(named=True):
        table = extracted[row["table"]]
        unique = row["distinct"] == row["rows"] if row["distinct_exact"] else _unique(table, row["column"], workspace)
        if unique:
            rows.append({**{k: row[k] for k in ("table", "column")}, "declared": table.key == (row["column"],)})
    return pl.DataFrame(rows, schema=KEYS)


def _unique(table: Extracted, column: str, workspace: Workspace) -> bool:
    if table.key == (column,):
        return True
    counted = Source.of(table, workspace).frame.select(pl.col(column).n_unique()).collect(engine="streaming").item()
    return counted == table.rows
