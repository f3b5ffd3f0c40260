"""References that lead nowhere, and rows that were deleted and are still there (GEN-01, GEN-09)."""

from __future__ import annotations

from functools import partial

import polars as pl

from ennu_lib.rules.parsing import filled, yes
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, Tables


@checks("GEN-01")
def orphans(tables: Tables, settings) -> list[Look]:
    """Every reference of the catalogue names a row that exists; providers are the subject of STF-01."""
    looks = []
    for table in tables.catalogue.tables:
        if not tables.has(table.name):
            continue
        referring = [c for c in table.references if tables.has(c.references[0])]
        if not referring:
            continue
        frame = tables(table.name, *(c.name for c in referring))
        fails = {}
        for place, column in enumerate(referring):
            parent, target = column.references
            mark = f"__known{place}"
            known = tables.made(f"{parent}.{target}", partial(_present, parent=parent, target=target))
            known = known.with_columns(pl.lit(True).alias(mark))
            name = f"__id{place}"
            frame = frame.with_columns(pl.col(column.name).str.strip_chars().alias(name)).join(
                known, left_on=name, right_on="__id", how="left", maintain_order="left"
            )
            owner = parent in settings["owners"] or f"{table.name}.{column.name}" in settings["owners"]
            nowhere = filled(column.name) & pl.col(mark).is_null()
            fails[column.name, "ORPHAN_OF_OWNER" if owner else "ORPHAN"] = nowhere
        looks.append(Look(table.name, frame, fails))
    return looks


def _present(tables: Tables, parent: str, target: str) -> pl.LazyFrame:
    """The ids that a referenced column holds."""
    return tables(parent, target).select(pl.col(target).str.strip_chars().alias("__id")).drop_nulls().unique()


@checks("GEN-09")
def deleted(tables: Tables, settings) -> list[Look]:
    """A row of which the database says that it was deleted, and which it still holds as if it were not."""
    log = tables("deleted_records", "table", "key")
    names = log.select(pl.col("table").unique()).collect()["table"].to_list()
    looks = []
    for name in sorted(n for n in names if n and n in tables.catalogue and tables.has(n)):
        gone = log.filter(pl.col("table") == name).select(
            pl.col("key").alias("__gone"), pl.lit(True).alias("__deleted")
        )
        marked = "is_deleted" in tables.catalogue.table(name).column_names
        frame = tables(name, "is_deleted") if marked else tables(name, tables.catalogue.table(name).row_key[0])
        frame = frame.join(gone.unique("__gone"), left_on=KEY, right_on="__gone", how="left", maintain_order="left")
        alive = ~yes("is_deleted").fill_null(False) if marked else pl.lit(True)
        looks.append(Look(name, frame, {(KEY, "DELETED_AND_THERE"): pl.col("__deleted") & alive}))
    return looks
