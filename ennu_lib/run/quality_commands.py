"""The `ennu quality` commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ennu_lib.config import load_run, project_root

app = typer.Typer(help="Undo, replay and score what phase 02 changed; find the rows.", no_args_is_help=True)

RunFile = Annotated[str, typer.Option("--run", help="The run's parameter file.")]
NamedRun = Annotated[str, typer.Option("--run-id", help="Name of the run.")]
NewestRun = Annotated[str | None, typer.Option("--run-id", help="Name of the run; without it the newest one.")]
DEMO = "params/runs/demo.yml"


@app.command("undo")
def quality_undo(
    run_id: NamedRun,
    rule: Annotated[list[str], typer.Option(help="A rule to undo; may be given several times.")],
) -> None:
    """Make clean/ again without the changes of a rule. Phase 02 leaves the rule out, too, until it is replayed."""
    from ennu_lib.quality.commands import undo

    undo(run_id, rule, typer.echo)


@app.command("replay")
def quality_replay(run_id: NamedRun) -> None:
    """Make clean/ again from source/ and all events, also those of rules that were undone."""
    from ennu_lib.quality.commands import replay

    replay(run_id, typer.echo)


@app.command("score")
def quality_score(
    run_id: NamedRun,
    labels: Annotated[Path | None, typer.Option(help="labels.parquet; else that of the run's clinic.")] = None,
) -> None:
    """Print, per defect of the synthetic clinic, how many repaired cells hold the clean truth."""
    from ennu_lib.quality.commands import score

    score(run_id, labels, typer.echo)


@app.command("detect")
def quality_detect(
    run: RunFile = DEMO,
    run_id: NewestRun = None,
) -> None:
    """Print recall and false alarms of the rules per kind of planted defect, and the kill rates of the run's page."""
    from ennu_lib.quality.detection import detect

    detect(load_run(_file(run)), run_id, typer.echo)


@app.command("rows")
def quality_rows(
    rule: Annotated[str, typer.Argument(help="The rule or check, for example CLN-01.")],
    run: RunFile = DEMO,
    run_id: NewestRun = None,
    reference: Annotated[list[str] | None, typer.Option(help="Only this row; may be given several times.")] = None,
) -> None:
    """Write the rows that a finding refers to, with table and key, into the private workspace."""
    from ennu_lib.quality.detection import newest_run
    from ennu_lib.quality.rows import resolve
    from ennu_lib.workspace import Workspace

    resolve(Workspace(run_id or newest_run(load_run(_file(run)).name)), rule, reference or [], typer.echo)


def _file(run: str) -> Path:
    return Path(run) if Path(run).is_absolute() else project_root() / run
