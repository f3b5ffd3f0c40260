"""What a split or a merge asks of the portal, worked out by the phases themselves: before against after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from ennu_lib import load
from ennu_lib.evidence import PHASES
from ennu_lib.run.runner import Runner
from ennu_lib.workspace import Workspace

ANEW = ("03_dedupe", "04_mapping", "05_health_scores")


def plan_repair(
    run_file: Path, workspace: Workspace, say: Callable[..., None]
) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """Run phases 03 to 05 of a mapped run again, with the decisions made since, and say and keep what changes.

    The repair waits in the workspace, folder `repair`, for phase 07. None where the run has not been mapped: then there
    is nothing to repair. Raises as the phases do.
    """
    if not workspace.exists("targets/links"):
        say("this run is not mapped yet, so the portal needs no repair")
        return None
    load.keep_before(workspace)
    Runner(str(run_file), workspace.run_id, say).run([spec for spec in PHASES if spec.name in ANEW])
    records, links = load.write_repair(workspace)
    say("\n".join(["repair of the portal:", *load.repair_lines(records, links)]))
    say(f"to carry it out: ennu run --run-id {workspace.run_id} --from 07")
    return records, links
