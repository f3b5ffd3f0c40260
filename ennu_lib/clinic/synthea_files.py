"""Reads the files of a Synthea CSV export lazily, with the columns that a plan looks up in other files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from ennu_lib.clinic.people_draw import clinic_table
from ennu_lib.clinic.synthea_spec import FilePlan, ImportPlan, Value
from ennu_lib.clinic.synthea_values import ZONE, columns_localized, columns_read, derived, local_time
from ennu_lib.errors import ConfigurationError

ROW = "$row"
PART_BYTES = 256_000_000


def scan(path: Path) -> pl.LazyFrame:
    """A CSV file, every column as text."""
    return pl.scan_csv(path, infer_schema=False)


def columns_of(path: Path) -> list[str]:
    """The header of a CSV file."""
    return scan(path).collect_schema().names()


def check_export(directory: Path, plan: ImportPlan) -> None:
    """Raise ConfigurationError, all at once, for files that must be there and columns that the plan reads."""
    if not directory.is_dir():
        raise ConfigurationError(str(directory), ["no such directory; give the one that holds Synthea's CSV files"])
    mistakes = []
    for file in plan.files:
        path = directory / file.file
        if not path.is_file():
            mistakes += [f"{file.file}: no such file, and it is needed"] if file.required else []
            continue
        lacking = sorted(source_columns(file) - set(columns_of(path)))
        mistakes += [f"{file.file}: no column {', '.join(lacking)}; is this Synthea's CSV export?"] if lacking else []
    if mistakes:
        raise ConfigurationError(str(directory), mistakes)


def source_columns(plan: FilePlan) -> set[str]:
    """Columns of the file itself that the plan reads."""
    found = {plan.code, plan.per, plan.zone_state} - {None}
    for of in plan.nth.values():
        found |= set(of)
    for lookup in plan.lookups:
        found |= set(_as_list(lookup["by"]))
    for route in plan.routes:
        found |= {name for one in route.when for name in one}
        for table in route.tables:
            found |= set(table.one_per) | {name for one in table.when for name in one}
            found |= {table.source_id} - {None}
    found = found.union(*(columns_read(value) for value in [*values_of(plan), *plan.derived.values()]))
    looked_up = {name for lookup in plan.lookups for name in lookup["take"]}
    return found - looked_up - set(plan.nth) - set(plan.derived)


def columns_looked_up(plan: ImportPlan, name: str) -> set[str]:
    """Columns of a file that the plans of other files look up in it."""
    lookups = [lookup for file in plan.files for lookup in file.lookups if lookup.get("file") == name]
    return set().union(*({*_as_list(lookup["match"]), *lookup["take"].values()} for lookup in lookups))


def open_file(directory: Path, plan: FilePlan, reference: dict[str, pl.DataFrame], default_zone: str) -> pl.LazyFrame:
    """The rows of a file, numbered, with looked-up columns and each row's time zone."""
    rows = scan(directory / plan.file).with_row_index(ROW)
    rows = rows.with_columns(_nth(of).alias(name) for name, of in plan.nth.items())
    for lookup in plan.lookups:
        rows = rows.join(
            _other(directory, lookup, reference),
            left_on=_as_list(lookup["by"]),
            right_on=[f"$match {name}" for name in _as_list(lookup["match"])],
            how="left",
            maintain_order="left",
        )
    for name, value in plan.derived.items():
        rows = rows.with_columns(derived(value).alias(name))
    rows = rows.with_columns(_zone(plan.zone_state, default_zone).alias(ZONE))
    return rows.with_columns(local_time(name) for name in columns_localized(values_of(plan)))


def values_of(plan: FilePlan) -> list[Value]:
    """All values of all tables of a plan."""
    return [value for route in plan.routes for table in route.tables for value in table.columns.values()]


def parts_of(directory: Path, plan: FilePlan, rows: pl.LazyFrame) -> list[pl.LazyFrame]:
    """The rows in parts small enough for memory; all rows of one `per` value are in the same part."""
    count = 1 + (directory / plan.file).stat().st_size // PART_BYTES if plan.per else 1
    if count == 1:
        return [rows]
    return [rows.filter(pl.col(plan.per).hash(seed=0) % count == number) for number in range(count)]


def _other(directory: Path, lookup: dict[str, Any], reference: dict[str, pl.DataFrame]) -> pl.LazyFrame:
    """The looked-up columns of another file or of a reference table, one row per match."""
    if "reference" in lookup:
        other = reference[lookup["reference"]].lazy()
    else:
        path = directory / lookup["file"]
        wanted = {*_as_list(lookup["match"]), *lookup["take"].values()} - set(lookup.get("nth", {}))
        other = scan(path) if path.is_file() else pl.LazyFrame(schema=dict.fromkeys(sorted(wanted), pl.String))
    first = lookup.get("from", 0)
    other = other.with_columns(_nth(of, first).alias(name) for name, of in lookup.get("nth", {}).items())
    match = [pl.col(name).alias(f"$match {name}") for name in _as_list(lookup["match"])]
    taken = other.select(*match, *[pl.col(source).alias(name) for name, source in lookup["take"].items()])
    grouped = taken.group_by([expr.meta.output_name() for expr in match], maintain_order=True)
    return grouped.agg({"min": pl.all().min(), "max": pl.all().max()}.get(lookup.get("keep"), pl.all().first()))


def _nth(of: list[str], first: int = 0) -> pl.Expr:
    """`first`, `first` + 1 … within rows of equal values, as text like every source column."""
    return (pl.int_range(pl.len()).over(of) + first).cast(pl.String)


def _zone(state_column: str | None, default: str) -> pl.Expr:
    if state_column is None:
        return pl.lit(default)
    zones = clinic_table("zip_prefixes").unique("state", keep="first", maintain_order=True)
    by_state = dict(zones.select("state", "time_zone").rows())
    return pl.col(state_column).replace_strict(by_state, default=default, return_dtype=pl.String)


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
