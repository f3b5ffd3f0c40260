"""Standardize all tables that the rules name, and check that doing so twice changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from ennu_lib.evidence import Finding, Phase, Severity, check
from ennu_lib.quality.standardize import EVENTS, StandardizeParams, standardize

# More than this share of emptied values means that the rule, or the column, is not what we think it is.
EMPTIED_TOLERATED = 0.05
REASON = "a rule that empties more than 5 % of a column is itself in question (2026-11)"


def standardize_tables(phase: Phase, rules: StandardizeParams) -> pl.DataFrame:
    """Write `clean/<table>` for every table of the rules and all events to `clean/events`; return the events."""
    events = []
    phase.workspace.empty("clean")
    for number, (table, columns) in enumerate(_present(phase, rules), start=1):
        made = standardize(phase.scan(f"source/{table}"), table, columns, phase.params.today)
        phase.write(f"clean/{table}", made.frame)
        events.append(made.events)
        phase.progress(number, len(rules.tables), table)
    combined = pl.concat(events) if events else pl.DataFrame(schema=EVENTS)
    phase.write("clean/events", combined)
    return combined


def changes_second_time(phase: Phase, rules: StandardizeParams) -> int:
    """How many values change when the clean tables are standardized again; anything but 0 is a fault of a rule."""
    return sum(
        standardize(phase.workspace.scan(f"clean/{table}"), table, columns, phase.params.today).events.height
        for table, columns in _present(phase, rules)
    )


def rows_standardized(phase: Phase, rules: StandardizeParams) -> int:
    """Rows of all standardized tables."""
    counts = [phase.workspace.scan(f"clean/{t}").select(pl.len()).collect().item() for t, _ in _present(phase, rules)]
    return sum(counts)


def rule_table(rules: StandardizeParams) -> pl.DataFrame:
    """Table, column and rule of every standardized column."""
    rows = [(table, column, rule) for table, columns in rules.tables.items() for column, rule in columns.items()]
    return pl.DataFrame(rows, schema=["table", "column", "rule"], orient="row")


def emptied_findings(phase: Phase, summary: pl.DataFrame) -> list[Finding]:
    """One check per column that lost values: the share of its values that had no standard form."""
    return [
        check(
            f"REM-{row['table']}-{row['column']}",
            f"Values of {row['table']}.{row['column']} have a standard form ({row['rule']})",
            row["emptied"],
            _filled(phase, row["table"], row["column"]),
            tolerated=EMPTIED_TOLERATED,
            reason=REASON,
            severity=Severity.WARN,
        )
        for row in summary.filter(pl.col("emptied") > 0).iter_rows(named=True)
    ]


def _filled(phase: Phase, table: str, column: str) -> int:
    return phase.workspace.scan(f"source/{table}").select(pl.col(column).count()).collect().item()


def _present(phase: Phase, rules: StandardizeParams) -> Iterator[tuple[str, dict[str, str]]]:
    for table, columns in rules.tables.items():
        if phase.workspace.exists(f"source/{table}"):
            yield table, columns
