"""Score the repairs of phase 02 against the labels of a synthetic clinic.

A repaired cell is right when it holds what the same rules make of the undamaged row: the label file has the clean
truth of every planted defect. Where the damage destroyed the value, the cell must be empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from ennu_lib.catalog import Catalogue
from ennu_lib.quality.standard.declared import TableRules
from ennu_lib.quality.standard.events import KEY
from ennu_lib.quality.standard.table import Known, prepare
from ennu_lib.workspace import Workspace

RESTORED, EMPTIED, EITHER = "restored", "emptied", "either"
CELLS = {"defect": pl.String, "table": pl.String, "repaired": pl.Boolean, "right": pl.Boolean}


def repair_score(cells: pl.DataFrame) -> pl.DataFrame:
    """Per defect: cells labelled, repaired, right, and the share of the repaired that are right."""
    return (
        cells.group_by("defect")
        .agg(
            pl.len().alias("labelled"),
            pl.col("repaired").sum(),
            (pl.col("repaired") & pl.col("right")).sum().alias("right"),
        )
        .with_columns((pl.col("right") / pl.col("repaired")).alias("share_right"))
        .sort("defect")
    )


def scored_cells(
    workspace: Workspace,
    rules: Mapping[str, TableRules],
    known: Known,
    catalogue: Catalogue,
    labels: Path,
    repairs: Path,
) -> pl.DataFrame:
    """Every labelled cell of a repairable defect: defect, table, whether it was changed, whether it is right now."""
    wanted = pl.read_csv(repairs)
    marked = pl.scan_parquet(labels).with_columns(
        pl.col("defect").str.split_exact(":", 1).struct.rename_fields(["kind", "column"]).alias("parts")
    )
    marked = marked.drop("defect").unnest("parts").join(wanted.lazy(), left_on="kind", right_on="defect").collect()
    found = [pl.DataFrame(schema=CELLS)]
    for (table,), mine in marked.group_by("table", maintain_order=True):
        if table in rules and workspace.exists(f"clean/{table}"):
            found += _cells_of(str(table), mine, workspace, rules, known, catalogue)
    return pl.concat(found)


def _cells_of(
    table: str,
    labels: pl.DataFrame,
    workspace: Workspace,
    rules: Mapping[str, TableRules],
    known: Known,
    catalogue: Catalogue,
) -> Iterator[pl.DataFrame]:
    source = workspace.scan(f"source/{table}")
    label = pl.concat_str([pl.col(c).cast(pl.String) for c in catalogue.table(table).row_key], separator="|")
    keyed = source.with_columns(label.alias("__label"))
    damaged = keyed.join(labels.lazy().select(pl.col("key").alias("__label")).unique(), on="__label").collect()
    damaged = damaged.filter(pl.col("__label").is_unique())
    whole = _undamaged(damaged, labels)
    expected = prepare(rules[table], source, known).apply(whole.drop("__label"))[0]
    keys = damaged.select(KEY, "__label")
    clean = keys.join(workspace.scan(f"clean/{table}").collect(), on=KEY, how="left", maintain_order="left")
    for (column, kind, repair), cells in labels.group_by("column", "kind", "repair", maintain_order=True):
        at = keys["__label"].is_in(cells["key"].implode())
        if column not in expected.columns:
            continue
        was, now, should = (f[column].filter(at).cast(pl.String) for f in (damaged, clean, expected))
        emptied, restored = now.is_null(), now.eq_missing(should)
        right = {RESTORED: restored, EMPTIED: emptied, EITHER: restored | emptied}[str(repair)]
        yield pl.DataFrame(
            {"defect": [kind] * len(now), "table": [table] * len(now), "repaired": was.ne_missing(now), "right": right},
            schema=CELLS,
        )


def _undamaged(damaged: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """The damaged rows with the truth in every labelled cell."""
    frame = damaged
    for (column,), cells in labels.group_by("column", maintain_order=True):
        if column in frame.columns:
            truth = cells.select(pl.col("key").alias("__label"), "truth", pl.lit(True).alias("__labelled"))
            frame = frame.join(truth.unique("__label"), on="__label", how="left", maintain_order="left")
            here = pl.col("truth").cast(frame.schema[str(column)], strict=False)
            frame = frame.with_columns(
                pl.when("__labelled").then(here).otherwise(pl.col(str(column))).alias(str(column))
            )
            frame = frame.drop("truth", "__labelled")
    return frame
