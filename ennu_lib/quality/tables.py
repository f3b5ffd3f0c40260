"""Phase 02 over the tables of a run: write what is in standard form, stream every change, and count."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ennu_lib.catalog.biomarkers import load_biomarkers
from ennu_lib.config import params_dir
from ennu_lib.evidence import Finding, Phase, Severity, check
from ennu_lib.quality.standard.declared import TableRules
from ennu_lib.quality.standard.events import EVENTS, ParquetStream, batches, stream_to
from ennu_lib.quality.standard.forms import load_forms
from ennu_lib.quality.standard.patterns import count_shapes
from ennu_lib.quality.standard.table import LEFT, Known, TableStandard, prepare
from ennu_lib.workspace import Workspace, replacing

# A blank and a zero date never held a value; making them null loses nothing.
SAID_NOTHING = ("BLANK", "NO_DATE", "PLACEHOLDER")
# More than this share of emptied values means that the rule, or the column, is not what we think it is.
EMPTIED_TOLERATED = 0.05
REASON = "a rule that empties more than 5 % of a column is itself in question (2026-11)"
BY_COLUMN = {
    "table": pl.String, "column": pl.String, "rule": pl.String, "version": pl.Int32,
    "standardized": pl.UInt32, "said_nothing": pl.UInt32, "emptied": pl.UInt32,
}  # fmt: skip


@dataclass(frozen=True)
class Changes:
    """What standardizing changed, in counts: per column, per reason, per pair of shapes; and what it left alone."""

    by_column: pl.DataFrame
    reasons: pl.DataFrame
    shapes: pl.DataFrame
    left: pl.DataFrame
    wrong_types: pl.DataFrame
    rows: int
    tables: int


class _Counts:
    """Adds up the counts of events portion by portion."""

    def __init__(self) -> None:
        self._parts: dict[str, list[pl.DataFrame]] = {"columns": [], "reasons": [], "shapes": [], "left": []}
        self._wrong: list[tuple[str, str, str, str]] = []
        self.rows = self.tables = 0

    def add(self, events: pl.DataFrame) -> None:
        if events.height:
            self._parts["columns"].append(summarize(events))
            self._parts["reasons"].append(reasons(events))
            self._parts["shapes"].append(count_shapes(events))

    def end_table(self, standard: TableStandard) -> None:
        self.tables += 1
        self._parts["left"].append(standard.counts_left())
        self._wrong += [(standard.rules.table, *wrong) for wrong in standard.wrong_types]

    def total(self) -> Changes:
        shapes = {"rule": pl.String, "before": pl.String, "after": pl.String, "values": pl.UInt32}
        why = {"rule": pl.String, "reason": pl.String, "values": pl.UInt32}
        return Changes(
            by_column=_added("columns", self._parts, BY_COLUMN, ["table", "column", "rule", "version"]),
            reasons=_added("reasons", self._parts, why, ["rule", "reason"]),
            shapes=_added("shapes", self._parts, shapes, ["rule", "before", "after"]),
            left=_added("left", self._parts, LEFT, ["table", "column", "rule", "reason"]),
            wrong_types=pl.DataFrame(self._wrong, schema=["table", "column", "expected", "found"], orient="row"),
            rows=self.rows,
            tables=self.tables,
        )


def _added(name: str, parts: Mapping[str, list[pl.DataFrame]], schema: dict, keys: list[str]) -> pl.DataFrame:
    rows = pl.concat([pl.DataFrame(schema=schema), *(part.cast(schema) for part in parts[name])])
    return rows.group_by(keys).agg(pl.exclude(keys).sum()).sort(keys)


def standardize_tables(phase: Phase, rules: Mapping[str, TableRules], undone: Iterable[str] = ()) -> Changes:
    """Write `clean/<table>` for every table of the rules and all events to `clean/events`; return the counts.

    Rows stream through in portions, so memory grows neither with the rows nor with the changes.
    """
    phase.workspace.empty("clean")
    known, counts = known_of(phase), _Counts()
    target = phase.workspace.path("clean/events")
    with replacing(target) as temporary:
        events = ParquetStream(temporary, EVENTS)
        try:
            present = list(_present(phase.workspace, rules))
            for number, table in enumerate(present, start=1):
                source = phase.use(f"source/{table}.parquet")
                standard = prepare(rules[table], pl.scan_parquet(source), known, frozenset(undone))
                clean = phase.workspace.path(f"clean/{table}")
                counts.rows += stream_to(clean, _portions(source, standard, events, counts))
                counts.end_table(standard)
                phase.wrote(clean)
                phase.progress(number, len(present), table)
        finally:
            events.close()
    phase.wrote(target)
    return counts.total()


def _portions(source: Path, standard: TableStandard, stream: ParquetStream, counts: _Counts) -> Iterator[pl.DataFrame]:
    for portion in batches(source):
        clean, events = standard.apply(portion)
        if events.height:
            stream.write(events)
            counts.add(events)
        yield clean


def known_of(phase: Phase) -> Known:
    """What rules may know in this run."""
    return known_in(phase.workspace, phase.params.today)


def known_in(workspace: Workspace, today: dt.date) -> Known:
    """The word lists, the metric table, and the source tables that rules look things up in."""
    clinical = params_dir() / "clinical"

    def table(name: str) -> pl.LazyFrame | None:
        return workspace.scan(f"source/{name}") if workspace.exists(f"source/{name}") else None

    return Known(
        forms=load_forms(params_dir() / "rules" / "standard_forms.yml"),
        today=today,
        biomarkers=load_biomarkers(clinical / "biomarkers.csv", clinical / "unit_aliases.csv"),
        tables=table,
    )


def summarize(events: pl.DataFrame) -> pl.DataFrame:
    """Counts per table, column, rule and version: brought into form, made null as it said nothing, emptied."""
    nothing = pl.col("reason").is_in(SAID_NOTHING) & pl.col("after").is_null()
    return events.group_by("table", "column", "rule", "version").agg(
        pl.col("after").is_not_null().sum().alias("standardized"),
        nothing.sum().alias("said_nothing"),
        (pl.col("after").is_null() & ~nothing.fill_null(False)).sum().alias("emptied"),
    )


def reasons(events: pl.DataFrame) -> pl.DataFrame:
    """Why values were emptied or moved: counts per rule and reason."""
    return events.drop_nulls("reason").group_by("rule", "reason").agg(pl.len().alias("values"))


def changes_second_time(phase: Phase, rules: Mapping[str, TableRules], undone: Iterable[str] = ()) -> int:
    """How many values change when the clean tables are standardized again; anything but 0 is a fault of a rule."""
    known, changed = known_of(phase), 0
    for table in _present(phase.workspace, rules):
        clean = phase.workspace.path(f"clean/{table}")
        standard = prepare(rules[table], pl.scan_parquet(clean), known, frozenset(undone))
        changed += sum(standard.apply(portion)[1].height for portion in batches(clean))
    return changed


def emptied_findings(phase: Phase, by_column: pl.DataFrame) -> list[Finding]:
    """One check per column that lost values: the share of its values that had no standard form."""
    return [
        check(
            f"REM-{row['table']}-{row['column']}-{row['rule']}",
            f"Values of {row['table']}.{row['column']} have a standard form ({row['rule']})",
            row["emptied"],
            _filled(phase, row["table"], row["column"]),
            tolerated=EMPTIED_TOLERATED,
            reason=REASON,
            severity=Severity.WARN,
        )
        for row in by_column.filter(pl.col("emptied") > 0).iter_rows(named=True)
    ]


def type_finding(changes: Changes, rules: Mapping[str, TableRules]) -> Finding:
    """Columns of another type than the catalogue says; their rows are kept, and read as text where that can be."""
    columns = sum(len(r.types) for r in rules.values())
    return check(
        "REM-02",
        "Columns have the type that the catalogue says",
        changes.wrong_types.height,
        columns,
        severity=Severity.WARN,
    )


def _filled(phase: Phase, table: str, column: str) -> int:
    return phase.workspace.scan(f"source/{table}").select(pl.col(column).count()).collect().item()


def _present(workspace: Workspace, rules: Mapping[str, TableRules]) -> Iterator[str]:
    return (table for table in rules if workspace.exists(f"source/{table}"))
