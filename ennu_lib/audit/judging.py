"""The checks of what was found: relations, orphans, personal data, defects; each with its numbers and its threshold."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.audit.declared import DECLARED
from ennu_lib.audit.scan import Scan
from ennu_lib.audit.sensitivity import PLAIN
from ennu_lib.evidence import Finding, Severity, check
from ennu_lib.source import Extracted

AT = ["table", "column", "parent", "parent_column"]
NAMED = 6


def scan_findings(found: Scan, declared: pl.DataFrame, sensitivity: pl.DataFrame) -> list[Finding]:
    """Checks on a scan; `declared` are the foreign keys of the database, `sensitivity` the check against the portal."""
    read = declared.join(found.relations.select("table").unique(), on="table", how="semi")
    inferred = found.relations.filter(pl.col("name_evidence") != DECLARED)
    unseen = read.join(inferred, on=AT, how="anti")
    plain = sensitivity.filter(pl.col("verdict") == PLAIN)
    wrong = found.defects.filter(pl.col("defect") != "orphan").select("table", "column").unique()
    return [
        check(
            "AUD-07",
            "Every declared foreign key of one column is also found in the names and values",
            unseen.height,
            read.height,
            severity=Severity.WARN,
            tolerated=0.05,
            reason="a key whose name says nothing of its parent cannot be inferred (2026-11)",
            note=_named(unseen.select(pl.format("{}.{}", "table", "column")).to_series()),
        ),
        check(
            "AUD-08",
            "Every value that points at another table finds its row there",
            int(found.relations["orphans"].sum()),
            int(found.relations["filled_rows"].sum()),
            severity=Severity.WARN,
            tolerated=0.01,
            reason="legacy databases without declared keys lose up to 1 % of their parents (2026-11)",
        ),
        check(
            "AUD-09",
            "Columns with clinical data or strong identifiers go into sensitive properties of the portal",
            plain.height,
            sensitivity.height,
            severity=Severity.WARN,
            note=_named(plain.select(pl.format("{}.{}", "object", "property")).to_series().unique(maintain_order=True)),
        ),
        check(
            "AUD-10",
            "No column has a defect that its values alone show",
            wrong.height,
            found.columns.height,
            severity=Severity.WARN,
            tolerated=1.0,
            reason="remediation repairs them or keeps them with a reason (2026-11)",
        ),
        check(
            "AUD-11",
            "The tables can be moved parents first",
            found.cuts.filter(pl.col("table") != pl.col("parent")).height,
            found.relations.height,
            severity=Severity.WARN,
            tolerated=1.0,
            reason="the relations that were cut are set in the second pass (2026-11)",
            note=_named(found.cuts.select(pl.format("{}.{}", "table", "column")).to_series()),
        ),
    ]


def key_findings(found: Scan, extracted: Mapping[str, Extracted]) -> list[Finding]:
    """Whether the tables without a primary key have columns that could be one: their rows can be told apart later."""
    keyless = [t.table for t in extracted.values() if t.file and not t.key and t.rows > 1]
    nameless = sorted(set(keyless) - set(found.keys["table"]) - set(found.composites["table"]))
    return [
        check(
            "AUD-13",
            "Every table without a primary key has columns that tell its rows apart",
            len(nameless),
            len(keyless),
            severity=Severity.WARN,
            tolerated=1.0,
            reason="rows that nothing tells apart are numbered as they come and keep that number (2026-11)",
            note=_named(pl.Series(nameless, dtype=pl.String)),
        )
    ]


def _named(places: pl.Series) -> str:
    more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
    return ", ".join(places.head(NAMED)) + more
