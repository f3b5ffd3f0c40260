"""`ennu quality`: undo and replay the changes of phase 02, and score its repairs against a clinic's labels."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from ennu_lib.catalog import load_catalogue
from ennu_lib.config import load_run, params_dir, workspace_root
from ennu_lib.errors import GateFailed, UsageError
from ennu_lib.evidence import forget_evidence
from ennu_lib.quality.scoring import repair_score, scored_cells
from ennu_lib.quality.standard.declared import TableRules, load_standardize
from ennu_lib.quality.standard.table import Known
from ennu_lib.quality.tables import known_in
from ennu_lib.quality.undo import mark_undone, rebuild, undone_rules
from ennu_lib.workspace import Workspace

PHASE = "02_remediation"
RIGHT_AT_LEAST = 0.99

Say = Callable[[str], None]


def undo(run_id: str, rule: list[str], say: Say) -> None:
    """Rebuild `clean/` without the changes of the rules `rule` and of those undone before."""
    workspace, rules, known = _run(run_id)
    with workspace.lock():
        undone = undone_rules(workspace) | set(rule)
        rebuilt = rebuild(workspace, rules, known, undone)
        _record(workspace, undone)
    say(
        f"{', '.join(sorted(undone))} undone: {rebuilt.events_left_out:,} changes taken back in "
        f"{len(rebuilt.changed)} of {rebuilt.tables} tables; run 02 and the later phases again"
    )


def replay(run_id: str, say: Say) -> None:
    """Rebuild `clean/` from all events, and say whether that is what was there."""
    workspace, rules, known = _run(run_id)
    with workspace.lock():
        undone = undone_rules(workspace)
        rebuilt = rebuild(workspace, rules, known)
        if undone:
            _record(workspace, frozenset())
    same = rebuilt.tables - len(rebuilt.changed)
    say(f"{rebuilt.tables} tables made again from their events: {same} are as they were, {len(rebuilt.changed)} differ")
    if undone:
        say(f"{', '.join(sorted(undone))} in force again; run 02 and the later phases again")


def score(run_id: str, labels: Path | None, say: Say) -> None:
    """Say per defect how many repaired cells hold the clean truth. Raises GateFailed when too few of all do."""
    workspace, rules, known = _run(run_id)
    params = load_run(workspace.root / "run.yml")
    file = labels or workspace_root() / "clinic" / f"{params.name}.labels" / "labels.parquet"
    if not file.is_file():
        raise UsageError("there are no labels of a synthetic clinic; build one with `ennu clinic build`")
    catalogue = load_catalogue(params_dir() / "catalog")
    cells = scored_cells(workspace, rules, known, catalogue, file, params_dir() / "clinic" / "defect_repairs.csv")
    say(f"{'defect':<22}{'labelled':>9}{'repaired':>9}{'right':>9}{'share':>9}")
    for row in repair_score(cells).iter_rows(named=True):
        share = f"{row['share_right']:.2%}" if row["repaired"] else "-"
        say(f"{row['defect']:<22}{row['labelled']:>9,}{row['repaired']:>9,}{row['right']:>9,}{share:>9}")
    repaired, right = cells["repaired"].sum(), (cells["repaired"] & cells["right"]).sum()
    share = right / repaired if repaired else 0.0
    say(f"{'all':<22}{cells.height:>9,}{repaired:>9,}{right:>9,}{share:>9.2%}")
    if share < RIGHT_AT_LEAST:
        raise GateFailed(f"{share:.2%} of the repaired cells hold the clean truth; at least {RIGHT_AT_LEAST:.0%} must")


def _run(run_id: str) -> tuple[Workspace, Mapping[str, TableRules], Known]:
    workspace = Workspace(run_id)
    if not workspace.exists("run", ".yml"):
        raise UsageError(f"there is no run {run_id} in the workspace")
    catalogue = load_catalogue(params_dir() / "catalog")
    rules = load_standardize(params_dir() / "rules" / "standardize.yml", catalogue)
    return workspace, rules, known_in(workspace, load_run(workspace.root / "run.yml").today)


def _record(workspace: Workspace, undone: frozenset[str]) -> None:
    """Say who changed what, and take the end mark from phase 02: what later phases read is not what it wrote."""
    mark_undone(workspace, undone, by=getpass.getuser(), at=datetime.now(UTC).isoformat(timespec="seconds"))
    forget_evidence(workspace, PHASE)
