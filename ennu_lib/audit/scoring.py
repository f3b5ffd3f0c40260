"""How well the audit finds what it should: recall and precision against the clinic's known truth."""

from __future__ import annotations

import csv
from collections.abc import Hashable, Set
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ennu_lib.audit.classes import IDENTIFIERS, PERSONAL
from ennu_lib.audit.scan import Scan
from ennu_lib.catalog import Catalogue


@dataclass(frozen=True)
class Score:
    """What was sought, what of it was missed, and what was found wrongly."""

    sought: frozenset
    found: frozenset

    @property
    def missed(self) -> frozenset:
        """Sought and not found."""
        return self.sought - self.found

    @property
    def wrong(self) -> frozenset:
        """Found and not sought."""
        return self.found - self.sought

    @property
    def recall(self) -> float:
        """Share of what was sought that was found; 1 where nothing was sought."""
        return len(self.sought & self.found) / len(self.sought) if self.sought else 1.0

    @property
    def precision(self) -> float:
        """Share of what was found that was sought; 1 where nothing was found."""
        return len(self.sought & self.found) / len(self.found) if self.found else 1.0


def recall_and_precision(sought: Set[Hashable], found: Set[Hashable]) -> Score:
    """The score of `found` against `sought`."""
    return Score(frozenset(sought), frozenset(found))


def score_relations(scan: Scan, catalogue: Catalogue) -> Score:
    """Inferred relations against every reference of the catalogue whose two tables were read, declared or not."""
    read = set(scan.columns["table"])
    sought = {
        (table.name, column.name, *column.references)
        for table in catalogue.tables
        for column in table.references
        if {table.name, column.references[0]} <= read
    }
    return recall_and_precision(
        sought, set(scan.relations.select("table", "column", "parent", "parent_column").iter_rows())
    )


def score_personal(scan: Scan, truth: Path, identifiers_only: bool) -> Score:
    """Columns with personal data (or with one of the 18 identifiers) against `params/clinic/personal_data.csv`."""
    sought_classes = {str(c) for c in (IDENTIFIERS if identifiers_only else PERSONAL)}
    read = set(scan.columns.select("table", "column").iter_rows())
    with truth.open(encoding="utf-8", newline="") as file:
        known = {(r["table"], r["column"]) for r in csv.DictReader(file) if r["class"] in sought_classes}
    found = scan.classes.filter(pl.col("class").is_in(list(sought_classes))).select("table", "column")
    return recall_and_precision(known & read, set(found.iter_rows()))


def score_defects(scan: Scan, labels: Path, names: Path) -> pl.DataFrame:
    """Of every planted defect that a column or a table shows by itself: its places, and how many of them are named.

    `labels` is the clinic's answer key; `names` (params/clinic/audit_names.csv) says how the audit calls each kind.
    Kinds that are not in `names` show only when rows are compared, which is remediation's work.
    """
    with names.open(encoding="utf-8", newline="") as file:
        called = {row["planted"]: set(row["audit"].split()) for row in csv.DictReader(file)}
    found: dict[tuple[str, str], set[str]] = {}
    for table, column, defect in scan.defects.select("table", "column", "defect").iter_rows():
        found.setdefault((table, column), set()).add(defect)
    read = set(scan.columns["table"])
    parts = pl.col("defect").str.splitn(":", 2)
    planted = pl.scan_parquet(labels).select(
        "table", parts.struct[0].alias("defect"), parts.struct[1].fill_null("").replace("*", "").alias("column")
    )
    counted = planted.group_by("defect", "table", "column").len().collect()
    rows = [
        {
            "defect": defect,
            "called": " or ".join(sorted(called[defect])),
            "planted": count,
            "places": 1,
            "named": int(bool(called[defect] & found.get((table, column), set()))),
        }
        for defect, table, column, count in counted.iter_rows()
        if defect in called and table in read
    ]
    schema = {"defect": pl.String, "called": pl.String, "planted": pl.Int64, "places": pl.Int64, "named": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema)
    return frame.group_by("defect", "called").agg(pl.col("planted", "places", "named").sum()).sort("defect")
