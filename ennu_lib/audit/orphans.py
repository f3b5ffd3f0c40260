"""Rows that point at nothing, and the patients whose rows they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from itertools import pairwise

import polars as pl

from ennu_lib.audit.profile import Source
from ennu_lib.source import Extracted
from ennu_lib.workspace import Workspace

TRACED = {
    "table": pl.String,
    "column": pl.String,
    "parent": pl.String,
    "orphans": pl.Int64,
    "share": pl.Float64,
    "missing_parents": pl.Int64,
    "patients": pl.Int64,
    "by": pl.String,
}


def trace_orphans(
    relations: pl.DataFrame,
    patients: str | None,
    extracted: Mapping[str, Extracted],
    workspace: Workspace,
    nowhere: tuple[int, ...],
) -> pl.DataFrame:
    """Per relation with orphans: how many rows, how many different parents they miss, and how many patients they touch.

    Patients are reached over the other relations of the table, the shortest way; `by` names it. Where the missing
    parent is the patient, the rows touch nobody who is known, and `patients` is none.
    """
    rows = []
    for relation in relations.filter(pl.col("orphans") > 0).sort("table", "column").iter_rows(named=True):
        lost = _lost(relation, extracted, workspace, nowhere)
        missing = lost.select(pl.col(relation["column"]).n_unique())
        path = _path(relation, relations, patients)
        touched = _people(lost, path, extracted, workspace) if path else None
        rows.append(
            {
                **{k: relation[k] for k in ("table", "column", "parent", "orphans")},
                "share": relation["orphans"] / relation["filled_rows"],
                "missing_parents": missing.collect(engine="streaming").item(),
                "patients": touched,
                "by": " → ".join(f"{r['table']}.{r['column']}" for r in path) if path else None,
            }
        )
    return pl.DataFrame(rows, schema=TRACED).sort("orphans", "table", "column", descending=[True, False, False])


def _lost(
    relation: dict, extracted: Mapping[str, Extracted], workspace: Workspace, nowhere: tuple[int, ...]
) -> pl.LazyFrame:
    child = Source.of(extracted[relation["table"]], workspace).frame
    parent = Source.of(extracted[relation["parent"]], workspace).frame
    key = _comparable(relation["column"]).alias("__points_at")
    known = parent.select(_comparable(relation["parent_column"]).alias("__points_at")).unique()
    empty = [""] + [str(n) for n in nowhere if child.collect_schema()[relation["column"]] != pl.String]
    pointing = child.with_columns(key).filter(~pl.col("__points_at").is_in(empty))
    return pointing.join(known, on="__points_at", how="anti")


def _comparable(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).str.strip_chars().str.to_lowercase()


def _path(relation: dict, relations: pl.DataFrame, patients: str | None) -> list[dict] | None:
    """The shortest way from the table to the patients that does not use the broken relation."""
    if patients is None:
        return None
    steps: dict[str, list[dict]] = {}
    for other in relations.iter_rows(named=True):
        if (other["table"], other["column"]) != (relation["table"], relation["column"]):
            steps.setdefault(other["table"], []).append(other)
    pending: deque[tuple[str, list[dict]]] = deque([(relation["table"], [])])
    seen = {relation["table"]}
    while pending:
        table, way = pending.popleft()
        for step in steps.get(table, ()):
            if step["parent"] == patients:
                return [*way, step]
            if step["parent"] not in seen:
                seen.add(step["parent"])
                pending.append((step["parent"], [*way, step]))
    return None


def _people(lost: pl.LazyFrame, path: list[dict], extracted: Mapping[str, Extracted], workspace: Workspace) -> int:
    at = lost.select(_comparable(path[0]["column"]).alias("__at"))
    for step, following in pairwise(path):
        parent = Source.of(extracted[step["parent"]], workspace).frame
        link = parent.select(
            _comparable(step["parent_column"]).alias("__at"), _comparable(following["column"]).alias("__next")
        )
        at = at.join(link, on="__at").select(pl.col("__next").alias("__at"))
    return at.drop_nulls().select(pl.col("__at").n_unique()).collect(engine="streaming").item()
