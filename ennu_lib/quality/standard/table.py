"""One table brought into standard form, portion by portion: the clean rows, and an event for every change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.quality.standard import derived, names, row_rules
from ennu_lib.quality.standard.column import ColumnStandard
from ennu_lib.quality.standard.dates import birth_date
from ennu_lib.quality.standard.declared import TableRules
from ennu_lib.quality.standard.derived import MeasurementColumns, Utc
from ennu_lib.quality.standard.events import KEY, events_of, no_events
from ennu_lib.quality.standard.forms import Forms
from ennu_lib.quality.standard.measurements import UNIT_RULE, UNIT_VERSION, Measurements
from ennu_lib.quality.standard.names import usual_names
from ennu_lib.quality.standard.readable import all_readable, readable, textual_tables
from ennu_lib.quality.standard.row_rules import RowRule, Tables
from ennu_lib.quality.standard.rules import RULES, Lists
from ennu_lib.quality.standard.spellings import usual_spellings

# What a column may be, for each kind of type that the catalogue knows; anything else is reported and read as text.
# MySQL and MariaDB have no boolean: theirs is a small number.
EXPECTED = {
    "integer": (pl.Int64,), "bigint": (pl.Int64,), "smallint": (pl.Int64,), "boolean": (pl.Boolean, pl.Int64),
    "float": (pl.Float64,), "decimal": (pl.Decimal,), "blob": (pl.Binary,),
}  # fmt: skip


NAMES = {"name": names.name, "family_name": names.family_name}


@dataclass(frozen=True)
class Known:
    """What every table's rules may know: word lists, the run's day, the metric table, and the other source tables."""

    forms: Forms
    today: dt.date
    biomarkers: BiomarkerCatalogue
    tables: Tables


@dataclass
class TableStandard:
    """The rules of one table, ready for its portions. `wrong_types`: columns of another type than the catalogue's."""

    rules: TableRules
    columns: dict[str, ColumnStandard]
    rows: list[tuple[RowRule, row_rules.Knowledge]]
    measurements: list[Measurements]
    instants: list[tuple[Utc, pl.DataFrame | None]]
    wrong_types: list[tuple[str, str, str]]
    units_of_metrics: bool = True

    def apply(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """A portion in standard form, with its derived columns, and the events that led to it.

        Columns that hold bytes or lists stay as they are.
        """
        types = frame.schema
        dark = frame.select(name for name, dtype in types.items() if not readable(dtype))
        frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in dark.columns)
        frame = frame.with_columns(self.given_zones(frame.columns))
        events: list[pl.DataFrame] = []
        frame = self._swaps(frame, 0, events)
        frame = self._each_column(frame, events)
        frame = self._swaps(frame, 2, events)
        frame, resolved = self._units(frame, events)
        frame = self._as_numbers(frame, types)
        clean = self.derive(frame, resolved).with_columns(dark)
        return clean, pl.concat(events) if events else no_events()

    def derive(self, frame: pl.DataFrame, resolved: list[pl.DataFrame] | None = None) -> pl.DataFrame:
        """Add the columns that are made from others; they replace what an earlier run added.

        `resolved` is what the measurements of the portion were found to be, where that is known already.
        """
        frame = frame.select(c for c in frame.columns if not c.startswith("std_"))
        for number, measurement in enumerate(self.measurements):
            frame = measurement.canonical(frame, resolved[number] if resolved else None)
        for rule, zones in self.instants:
            frame = derived.add_instants(frame, rule, zones)
        return frame

    def given_zones(self, columns: Iterable[str]) -> list[pl.Expr]:
        """The zones that moments were written with: `derive` needs them beside a table in standard form."""
        return [zone for rule, _ in self.instants for zone in derived.given_zones(rule, columns)]

    @property
    def read_as_text(self) -> list[str]:
        """Columns that are text after standardizing, whatever they were."""
        return [column for column, standard in self.columns.items() if standard.rule.numbers != "number"]

    def counts_left(self) -> pl.DataFrame:
        """Values that stayed as they are because they have no standard form: table, column, rule, reason, values."""
        rows = [
            (self.rules.table, column, standard.name, reason, values)
            for column, standard in self.columns.items()
            for reason, values in sorted(standard.left.items())
        ]
        return pl.DataFrame(rows, schema=LEFT, orient="row")

    def _each_column(self, frame: pl.DataFrame, events: list[pl.DataFrame]) -> pl.DataFrame:
        frame = frame.with_columns(pl.col(column).cast(pl.String) for column in self.columns)
        odd = frame.select(standard.odd(pl.col(column)).alias(column) for column, standard in self.columns.items())
        new = []
        for column, standard in self.columns.items():
            changed = standard.changed(frame[column], odd[column])
            if changed.height:
                new.append(_put(frame[column], changed).alias(column))
                rows = changed.with_columns(frame[KEY].gather(changed["at"]).alias("key"))
                events.append(events_of(self.rules.table, column, standard.name, standard.rule.version, 1, rows))
        return frame.with_columns(new)

    def _swaps(self, frame: pl.DataFrame, step: int, events: list[pl.DataFrame]) -> pl.DataFrame:
        for rule, known in self.rows:
            if row_rules.STEP[rule.rule] != step:
                continue
            frame = frame.with_columns(pl.col(c).cast(pl.String) for c in row_rules.columns_of(rule))
            new = [
                (column, _series(frame, values), reason)
                for column, values, reason in row_rules.changes(rule, frame, known)
            ]
            for column, values, reason in new:
                version = row_rules.VERSIONS.get(rule.rule, 1)
                events.append(_differences(self.rules.table, frame, column, values, rule.rule, step, reason, version))
            frame = frame.with_columns(values.alias(column) for column, values, _ in new)
        return frame

    def _units(self, frame: pl.DataFrame, events: list[pl.DataFrame]) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
        """Units as the metrics have them; also what each measurement was found to be."""
        resolved = [measurement.resolved(frame) for measurement in self.measurements]
        for measurement, found in zip(self.measurements, resolved, strict=True):
            if not self.units_of_metrics:
                break
            column, ucum = measurement.rule.unit, found["__ucum"]
            frame = frame.with_columns(pl.col(column).cast(pl.String))
            events.append(_differences(self.rules.table, frame, column, ucum, UNIT_RULE, 2, None, UNIT_VERSION))
            frame = frame.with_columns(ucum.alias(column))
        return frame, resolved

    def _as_numbers(self, frame: pl.DataFrame, types: pl.Schema) -> pl.DataFrame:
        again = [
            column
            for column, standard in self.columns.items()
            if standard.rule.numbers == "number" and types[column].is_numeric()
        ]
        return frame.with_columns(pl.col(column).cast(types[column]) for column in again)


