"""Worklists: what each role repairs at the source, that first which unblocks most."""

from __future__ import annotations

import polars as pl

from ennu_lib.evidence import Phase
from ennu_lib.quality.remediation import Remediation
from ennu_lib.rules.worst_first import interaction_list

TASK = ("role", "rule", "table", "column", "reason")


def tasks(found: Remediation) -> pl.DataFrame:
    """One row per role, rule, table, column and reason: rows to repair, rows unblocked by it, and what to do.

    A repaired row unblocks itself, where it is in quarantine, and all that depends on it.
    """
    roles = {rule.id: rule.repaired_by for rule in found.rules.values()}
    advice = {rule.id: rule.staff for rule in found.rules.values()}
    waiting = found.dependents.group_by(table="root_table", key="root_key").agg(depend=pl.len())
    held = found.held.select("table", "key", "rule", "reason").join(waiting, on=["table", "key"], how="left")
    held = held.with_columns(effect=1 + pl.col("depend").fill_null(0)).drop("depend")
    opened = found.issues.filter(pl.col("state") == "open")
    opened = opened.with_columns(role=pl.col("rule").replace_strict(roles, return_dtype=pl.String))
    opened = opened.join(held, on=["table", "key", "rule", "reason"], how="left").with_columns(
        pl.col("effect").fill_null(0)
    )
    return (
        opened.group_by(TASK)
        .agg(rows=pl.len(), unblocks=pl.col("effect").sum())
        .with_columns(what_to_do=pl.col("rule").replace_strict(advice, return_dtype=pl.String))
        .sort("unblocks", "rows", *TASK, descending=[True, True, *(False for _ in TASK)])
    )


def write_worklists(phase: Phase, found: Remediation) -> pl.DataFrame:
    """Write `worklists/<role>.csv` into the private workspace, and `worklists/interactions.csv`, the pairs of today's
    medications that a clinician reviews and signs, the worst first; return the tasks.

    A line names table, key, column, reason, reference and advice, never a value.
    """
    listed = tasks(found).with_row_index("task", offset=1)
    opened = found.issues.filter(pl.col("state") == "open").select(
        "rule", "table", "column", "reason", "key", "reference"
    )
    for (role,), mine in listed.group_by("role", maintain_order=True):
        lines = mine.join(opened, on=["rule", "table", "column", "reason"], how="left", maintain_order="left_right")
        lines = lines.head(found.params.worklist_rows).select(
            "task", "rule", "table", "key", "column", "reason", "what_to_do", "rows", "unblocks", "reference"
        )
        name = f"worklists/{str(role).replace(' ', '_')}"
        phase.wrote(phase.workspace.write_bytes(name, lines.write_csv().encode(), ".csv"))
    to_sign = interaction_list(found.tables).write_csv().encode()
    phase.wrote(phase.workspace.write_bytes("worklists/interactions", to_sign, ".csv"))
    return listed


def effect_table(listed: pl.DataFrame, limit: int) -> pl.DataFrame:
    """The tasks with the greatest effect, for the page."""
    return listed.select("role", "rule", "table", "reason", "rows", "unblocks").head(limit)


def quarantine_table(found: Remediation) -> pl.DataFrame:
    """Per rule and table: rows in quarantine, rows released, and rows that depend on the held ones."""
    waiting = found.dependents.group_by(table="root_table", key="root_key").agg(dependents=pl.len())
    held = found.held.join(waiting, on=["table", "key"], how="left")
    counted = held.group_by("rule", "table", "reason").agg(held=pl.len(), dependents=pl.col("dependents").sum())
    released = found.released.group_by("rule", "table", "reason").agg(released=pl.len())
    joined = counted.join(released, on=["rule", "table", "reason"], how="full", coalesce=True)
    return joined.select("rule", "table", "reason", pl.col("held", "released", "dependents").fill_null(0)).sort(
        "rule", "table", "reason"
    )
