"""What tables there are, how large they are, and how they differ from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.catalog import Catalogue, ColumnType
from ennu_lib.errors import SourceChanged
from ennu_lib.evidence import Finding, Severity, check
from ennu_lib.source import Extracted, Kind, TableShape

NOT_READ = "exclude"


def inventory(extracted: Mapping[str, Extracted], catalogue: Catalogue) -> pl.DataFrame:
    """One row per table: rows, bytes of its Parquet file, key, and what the catalogue plans for it."""
    rows = []
    for name, table in extracted.items():
        known = catalogue.table(name) if name in catalogue else None
        rows.append(
            {
                "table": name,
                "group": known.group if known else "not in the catalogue",
                "rows": table.rows,
                "bytes": table.bytes,
                "columns": len(table.columns),
                "key": ", ".join(table.key) or "none",
                "disposition": known.disposition if known else "undecided",
                "data_class": known.data_class if known else "unknown",
                "extracted": table.file is not None,
                "kept_as_text": ", ".join(table.kept_as_text),
            }
        )
    return pl.DataFrame(rows).sort("rows", "table", descending=[True, False])


def inventory_counts(tables: pl.DataFrame, extracted: Mapping[str, Extracted]) -> dict[str, int]:
    """The counts of the phase; more than one snapshot means that an interrupted extraction was resumed."""
    return {
        "rows": int(tables["rows"].sum()),
        "tables": tables.height,
        "tables_read": int(tables["extracted"].sum()),
        "bytes": int(tables["bytes"].sum()),
        "snapshots": len({t.snapshot for t in extracted.values()}),
    }


# What a column of the catalogue's type may be kept as; servers have no type of their own for every one.
KEPT_AS = {
    "integer": {Kind.INTEGER},
    "bigint": {Kind.INTEGER},
    "smallint": {Kind.INTEGER},
    "boolean": {Kind.BOOLEAN, Kind.INTEGER},
    "float": {Kind.FLOAT},
    "decimal": {Kind.DECIMAL},
    "date": {Kind.MOMENT},
    "datetime": {Kind.MOMENT},
    "time": {Kind.MOMENT},
    "blob": {Kind.BYTES},
}


def drift(shapes: Mapping[str, TableShape], catalogue: Catalogue) -> pl.DataFrame:
    """Tables and columns that are new, gone or changed against the catalogue: `table`, `column`, `change`.

    A column has changed when it has another kind of type than the catalogue says; a length is no change.
    """
    rows = []
    for name in sorted(set(shapes) | set(catalogue.table_names)):
        if name not in shapes:
            rows.append({"table": name, "column": "", "change": "gone"})
        elif name not in catalogue:
            rows.append({"table": name, "column": "", "change": "new"})
        else:
            live = {c.name for c in shapes[name].columns}
            known = set(catalogue.table(name).column_names)
            rows += [{"table": name, "column": c, "change": "new"} for c in sorted(live - known)]
            rows += [{"table": name, "column": c, "change": "gone"} for c in sorted(known - live)]
            rows += [
                {"table": name, "column": c.name, "change": f"changed to {c.declared}"}
                for c in shapes[name].columns
                if c.name in known and c.kind not in _kinds(catalogue.table(name).column(c.name).type)
            ]
    return pl.DataFrame(rows, schema={"table": pl.String, "column": pl.String, "change": pl.String})


def _kinds(described: ColumnType) -> set[Kind]:
    return KEPT_AS.get(described.kind, {Kind.TEXT, Kind.OTHER})


def require_tables(changes: pl.DataFrame) -> None:
    """Raise SourceChanged when tables of the catalogue are not in the database: later phases would lack them."""
    gone = changes.filter((pl.col("change") == "gone") & (pl.col("column") == ""))["table"].to_list()
    if gone:
        more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
        raise SourceChanged(
            f"the database lacks {', '.join(gone[:5])}{more}, which the catalogue has; check source.url and the user's "
            "rights, or take the table out of params/catalog and its mapping"
        )


def excluded_tables(catalogue: Catalogue) -> list[str]:
    """Tables that are counted and never read: credentials, sessions, retired logs."""
    return [table.name for table in catalogue.tables if table.disposition == NOT_READ]


def inventory_findings(tables: pl.DataFrame, changes: pl.DataFrame, catalogue: Catalogue) -> list[Finding]:
    """Checks that a reviewer needs before trusting anything later."""
    empty = tables.filter(pl.col("rows") == 0)["table"].to_list()
    unexpected = [t for t in empty if t in catalogue and not catalogue.table(t).empty_allowed]
    unknown = changes.filter((pl.col("change") == "new") & (pl.col("column") == ""))
    gone = changes.filter((pl.col("change") == "gone") & (pl.col("column") == ""))
    keyless = tables.filter(pl.col("key") == "none").height
    return [
        check("AUD-01", "Every table of the catalogue is in the database", gone.height, len(catalogue.tables)),
        check("AUD-02", "Every table of the database is in the catalogue", unknown.height, tables.height),
        check(
            "AUD-03",
            "No table is empty unless the catalogue allows it",
            len(unexpected),
            tables.height,
            severity=Severity.WARN,
            note=", ".join(unexpected),
        ),
        check(
            "AUD-04",
            "Columns are those of the catalogue",
            changes.filter(pl.col("column") != "").height,
            int(tables["columns"].sum()),
            severity=Severity.WARN,
        ),
        check(
            "AUD-05",
            "Every table has a primary key",
            keyless,
            tables.height,
            severity=Severity.WARN,
            tolerated=0.25,
            reason="27 to 46 tables without a key are usual in EHR databases of this size (2026-11)",
        ),
        check(
            "AUD-06",
            "Every column holds values of its declared type",
            tables.filter(pl.col("kept_as_text") != "").height,
            tables.height,
            severity=Severity.WARN,
            tolerated=1.0,
            reason="a column of mixed values is kept as text, so nothing is lost (2026-11)",
        ),
    ]
