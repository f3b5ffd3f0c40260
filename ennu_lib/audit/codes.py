"""The values of code lists: the only values that a report shows, and only where they say nothing of a person."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.audit.classes import NOT_PERSONAL
from ennu_lib.audit.params import ProfileParams
from ennu_lib.audit.profile import Source
from ennu_lib.report.masking import scan
from ennu_lib.source import Extracted
from ennu_lib.workspace import Workspace

CODES = {"table": pl.String, "column": pl.String, "value": pl.String, "rows": pl.Int64}


def code_values(
    columns: pl.DataFrame,
    classes: pl.DataFrame,
    extracted: Mapping[str, Extracted],
    workspace: Workspace,
    params: ProfileParams,
) -> pl.DataFrame:
    """Values and their rows, of columns that hold a short list of codes and no personal data, most frequent first.

    A value of fewer than `shown_at_least` rows is left out, and so is one with the shape of personal data.
    """
    harmless = [str(c) for c in NOT_PERSONAL]
    lists = columns.join(classes.select("table", "column", "class"), on=["table", "column"]).filter(
        pl.col("class").is_in(harmless)
        & (pl.col("kept") == "String")
        & (pl.col("distinct") <= params.shown_distinct)
        & (pl.col("longest") <= params.shown_length)
        & (pl.col("rows") >= params.shown_at_least)
    )
    found = []
    for (table,), described in lists.partition_by("table", as_dict=True, maintain_order=True).items():
        frame = Source.of(extracted[table], workspace).frame
        for column in described["column"]:
            counted = frame.select(pl.col(column).alias("value")).drop_nulls().group_by("value").len("rows")
            kept = counted.filter(pl.col("rows") >= params.shown_at_least).collect(engine="streaming")
            found.append(
                kept.select(
                    pl.lit(table).alias("table"), pl.lit(column).alias("column"), "value", pl.col("rows").cast(pl.Int64)
                )
            )
    whole = pl.concat(found) if found else pl.DataFrame(schema=CODES)
    shapeless = [not scan(value) for value in whole["value"]]
    return whole.filter(pl.Series(values=shapeless, dtype=pl.Boolean)).sort(
        "table", "column", "rows", "value", descending=[False, False, True, False]
    )
