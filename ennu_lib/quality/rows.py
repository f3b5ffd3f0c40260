"""`ennu quality rows`: which rows the references of a finding stand for, said in the private workspace only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from ennu_lib.errors import UsageError
from ennu_lib.rules import ISSUES_FILES
from ennu_lib.workspace import Workspace

COLUMNS = ("reference", "table", "key", "column", "reason")


def rows_of(workspace: Workspace, rule: str) -> pl.DataFrame:
    """The failing cells of rule `rule` in a run: reference, table, key, column, reason.

    Raises UsageError where no phase of the run has kept any issues yet.
    """
    files = [name for name in ISSUES_FILES.values() if workspace.exists(name)]
    if not files:
        raise UsageError(f"run {workspace.run_id} has no issues yet; run 02_remediation first")
    parts = [workspace.scan(name).filter(pl.col("rule") == rule).select(COLUMNS) for name in files]
    return pl.concat(parts).sort(COLUMNS).collect()


def resolve(workspace: Workspace, rule: str, wanted: Sequence[str], say: Callable[[str], None]) -> None:
    """Write the rows that a finding of `rule` refers to, or those `wanted` of them, to `worklists/rows.<rule>.csv`.

    Table and key go to that file and not to the terminal. Raises UsageError for a reference that the finding has not.
    """
    found = rows_of(workspace, rule)
    unknown = sorted(set(wanted) - set(found["reference"].to_list()))
    if unknown:
        raise UsageError(f"{len(unknown)} of the references are none of {rule} in run {workspace.run_id}: {unknown[0]}")
    if wanted:
        found = found.filter(pl.col("reference").is_in(list(wanted)))
    if found.is_empty():
        say(f"no row fails {rule} in run {workspace.run_id}")
        return
    path = workspace.write_bytes(f"worklists/rows.{rule}", found.write_csv().encode(), ".csv")
    say(f"{found['reference'].n_unique():,} rows, {found.height:,} cells that fail {rule}: {path}")
