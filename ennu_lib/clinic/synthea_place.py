"""Places the rows of one source file into target tables, by the file's plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ennu_lib.catalog import Catalogue
from ennu_lib.clinic.chunk import KeyCounter
from ennu_lib.clinic.synthea_account import ImportAccount
from ennu_lib.clinic.synthea_files import (
    ROW,
    columns_looked_up,
    columns_of,
    open_file,
    parts_of,
    scan,
    source_columns,
    values_of,
)
from ennu_lib.clinic.synthea_spec import FilePlan, ImportPlan, Route, TablePlan
from ennu_lib.clinic.synthea_values import OWN_KEY, condition, expression, filled, id_key, row_key, was_there

ROUTE, MISSING, LOST = "$route", "$missing", "$lost "
AGGREGATES = {"pick", "pairs", "count"}
Made = tuple[str, pl.DataFrame]


@dataclass
class Placing:
    """An import under way: keys given so far, the account, and which key every source id got."""

    directory: Path
    plan: ImportPlan
    catalogue: Catalogue
    reference: dict[str, pl.DataFrame]
    account: ImportAccount = field(default_factory=ImportAccount)
    keys: KeyCounter = field(default_factory=KeyCounter)
    ids: dict[str, pl.DataFrame] = field(default_factory=dict)

    def file(self, plan: FilePlan) -> Iterator[Made]:
        """Tables made from one source file; the account is credited with its rows."""
        path = self.directory / plan.file
        if not path.is_file():
            self.account.absent.append(plan.file)
            return
        self.account.read[plan.file] = scan(path).select(pl.len()).collect().item()
        self.account.placed[plan.file] = 0
        self._columns_without_home(path, plan)
        rows = open_file(self.directory, plan, self.reference, self.plan.default_zone)
        for part in parts_of(self.directory, plan, rows):
            yield from self._part(plan, part)

    def _columns_without_home(self, path: Path, plan: FilePlan) -> None:
        """Count the values of columns that no plan reads, unless the whole file has no home."""
        used = source_columns(plan) | columns_looked_up(self.plan, plan.file)
        spare = [name for name in columns_of(path) if name not in used]
        if plan.routes and spare:
            counts = scan(path).select(filled(name).is_not_null().sum().alias(name) for name in spare).collect()
            for name in spare:
                self.account.values_without_home(plan.file, name, counts[name][0], "no column for it in the plan")

    def _part(self, plan: FilePlan, part: pl.LazyFrame) -> Iterator[Made]:
        route = pl.coalesce(
            *[pl.when(condition(each.when)).then(pl.lit(number)) for number, each in enumerate(plan.routes)], pl.lit(-1)
        )
        rows = self._with_ids(plan, part.with_columns(route.alias(ROUTE))).collect(engine="streaming").sort(ROW)
        self._unplaced(plan, rows.filter(pl.col(ROUTE) < 0).with_columns(pl.lit(plan.no_home).alias(MISSING)))
        for number, each in enumerate(plan.routes):
            yield from self._route(plan, each, rows.filter(pl.col(ROUTE) == number))

    def _with_ids(self, plan: FilePlan, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Add the keys behind the source ids that the plan asks for."""
        asked = {(value.argument, value.options["in"]) for value in values_of(plan) if value.op == "id_of"}
        for table, column in sorted(asked):
            known = self.ids.get(table, pl.DataFrame(schema={"source": pl.String, "key": pl.Int64}))
            keys = known.lazy().select(pl.col("source"), pl.col("key").alias(id_key(table, column)))
            rows = rows.join(keys, left_on=column, right_on="source", how="left", maintain_order="left")
        return rows

    def _route(self, plan: FilePlan, route: Route, rows: pl.DataFrame) -> Iterator[Made]:
        if rows.is_empty():
            return
        for table in route.tables:
            frame, rows = self._table(plan, table, rows)
            yield table.table, frame
            if table.places:
                placed = rows[row_key(table.name)].is_not_null()
                self.account.placed[plan.file] += int(placed.sum())
                self._unplaced(plan, rows.filter(~placed))

    def _unplaced(self, plan: FilePlan, rows: pl.DataFrame) -> None:
        code = pl.col(plan.code) if plan.code else pl.lit(None, pl.String)
        counts = rows.group_by(code.alias("code"), pl.col(MISSING).alias("reason")).agg(pl.len().alias("count"))
        self.account.rows_without_home(plan.file, plan.code, counts.sort("code", "reason", nulls_last=True))

    def _table(self, plan: FilePlan, table: TablePlan, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The target rows, and the source rows with the key that each of them got."""
        subset = self._keyed(table, rows.filter(condition(table.when)))
        made = self._evaluated(plan, table, subset)
        kept = made.filter(pl.col(MISSING).is_null())
        given = subset.select(ROW, OWN_KEY).join(kept.select(OWN_KEY), on=OWN_KEY, how="semi")
        why = (
            subset.select(ROW, OWN_KEY).join(made.select(OWN_KEY, MISSING), on=OWN_KEY, how="left").select(ROW, MISSING)
        )
        marked = rows.drop(MISSING, strict=False).join(
            given.rename({OWN_KEY: row_key(table.name)}), on=ROW, how="left", maintain_order="left"
        )
        marked = marked.join(why, on=ROW, how="left", maintain_order="left")
        marked = marked.with_columns(pl.col(MISSING).fill_null(f"not one for {table.table}"))
        if table.source_id:
            self._remember(table, subset, kept)
        return kept.select(self._target_columns(table)), marked

    def _keyed(self, table: TablePlan, rows: pl.DataFrame) -> pl.DataFrame:
        if not table.one_per:
            return rows.with_columns(pl.Series(OWN_KEY, values=self.keys.take(table.table, rows.height)))
        groups = rows.select(table.one_per).unique(maintain_order=True)
        groups = groups.with_columns(pl.Series(OWN_KEY, values=self.keys.take(table.table, groups.height)))
        return rows.join(groups, on=table.one_per, how="left", maintain_order="left", nulls_equal=True)

    def _target_columns(self, table: TablePlan) -> list[str]:
        return [*([table.id_column] if table.id_column else []), *table.columns]

    def _evaluated(self, plan: FilePlan, table: TablePlan, rows: pl.DataFrame) -> pl.DataFrame:
        """Every target row with its key, and in MISSING the first column that lacks a value it must have."""
        made, flags = self._expressions(plan, table)
        if table.one_per:
            frame = rows.group_by(OWN_KEY, maintain_order=True).agg(*made, *flags.values())
        else:
            frame = rows.select(OWN_KEY, *made, *flags.values())
        self._count_lost(plan, table, frame.select(flags.keys()).sum())
        own = [pl.col(OWN_KEY).alias(table.id_column)] if table.id_column else []
        return frame.with_columns(*own, self._first_missing(table).alias(MISSING))

    def _expressions(self, plan: FilePlan, table: TablePlan) -> tuple[list[pl.Expr], dict[str, pl.Expr]]:
        """The values of all columns, and by `$lost <column>` whether the source had one that did not get through."""
        target = self.catalogue.table(table.table)
        made, flags = [], {}
        for name, value in table.columns.items():
            out, there = expression(value, target.column(name), plan.code), was_there(value, plan.code)
            if table.one_per and value.op not in AGGREGATES:
                out, there = out.first(), None if there is None else there.first()
            made.append(out)
            if there is not None:
                flags[LOST + name] = (there & out.is_null()).alias(LOST + name)
        return made, flags

    def _count_lost(self, plan: FilePlan, table: TablePlan, lost: pl.DataFrame) -> None:
        for flag in lost.columns:
            name = flag.removeprefix(LOST)
            value = table.columns[name]
            reason = f"not in the export, unreadable, or too long for {table.table}.{name}"
            source = value.column or ", ".join(value.argument)
            self.account.values_without_home(plan.file, source, int(lost[flag][0] or 0), reason)

    def _first_missing(self, table: TablePlan) -> pl.Expr:
        columns = self.catalogue.table(table.table).columns
        needed = [column.name for column in columns if not column.nullable and column.name in table.columns]
        lacking = [pl.when(pl.col(name).is_null()).then(pl.lit(f"no {table.table}.{name}")) for name in needed]
        return pl.coalesce(*lacking, pl.lit(None))

    def _remember(self, table: TablePlan, rows: pl.DataFrame, kept: pl.DataFrame) -> None:
        pairs = rows.join(kept.select(OWN_KEY), on=OWN_KEY, how="semi").select(
            pl.col(table.source_id).alias("source"), pl.col(OWN_KEY).alias("key")
        )
        known = self.ids.get(table.table)
        both = pairs if known is None else pl.concat([known, pairs])
        self.ids[table.table] = both.unique("source", keep="first", maintain_order=True)
