"""Loads the catalogue of source tables from `params/catalog` and refuses it whole when anything in it is wrong."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ennu_lib.catalog.columns import COLUMN_FIELDS, Column, read_column
from ennu_lib.errors import ConfigurationError

# fmt: off
TABLE_FIELDS = (
    "no", "table", "origin", "group", "purpose", "primary_key", "disposition", "target", "data_class", "growth",
    "rows_at_22000_patients", "avg_row_bytes", "empty_allowed",
)
# fmt: on
DISPOSITIONS = ("lookup", "archive", "contact_property", "exclude", "association", "association_label")
DATA_CLASSES = ("PHI", "none", "staff", "log", "system", "financial", "credential")
CATALOGUE_PATIENTS = 22_000


@dataclass(frozen=True)
class Table:
    """One source table.

    `named_key` is the column that the catalogue names as key, `primary_key` what the database enforces (empty for a
    legacy table without one). `growth` is `patients` where the rows grow with the number of patients, else `fixed`.
    `rows` is the expected number of rows of a clinic of 22,000 patients.
    """

    no: int
    name: str
    origin: str
    group: str
    purpose: str
    named_key: str
    disposition: str
    target: str
    data_class: str
    growth: str
    rows: int
    avg_row_bytes: int
    empty_allowed: bool
    columns: tuple[Column, ...]

    @cached_property
    def primary_key(self) -> list[str]:
        """Columns of the primary key, in order; empty where the table has none."""
        return [column.name for column in self.columns if column.primary_key]

    @cached_property
    def row_key(self) -> list[str]:
        """Columns that tell rows apart: the primary key, else the key column the catalogue names."""
        return self.primary_key or [self.named_key]

    @cached_property
    def column_names(self) -> list[str]:
        """Column names in their order."""
        return [column.name for column in self.columns]

    @property
    def references(self) -> list[Column]:
        """Columns that point at another table, declared or by convention."""
        return [column for column in self.columns if column.references]

    def column(self, name: str) -> Column:
        """The column of that name; raises KeyError where the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")


@dataclass(frozen=True)
class Catalogue:
    """All source tables in catalogue order."""

    tables: tuple[Table, ...]

    @cached_property
    def _by_name(self) -> dict[str, Table]:
        return {table.name: table for table in self.tables}

    def table(self, name: str) -> Table:
        """The table of that name; raises KeyError where there is none."""
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @cached_property
    def referenced(self) -> frozenset[str]:
        """Names of the tables that some column points at."""
        return frozenset(column.references[0] for table in self.tables for column in table.references)

    @property
    def table_names(self) -> list[str]:
        """Table names in catalogue order."""
        return [table.name for table in self.tables]


def load_catalogue(directory: Path) -> Catalogue:
    """Read `tables.csv` and `columns/*.csv` below `directory` (params/catalog).

    Raises ConfigurationError with every mistake of every file, each with its file and row.
    """
    columns, mistakes = _read_columns(directory / "columns")
    tables, table_mistakes = _read_tables(directory / "tables.csv", columns)
    mistakes = table_mistakes + mistakes
    if not mistakes:
        mistakes = _disagreements(tables, columns)
    if mistakes:
        raise ConfigurationError(str(directory), mistakes)
    return Catalogue(tuple(tables))


@dataclass(frozen=True)
class _Placed:
    """A column and where it stands, for messages."""

    column: Column
    where: str
    group: str


def _rows(path: Path, fields: list[str] | tuple[str, ...], mistakes: list[str]) -> list[tuple[str, dict[str, str]]]:
    """Rows of a CSV file with a text that says where each stands; the header must be exactly `fields`."""
    if not path.is_file():
        mistakes.append(f"{path.name}: no such file")
        return []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        if header != list(fields):
            mistakes.append(f"{path.name}: the header must be {','.join(fields)}")
            return []
        return list(_well_formed(reader, path, fields, mistakes))


def _well_formed(reader, path: Path, fields, mistakes: list[str]):
    for values in reader:
        where = f"{path.name} row {reader.line_num}"
        if len(values) == len(fields):
            yield where, dict(zip(fields, values, strict=True))
        elif values:
            mistakes.append(f"{where}: {len(values)} values where {len(fields)} are expected")


