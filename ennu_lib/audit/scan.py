"""Everything the audit knows of a database, in one go: profile, keys, relations, classes, defects, groups, growth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ennu_lib.audit.composites import composite_keys
from ennu_lib.audit.declared import with_declared
from ennu_lib.audit.defects import find_defects
from ennu_lib.audit.graph import groups, migration_order
from ennu_lib.audit.growth import growth
from ennu_lib.audit.inclusion import Values
from ennu_lib.audit.keys import candidate_keys
from ennu_lib.audit.orphans import trace_orphans
from ennu_lib.audit.params import AuditParams
from ennu_lib.audit.personal import Decision, classify
from ennu_lib.audit.profile import profile
from ennu_lib.audit.relations import infer_relations
from ennu_lib.audit.subjects import patient_table, subjects
from ennu_lib.source import Extracted
from ennu_lib.workspace import Workspace

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Scan:
    """What was found. Every frame has a column `table`; `patients` is the table with one row per patient, if any."""

    columns: pl.DataFrame
    keys: pl.DataFrame
    composites: pl.DataFrame
    relations: pl.DataFrame
    orphans: pl.DataFrame
    classes: pl.DataFrame
    defects: pl.DataFrame
    order: pl.DataFrame
    cuts: pl.DataFrame
    groups: pl.DataFrame
    growth: pl.DataFrame
    dated: pl.DataFrame
    subjects: Mapping[str, str]
    patients: str | None


def scan(
    extracted: Mapping[str, Extracted],
    workspace: Workspace,
    params: AuditParams,
    today: dt.date,
    decisions: Mapping[tuple[str, str], Decision] | None = None,
    progress: Progress | None = None,
    declared: pl.DataFrame | None = None,
) -> Scan:
    """Look at every copied table.

    Relations are inferred without the declared keys, so that a database without any is understood as well; `declared`,
    where given, then adds those that names and values do not tell.
    """
    copied = {name: table for name, table in extracted.items() if table.file}
    columns = profile(copied.values(), workspace, params.profile, progress)
    keys = candidate_keys(columns, copied, workspace, params.profile)
    relations = infer_relations(columns, keys, copied, workspace, params.relations, progress)
    if declared is not None:
        relations = with_declared(relations, declared, columns, Values(copied, workspace, params.relations))
    names = {name: list(table.columns) for name, table in extracted.items()}
    patients = patient_table({n: c for n, c in names.items() if n in copied}, relations, params.tables)
    about = subjects(names, relations, patients, params.tables)
    classes = classify(columns, about, relations, keys, patients, params.personal, decisions)
    rows = pl.DataFrame(
        {"table": list(copied), "rows": [t.rows for t in copied.values()]},
        schema={"table": pl.String, "rows": pl.Int64},
    )
    weighed = relations.join(rows, on="table", how="left")
    order, cuts = migration_order(copied, relations)
    by_month, dated = growth(columns, copied, workspace, today)
    return Scan(
        columns=columns,
        keys=keys,
        composites=composite_keys(columns, keys, relations, copied, workspace, params),
        relations=relations,
        orphans=trace_orphans(relations, patients, copied, workspace, params.relations.nowhere),
        classes=classes,
        defects=find_defects(columns, classes, relations, copied, workspace, params, today, progress),
        order=order,
        cuts=cuts,
        groups=groups(about, weighed, patients, params.relations.always),
        growth=by_month,
        dated=dated,
        subjects={name: str(subject) for name, subject in about.items()},
        patients=patients,
    )


KEPT = (
    "columns", "keys", "composites", "relations", "orphans", "classes", "defects", "order", "cuts", "groups", "growth",
    "dated",
)  # fmt: skip


def keep(found: Scan, workspace: Workspace) -> list[Path]:
    """Write every frame of `found` to `audit/<name>.parquet`, where later phases and their masking find it."""
    return [workspace.write(f"audit/{name}", getattr(found, name)) for name in KEPT]
