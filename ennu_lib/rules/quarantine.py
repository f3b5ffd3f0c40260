"""Rows that may not be loaded: who put them there, what depends on them, and who let them out again."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
from pydantic import Field

from ennu_lib.catalog import Catalogue
from ennu_lib.config import Strict, load_model
from ennu_lib.keys import Keys
from ennu_lib.rules.definition import Rule
from ennu_lib.rules.tables import KEY, NotHere, Tables
from ennu_lib.workspace import Workspace

QUARANTINE = "clean/quarantine"
QUARANTINED = {"table": pl.String, "key": pl.String, "rule": pl.String, "reason": pl.String, "reference": pl.String}
DEPENDENTS = {"table": pl.String, "key": pl.String, "root_table": pl.String, "root_key": pl.String}


class Release(Strict):
    """One row let out of quarantine, or acknowledged where its rule only flags it.

    `row` is its pseudonymous reference, as worklist and `ennu quality rows` give it.
    """

    row: str = Field(pattern=r"^[0-9a-f]{32}$")
    rule: str = Field(pattern=r"^[A-Z]{3}-\d{2}$")
    who: str = Field(min_length=3)
    why: str = Field(min_length=10)
    released: dt.date


class Releases(Strict):
    """params/rules/releases.yml."""

    releases: list[Release] = []


def load_releases(path: Path) -> list[Release]:
    """Read the releases. Raises ConfigurationError with every mistake."""
    return load_model(path, Releases).releases


def quarantined(issues: pl.DataFrame, rules: dict[str, Rule], keys: Keys) -> pl.DataFrame:
    """The rows that a rule keeps from the load, once per row and rule; columns of QUARANTINED."""
    reasons = [(rule.id, reason) for rule in rules.values() for reason in rule.quarantine]
    wanted = pl.DataFrame(reasons, schema=["rule", "reason"], orient="row")
    rows = issues.join(wanted, on=["rule", "reason"], how="semi").select("table", "key", "rule", "reason")
    rows = rows.unique(["table", "key", "rule"], keep="first", maintain_order=True).sort("table", "key", "rule")
    return rows.with_columns(references(rows, keys)).select(*QUARANTINED)


def references(rows: pl.DataFrame, keys: Keys) -> pl.Series:
    """The pseudonymous reference of every row of `rows` (table, key), resolvable in the workspace only."""
    parts = [
        part.select("table", "key").with_columns(
            pl.Series("reference", keys.external_ids(f"row of {table}", part["key"].to_list()), dtype=pl.String)
        )
        for (table,), part in rows.select("table", "key").unique().group_by("table")
    ]
    if not parts:
        return pl.Series("reference", [], dtype=pl.String)
    return rows.select("table", "key").join(pl.concat(parts), on=["table", "key"], how="left", maintain_order="left")[
        "reference"
    ]


def split_released(rows: pl.DataFrame, releases: list[Release]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that stay in quarantine, and rows that somebody released for the rule that put them there."""
    given = pl.DataFrame(
        [(r.row, r.rule) for r in releases], schema={"reference": pl.String, "rule": pl.String}, orient="row"
    )
    return rows.join(given, on=["reference", "rule"], how="anti"), rows.join(
        given, on=["reference", "rule"], how="semi"
    )


def dependents(rows: pl.DataFrame, tables: Tables, depth: int) -> pl.DataFrame:
    """Every row that refers to a quarantined one, directly or over up to `depth` relations of the catalogue.

    Columns of DEPENDENTS. A row that depends on several is listed for each.
    """
    level = rows.select("table", "key").unique().with_columns(root_table="table", root_key="key")
    found = [pl.DataFrame(schema=DEPENDENTS)]
    seen = level.select(*DEPENDENTS)
    for _ in range(depth):
        level = _children(level, tables).join(seen, on=list(DEPENDENTS), how="anti")
        if level.is_empty():
            break
        found.append(level)
        seen = pl.concat([seen, level])
    return pl.concat(found).sort(list(DEPENDENTS))


def kept_out(workspace: Workspace, table: str) -> pl.LazyFrame | None:
    """`key` and `rule` of the rows of `table` in quarantine, once per row; None where phase 02 kept no quarantine."""
    if not workspace.exists(QUARANTINE):
        return None
    rows = workspace.scan(QUARANTINE).filter(pl.col("table") == table)
    return rows.group_by("key").agg(pl.col("rule").min())


def _children(level: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    parts = [pl.DataFrame(schema=DEPENDENTS)]
    parents = set(level["table"].unique().to_list())
    plans = []
    for child, column, parent in _relations(tables.catalogue, parents):
        try:
            frame = tables(child, column)
        except NotHere:
            continue
        roots = level.lazy().filter(pl.col("table") == parent).select("key", "root_table", "root_key")
        joined = frame.join(roots, left_on=column, right_on="key", how="inner")
        plans.append(joined.select(pl.lit(child).alias("table"), pl.col(KEY).alias("key"), "root_table", "root_key"))
    parts += pl.collect_all(plans)
    return pl.concat(parts).unique()


def _relations(catalogue: Catalogue, parents: set[str]) -> list[tuple[str, str, str]]:
    """(child, column, parent) for references to the primary key of a parent."""
    return [
        (table.name, column.name, column.references[0])
        for table in catalogue.tables
        for column in table.references
        if column.references
        and column.references[0] in parents
        and catalogue.table(column.references[0]).primary_key == [column.references[1]]
        and column.references[0] != table.name
    ]