def _read_columns(directory: Path) -> tuple[list[_Placed], list[str]]:
    placed: list[_Placed] = []
    mistakes: list[str] = []
    for path in sorted(directory.glob("*.csv")):
        for where, row in _rows(path, COLUMN_FIELDS, mistakes):
            column, wrong = read_column(row)
            mistakes += [f"{where}: {text}" for text in wrong]
            placed.append(_Placed(column, where, path.stem))
    return placed, mistakes


def _read_tables(path: Path, placed: list[_Placed]) -> tuple[list[Table], list[str]]:
    by_table: dict[str, list[Column]] = {}
    for item in placed:
        by_table.setdefault(item.column.table, []).append(item.column)
    mistakes: list[str] = []
    tables = [
        _table(row, tuple(by_table.get(row["table"], ())), lambda text, at=where: mistakes.append(f"{at}: {text}"))
        for where, row in _rows(path, TABLE_FIELDS, mistakes)
    ]
    return tables, mistakes


def _table(row: dict[str, str], columns: tuple[Column, ...], wrong: Callable[[str], None]) -> Table:
    def count(name: str) -> int:
        if not row[name].isdigit():
            wrong(f"{name} '{row[name]}' is not a count")
            return 0
        return int(row[name])

    def one_of(name: str, allowed: tuple[str, ...]) -> str:
        if row[name] not in allowed:
            wrong(f"{name} '{row[name]}' is none of {', '.join(allowed)}")
        return row[name]

    if not row["disposition"].startswith("object:"):
        one_of("disposition", DISPOSITIONS)
    if not columns:
        wrong(f"table '{row['table']}' has no columns in columns/{row['group']}.csv")
    elif row["primary_key"] not in {column.name for column in columns}:
        wrong(f"table '{row['table']}' has no column '{row['primary_key']}', which it names as key")
    return Table(
        no=count("no"),
        name=row["table"],
        origin=one_of("origin", ("custom", "standard")),
        group=row["group"],
        purpose=row["purpose"],
        named_key=row["primary_key"],
        disposition=row["disposition"],
        target=row["target"],
        data_class=one_of("data_class", DATA_CLASSES),
        growth=one_of("growth", ("patients", "fixed")),
        rows=count("rows_at_22000_patients"),
        avg_row_bytes=count("avg_row_bytes"),
        empty_allowed=one_of("empty_allowed", ("yes", "no")) == "yes",
        columns=columns,
    )


def _disagreements(tables: list[Table], placed: list[_Placed]) -> list[str]:
    """Mistakes that show only when all files are seen together."""
    by_name = {table.name: table for table in tables}
    mistakes = [f"tables.csv: table '{name}' stands twice" for name in _repeated([table.name for table in tables])]
    mistakes += [
        f"{item.where}: column '{item.column.name}' stands twice in table '{item.column.table}'"
        for item in _second_ones(placed)
    ]
    for item in placed:
        mistakes += [f"{item.where}: {text}" for text in _misplaced(item, by_name)]
    return mistakes


def _repeated(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _second_ones(placed: list[_Placed]) -> list[_Placed]:
    """Columns whose name the same table already holds; databases compare column names without case."""
    seen: set[tuple[str, str]] = set()
    second = []
    for item in placed:
        key = (item.column.table, item.column.name.casefold())
        if key in seen:
            second.append(item)
        seen.add(key)
    return second


def _misplaced(item: _Placed, tables: dict[str, Table]) -> list[str]:
    column = item.column
    table = tables.get(column.table)
    if table is None:
        return [f"table '{column.table}' is not in tables.csv"]
    mistakes = []
    if table.group != item.group:
        mistakes.append(f"table '{column.table}' belongs in columns/{table.group}.csv")
    if column.references:
        mistakes += _dangling(column, tables)
    return mistakes


def _dangling(column: Column, tables: dict[str, Table]) -> list[str]:
    parent, name = column.references
    if parent not in tables:
        return [f"references table '{parent}', which is not in tables.csv"]
    targets = [other for other in tables[parent].columns if other.name == name]
    if not targets:
        return [f"references '{parent}.{name}', which has no such column"]
    if not column.declared:
        return []
    if not targets[0].unique and tables[parent].primary_key != [name]:
        return [f"declares a foreign key on '{parent}.{name}', which is neither the primary key nor unique"]
    if column.type != targets[0].type:
        return [f"declares a foreign key on '{parent}.{name}', which has another type"]
    return []
