"""`ennu portal restore`: bring the portal of a run file back to the baseline that phase 06 of a run wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from ennu_lib.backup import PortalRestore
from ennu_lib.config import load_run
from ennu_lib.errors import UsageError
from ennu_lib.hubspot import load_portal_schema
from ennu_lib.hubspot.opening import open_portal
from ennu_lib.keys import secret
from ennu_lib.run.runner import portal
from ennu_lib.workspace import Workspace

COLUMNS = {
    "archive": "to the recycle bin",
    "set_back": "set back",
    "made_by_others": "made by others, kept",
    "removed_by_others": "removed by others",
}


def restore_portal(run_file: Path, run_id: str, *, apply: bool, say: Callable[[str], None]) -> None:
    """Print what restoring the baseline of `run_id` would do, and with `apply` do it and check that it was done.

    Raises UsageError for a run that is not there, OutOfOrder when its phase 06 has not exported the portal,
    AlreadyRunning while the run goes on, DataLost when the portal still differs afterwards, TargetRefused and
    TargetUnreachable.
    """
    params = load_run(run_file)
    workspace = Workspace(run_id)
    if not workspace.root.is_dir():
        raise UsageError(f"there is no run {run_id} in the workspace; its folders are named after the runs")
    with workspace.lock(), portal(params), open_portal(params, secret(params.target.token)) as client:
        restore = PortalRestore(client, load_portal_schema(), workspace)
        plan = restore.plan()
        say(_text(plan))
        steps = plan.select(pl.sum_horizontal("archive", "set_back").sum()).item()
        if not steps:
            say("nothing to undo: the portal is as it was before the load of this run")
        elif apply:
            restore.apply()
            say(f"{steps:,} steps undone, read back: the portal is as it was before the load of this run")
        else:
            say(f"{steps:,} steps to undo; repeat with --apply to do them")


def _text(plan: pl.DataFrame) -> str:
    lines = [f"{'':<24}" + "".join(f"{title:>22}" for title in COLUMNS.values())]
    for row in plan.iter_rows(named=True):
        lines.append(f"{row['what']:<24}" + "".join(f"{row[name]:>22,}" for name in COLUMNS))
    return "\n".join(lines)
