"""Which column is brought into which form: params/rules/standardize.yml held against the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ennu_lib.catalog import Catalogue, Table
from ennu_lib.catalog.columns import Column
from ennu_lib.config import Strict, load_model
from ennu_lib.config.yaml_model import load_yaml
from ennu_lib.errors import ConfigurationError
from ennu_lib.quality.standard.derived import DerivedRule, columns_read
from ennu_lib.quality.standard.row_rules import RowRule, columns_of
from ennu_lib.quality.standard.rules import RuleName

VERBATIM = "verbatim"
CHOICE = "choice:"


class ByKind(Strict):
    """The rule of every column that is not named: by its type in the catalogue. Keys and references stay as they are.

    `code` is for a text column whose words the catalogue lists.
    """

    date: RuleName = VERBATIM
    datetime: RuleName = VERBATIM
    time: RuleName = VERBATIM
    varchar: RuleName = VERBATIM
    text: RuleName = VERBATIM
    code: RuleName = VERBATIM


class StandardizeParams(Strict):
    """params/rules/standardize.yml: rules by type, by table and column, by row, and columns derived from others."""

    by_type: ByKind = ByKind()
    tables: dict[str, dict[str, RuleName]] = {}
    rows: dict[str, list[RowRule]] = {}
    derived: dict[str, list[DerivedRule]] = {}


@dataclass(frozen=True)
class TableRules:
    """The rules of one table: column to rule, row rules, derived columns, and the words of its code columns."""

    table: str
    columns: Mapping[str, RuleName]
    rows: tuple[RowRule, ...]
    derived: tuple[DerivedRule, ...]
    choices: Mapping[str, frozenset[str]]
    types: Mapping[str, str]


def load_standardize(path: Path, catalogue: Catalogue) -> dict[str, TableRules]:
    """Table to its rules, tables without any left out.

    Raises ConfigurationError with every mistake of the file and its line: syntax, unknown keys and rules, tables and
    columns that the catalogue does not have.
    """
    mistakes: list[str] = []
    params = StandardizeParams()
    try:
        params = load_model(path, StandardizeParams)
    except ConfigurationError as error:
        mistakes += error.mistakes
    mistakes += _strangers(path, catalogue) if not any("YAML" in m or "does not exist" in m for m in mistakes) else []
    if mistakes:
        raise ConfigurationError(str(path), sorted(set(mistakes), key=_line_of))
    found = (_rules_of(table, params) for table in catalogue.tables if table.disposition != "exclude")
    return {rules.table: rules for rules in found if rules.columns or rules.rows or rules.derived}


def rule_table(rules: Mapping[str, TableRules]) -> pl.DataFrame:
    """Table, column and rule of every column that has one; row rules and derived columns with all their columns."""
    rows = [(r.table, column, rule) for r in rules.values() for column, rule in r.columns.items()]
    rows += [(r.table, ", ".join(columns_of(row)), row.rule) for r in rules.values() for row in r.rows]
    rows += [(r.table, ", ".join(columns_read(d)), d.rule) for r in rules.values() for d in r.derived]
    return pl.DataFrame(rows, schema=["table", "column", "rule"], orient="row")


def _rules_of(table: Table, params: StandardizeParams) -> TableRules:
    named = params.tables.get(table.name, {})
    chosen = {c.name: named.get(c.name) or _by_type(c, params.by_type) for c in table.columns}
    return TableRules(
        table=table.name,
        columns={column: rule for column, rule in chosen.items() if rule != VERBATIM},
        rows=tuple(params.rows.get(table.name, ())),
        derived=tuple(params.derived.get(table.name, ())),
        choices={c.name: frozenset(_choices(c)) for c in table.columns if c.content.startswith(CHOICE)},
        types={c.name: c.type.kind for c in table.columns},
    )


def _by_type(column: Column, by_type: ByKind) -> RuleName:
    if column.primary_key or column.unique or column.references:
        return VERBATIM
    if column.type.kind in ("date", "datetime", "time"):
        return getattr(by_type, column.type.kind)
    if column.type.kind == "varchar":
        return by_type.code if column.content.startswith(CHOICE) else by_type.varchar
    return by_type.text if column.type.kind in ("text", "longtext") else VERBATIM


def _choices(column: Column) -> list[str]:
    words = column.content.removeprefix(CHOICE).split("|")
    return [word.rpartition("=")[0] or word for word in words]


def _strangers(path: Path, catalogue: Catalogue) -> Iterator[str]:
    """Tables and columns that the file names and the catalogue does not have."""
    data, lines = load_yaml(path)
    for section in ("tables", "rows", "derived"):
        named = data.get(section) if isinstance(data, dict) else None
        for table, body in (named or {}).items() if isinstance(named, dict) else ():
            if table not in catalogue:
                yield f"line {lines[section, table]}: {section}.{table}: the catalogue has no such table"
                continue
            known = set(catalogue.table(table).column_names)
            for place, column in _columns_named(section, body):
                if column not in known:
                    line = lines.get((section, table, *place), lines[section, table])
                    yield f"line {line}: {section}.{table}.{column}: the catalogue has no such column"


def _columns_named(section: str, body: object) -> Iterator[tuple[tuple, str]]:
    if section == "tables" and isinstance(body, dict):
        yield from (((column,), column) for column in body)
    elif isinstance(body, list):
        for number, rule in enumerate(body):
            for name, value in rule.items() if isinstance(rule, dict) else ():
                if name not in ("rule", "places", "metric_table", "facilities", "zones"):
                    columns = value if isinstance(value, list) else [value]
                    yield from (((number, name), str(column)) for column in columns)


def _line_of(mistake: str) -> tuple[int, str]:
    line = mistake.split(":", 1)[0].removeprefix("line ")
    return (int(line) if line.isdigit() else 0, mistake)