LEFT = {"table": pl.String, "column": pl.String, "rule": pl.String, "reason": pl.String, "values": pl.Int64}


def prepare(rules: TableRules, rows: pl.LazyFrame, known: Known, undone: frozenset[str] = frozenset()) -> TableStandard:
    """Look once over all `rows` of a table for what its rules must know beforehand. Rules in `undone` are left out."""
    schema = rows.collect_schema()
    lists = Lists(known.forms, known.today, known.biomarkers.units)
    columns = {
        column: ColumnStandard(rule, _lists_of(column, rule, rules, rows, lists))
        for column, rule in rules.columns.items()
        if column in schema and rule not in undone and _applies(schema[column], rule)
    }
    present = [r for r in rules.rows if r.rule not in undone and all_readable(row_rules.columns_of(r), schema)]
    tables = textual_tables(known.tables)
    measured = [
        Measurements(d, known.biomarkers, tables)
        for d in rules.derived
        if isinstance(d, MeasurementColumns) and {d.value, d.unit} <= set(schema)
    ]
    return TableStandard(
        rules=rules,
        columns=columns,
        rows=[(r, row_rules.knowledge(r, rows, tables, known.forms)) for r in present],
        measurements=measured,
        instants=[(d, derived.zone_of_facility(d, tables)) for d in rules.derived if isinstance(d, Utc)],
        wrong_types=list(_wrong_types(rules, schema)),
        units_of_metrics=UNIT_RULE not in undone,
    )


def _applies(dtype: pl.DataType, rule: str) -> bool:
    """Bytes and flags have no standard form as text; numbers have one where the rule says so."""
    if dtype == pl.Boolean or not readable(dtype):
        return False
    return not (dtype.is_numeric() and RULES[rule].numbers == "standard")


def _wrong_types(rules: TableRules, schema: pl.Schema) -> Iterator[tuple[str, str, str]]:
    for column, kind in rules.types.items():
        if column in schema and schema[column] not in (pl.Null, *EXPECTED.get(kind, (pl.String,))):
            yield column, kind, str(schema[column].base_type())


def _lists_of(column: str, rule: str, rules: TableRules, rows: pl.LazyFrame, lists: Lists) -> Lists:
    choices = rules.choices.get(column, frozenset())
    lists = replace(lists, choices=frozenset(choice.casefold() for choice in choices))
    if rule == "spelling":
        return replace(lists, spellings=usual_spellings(rows, column, sorted(choices), lists.forms))
    if rule in NAMES:
        return replace(lists, names=usual_names(rows, column, lists.forms, NAMES[rule]))
    if rule == "birth_date":
        return replace(lists, default_day=_shared_default(column, rows, lists))
    return lists


def _shared_default(column: str, rows: pl.LazyFrame, lists: Lists) -> dt.date | None:
    """The default day of the old system, when more rows have it than can have been born on it (rule PAT-04).

    The share is that of all rows: of the filled ones it would grow, and the answer change, as others are emptied.
    """
    shared = lists.forms.dates.shared_default
    found = rows.select(pl.col(column).cast(pl.String)).group_by(column).len("rows").collect(engine="streaming")
    total = found["rows"].sum()
    found = found.drop_nulls()
    same = [birth_date(text, lists.forms, lists.today).value == shared.day.isoformat() for text in found[column]]
    count = found.filter(pl.Series(same, dtype=pl.Boolean))["rows"].sum()
    return shared.day if count > shared.share * total else None


def _put(values: pl.Series, changed: pl.DataFrame) -> pl.Series:
    return values.clone().scatter(changed["at"], changed["after"])


def _series(frame: pl.DataFrame, values: pl.Expr | pl.Series) -> pl.Series:
    return values if isinstance(values, pl.Series) else frame.select(values.alias("new")).to_series()


def _differences(
    table: str, frame: pl.DataFrame, column: str, after: pl.Series, rule: str, step: int, reason: str | None,
    version: int,
) -> pl.DataFrame:  # fmt: skip
    changed = frame.select(
        pl.col(KEY).alias("key"), pl.col(column).alias("before"), after.alias("after"), pl.lit(reason).alias("reason")
    ).filter(pl.col("before").ne_missing(pl.col("after")))
    return events_of(table, column, rule, version, step, changed)
