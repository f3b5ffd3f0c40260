"""One row per table with what a reader needs to decide about it, those that need attention first."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.audit.classes import IDENTIFIERS
from ennu_lib.audit.params import RiskParams
from ennu_lib.audit.scan import Scan
from ennu_lib.catalog import Catalogue
from ennu_lib.source import Extracted

UNDECIDED = "undecided"
IDENTIFIES = "identifies people"
RANKED = {
    "table": pl.String,
    "moves_with": pl.String,
    "about": pl.String,
    "step": pl.Int64,
    "rows": pl.Int64,
    "bytes": pl.Int64,
    "columns": pl.Int64,
    "empty_columns": pl.Int64,
    "last_change": pl.String,
    "identifiers": pl.Int64,
    "classes": pl.String,
    "defects": pl.Int64,
    "disposition": pl.String,
    "risk": pl.String,
    "why": pl.String,
}


def ranked(
    scan: Scan, extracted: Mapping[str, Extracted], params: RiskParams, catalogue: Catalogue | None = None
) -> pl.DataFrame:
    """Every table, riskiest first. `identifiers` counts columns with one of the 18, `defects` kinds."""
    empty = dict(scan.columns.group_by("table").agg((pl.col("filled") == 0).sum()).iter_rows())
    moves = dict(scan.groups.iter_rows())
    steps = dict(scan.order.iter_rows())
    changed = dict(scan.dated.select("table", "last_change").iter_rows())
    identified = scan.classes.filter(pl.col("class").is_in([str(c) for c in IDENTIFIERS]))
    classes = dict(identified.group_by("table").agg(pl.col("class").unique().sort().str.join(", ")).iter_rows())
    identifiers = dict(identified.group_by("table").len().iter_rows())
    wrong = dict(scan.defects.group_by("table").agg(pl.col("defect").unique()).iter_rows())
    rows = []
    for name, table in extracted.items():
        known = catalogue is None or name in catalogue
        reasons = _reasons(table, identifiers.get(name, 0), set(wrong.get(name, ())), known, params)
        points = sum(params.points[reason] for reason in reasons)
        rows.append(
            {
                "table": name,
                "moves_with": moves.get(name, ""),
                "about": scan.subjects.get(name, ""),
                "step": steps.get(name),
                "rows": table.rows,
                "bytes": table.bytes,
                "columns": len(table.columns),
                "empty_columns": empty.get(name),
                "last_change": changed.get(name),
                "identifiers": identifiers.get(name, 0) if table.file else None,
                "classes": classes.get(name, "").replace("_", " "),
                "defects": len(wrong.get(name, ())) if table.file else None,
                "disposition": _disposition(name, catalogue),
                "risk": "high" if points >= params.high else "medium" if points >= params.medium else "low",
                "why": ", ".join(reason for reason in reasons if reason != IDENTIFIES),
                "points": points,
            }
        )
    frame = pl.DataFrame(rows, schema={**RANKED, "points": pl.Int64})
    return frame.sort("points", "rows", "table", descending=[True, True, False]).drop("points")


def _reasons(table: Extracted, identifiers: int, defects: set[str], known: bool, params: RiskParams) -> list[str]:
    holds = {
        "not readable": bool(table.unread),
        "not in the catalogue": not known,
        IDENTIFIES: identifiers > 0,
        "no primary key": not table.key,
        "repeated rows": "duplicate_row" in defects,
        "orphans": "orphan" in defects,
        "mixed types": bool(table.kept_as_text),
        "many defects": len(defects) >= params.many_defects,
        "large": table.rows >= params.large_rows,
    }
    return [reason for reason, true in holds.items() if true]


def _disposition(name: str, catalogue: Catalogue | None) -> str:
    if catalogue is None:
        return UNDECIDED
    return catalogue.table(name).disposition if name in catalogue else UNDECIDED
