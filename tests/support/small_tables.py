"""A few rows of source tables under the rules: what is not given is an empty column or an empty table."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

import polars as pl

from ennu_lib.catalog import Catalogue, load_catalogue
from ennu_lib.config import params_dir
from ennu_lib.rules import Rule, Tables, load_rules, run_rules
from ennu_lib.rules.engine import Result

TODAY = dt.date(2026, 6, 30)


@lru_cache(maxsize=1)
def _catalogue() -> Catalogue:
    return load_catalogue(params_dir() / "catalog")


@lru_cache(maxsize=1)
def all_rules() -> dict[str, Rule]:
    """The rules of params/rules."""
    return load_rules(params_dir() / "rules")


def small_tables(rows: dict[str, list[dict[str, Any]]], files: dict[str, pl.DataFrame] | None = None) -> Tables:
    """Tables with these `rows` per source table and these `files` of the workspace.

    A row's key is its first column of the catalogue, unless `__key` is given.
    """
    frames = {f"source/{name}": _frame(name, given) for name, given in rows.items()} | (files or {})

    def read(name: str) -> pl.LazyFrame | None:
        if name in frames:
            return frames[name].lazy()
        table = name.removeprefix("source/")
        return _frame(table, []).lazy() if name.startswith("source/") and table in _catalogue() else None

    return Tables(read, TODAY, params_dir())


def found(rule: str, files: dict[str, pl.DataFrame] | None = None, **rows: list[dict[str, Any]]) -> set[tuple]:
    """What `rule` names: (table, key, reason). A table that begins with a figure is given as `t25again…`."""
    return outcome(rule, files, **rows)[1]


def outcome(
    rule: str, files: dict[str, pl.DataFrame] | None = None, **rows: list[dict[str, Any]]
) -> tuple[Result, set[tuple]]:
    """The result of `rule` and what it names."""
    run = run_rules([all_rules()[rule]], small_tables({name.removeprefix("t"): r for name, r in _named(rows)}, files))
    return run.results[rule], set(run.issues.select("table", "key", "reason").iter_rows())


def _named(rows: dict[str, list[dict[str, Any]]]):
    return (((name if name.startswith("t25again") else f"t{name}"), given) for name, given in rows.items())


def _frame(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    columns = _catalogue().table(name).column_names
    wrong = {column for row in rows for column in row} - {*columns, "__key"}
    assert not wrong, f"{name} has no column {sorted(wrong)}"
    texts = [{c: None if row.get(c) is None else str(row[c]) for c in columns} for row in rows]
    frame = pl.DataFrame(texts, schema=dict.fromkeys(columns, pl.String))
    keys = [str(row.get("__key", row.get(columns[0], n))) for n, row in enumerate(rows, start=1)]
    return frame.with_columns(pl.Series("__key", keys, dtype=pl.String))


def reasons(rule: str, **rows) -> set[str]:
    """The reasons for which the rows fail the rule."""
    return {reason for _, _, reason in found(rule, **rows)}
