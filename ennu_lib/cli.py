"""The `ennu` command: thin words over the library, one line per failure, one exit code per cause."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer._click.exceptions import ClickException

from ennu_lib import errors
from ennu_lib.config import load_run, project_root, workspace_root
from ennu_lib.run.people_commands import app as identity_app
from ennu_lib.run.quality_commands import app as quality_app
from ennu_lib.workspace import FULL, replacing

app = typer.Typer(
    name="ennu",
    help="Move a clinic's Open Medical database into HubSpot, lose nothing, leak nothing, and prove it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
clinic_app = typer.Typer(help="Build the synthetic clinic of a rehearsal.", no_args_is_help=True)
portal_app = typer.Typer(help="Compare the portal's schema with params/portal, and change it.", no_args_is_help=True)
audit_app = typer.Typer(help="Look at any database, and score the audit against the clinic's truth.")
app.add_typer(audit_app, name="audit")
app.add_typer(clinic_app, name="clinic")
app.add_typer(portal_app, name="portal")
app.add_typer(identity_app, name="identity")
app.add_typer(quality_app, name="quality")

DEMO = "params/runs/demo.yml"
PRODUCTION = "params/runs/production.yml"
RunFile = Annotated[str, typer.Option("--run", help="The run's parameter file.")]
RunId = Annotated[str | None, typer.Option("--run-id", help="Name of the run; give it again to resume.")]


@app.command("run")
def run_phases(
    run: RunFile = DEMO,
    run_id: RunId = None,
    only: Annotated[str | None, typer.Option(help="One phase, by number or name.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Begin at this phase.")] = None,
) -> None:
    """Execute the notebooks in order; a page per phase and an index are in reports/<run-id>/."""
    from ennu_lib.run.runner import Runner, chosen_phases

    phases = chosen_phases(only, start)
    params = load_run(_absolute(run))
    runner = Runner(run, run_id or _new_run_id(params.name), _say, live=sys.stdout.isatty())
    _say(f"run {runner.workspace.run_id}: {params.environment}, {len(phases)} phases")
    try:
        runner.run(phases)
    finally:
        index = runner.reports / "index.html"
        if index.is_file():
            _say(f"reports: {_shown(index)}")


@app.command()
def demo(run: RunFile = DEMO, run_id: RunId = None) -> None:
    """Build the synthetic clinic unless it is there, then run every phase against the emulator."""
    build(run=run, from_synthea=None, replace=False)
    run_phases(run=run, run_id=run_id)


@app.command()
def lab(
    run: RunFile = DEMO,
    more: Annotated[list[str] | None, typer.Argument(help="Options for JupyterLab itself, after --.")] = None,
) -> None:
    """Open JupyterLab at notebook 01, with the demo clinic built and the emulator running."""
    from ennu_lib.run.lab import open_lab

    build(run=run, from_synthea=None, replace=False)
    open_lab(load_run(_absolute(run)), more or [])


@app.command()
def emulator(
    port: Annotated[int, typer.Option(help="0 picks a free one.")] = 0,
    state: Annotated[Path, typer.Option(help="SQLite file that holds the portal.")] = Path("portal.sqlite"),
    token: Annotated[str, typer.Option(help="The access token it accepts.")] = "test-token",
    settings: Annotated[Path | None, typer.Option(help="A JSON file of emulator settings.")] = None,
    faults: Annotated[Path | None, typer.Option(help="A JSON file with a fault plan.")] = None,
    virtual_clock: Annotated[bool, typer.Option("--virtual-clock", help="Time moves only by POST /_clock.")] = False,
) -> None:
    """Serve a HubSpot-compatible portal on this machine only."""
    from ennu_lib.emulator.__main__ import main as serve

    words = ["--port", str(port), "--state", str(state), "--token", token]
    words += ["--settings", str(settings)] if settings else []
    words += ["--faults", str(faults)] if faults else []
    serve([*words, "--virtual-clock"] if virtual_clock else words)


@clinic_app.command("build")
def build(
    run: RunFile = DEMO,
    from_synthea: Annotated[Path | None, typer.Option(help="Folder of a Synthea CSV export to use instead.")] = None,
    replace: Annotated[bool, typer.Option(help="Replace the clinic that is there.")] = False,
) -> None:
    """Build the 189-table database that the run file's source.url names."""
    from ennu_lib.run.rehearsal import build_source

    build_source(load_run(_absolute(run)), from_synthea=from_synthea, replace=replace, say=_say)


@portal_app.command("plan")
def portal_plan(run: RunFile = DEMO) -> None:
    """Print what would be created, changed, kept, and what stands in the way. Changes nothing."""
    from ennu_lib.run.schema import review_portal

    with review_portal(_absolute(run)) as (review, _):
        _say(review.text)


@portal_app.command("apply")
def portal_apply(
    run: RunFile = DEMO,
    allow: Annotated[
        list[str] | None, typer.Option(help="An irreversible step to permit, as the plan names it.")
    ] = None,
) -> None:
    """Do exactly what `plan` prints; irreversible steps only when they are named with --allow."""
    from ennu_lib.run.schema import apply_portal

    snapshot, kept = apply_portal(_absolute(run), allow or [], _say)
    _say(f"the portal's schema is in place, sha256 {snapshot.sha256}; kept in {_shown(kept)}")


@portal_app.command("rehearse")
def portal_rehearse(run: RunFile = PRODUCTION) -> None:
    """Forecast hours, days and calls: send every request of a load in virtual time through the real limiter."""
    from ennu_lib.config import params_dir
    from ennu_lib.hubspot import load_limits, load_volumes
    from ennu_lib.hubspot.rehearsal import rehearse_volumes

    target = load_run(_absolute(run)).target
    volumes = load_volumes()
    _say(f"limits of {target.limits}; {target.workers} requests under way, each answered after "
         f"{volumes.latency_seconds} s")  # fmt: skip
    for rehearsed in rehearse_volumes(volumes, load_limits(params_dir() / target.limits), target.workers):
        _say(f"\n{rehearsed}")


@portal_app.command("restore")
def portal_restore(
    run_id: Annotated[str, typer.Option("--run-id", help="The run whose baseline (phase 06) is to be restored.")],
    run: RunFile = DEMO,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this only the plan is printed.")] = False,
) -> None:
    """Bring the portal back to where it was before a run's load: print the plan, and with --apply do it."""
    from ennu_lib.run.restore import restore_portal

    restore_portal(_absolute(run), run_id, apply=apply, say=_say)


@audit_app.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    url: Annotated[str | None, typer.Option(help="SQLAlchemy URL of the database, without a password.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the page and audit.json.")] = None,
    password: Annotated[str | None, typer.Option(help="NAME of the environment variable with the password.")] = None,
    schema: Annotated[str | None, typer.Option(help="Schema to look at, where it is not the user's own.")] = None,
) -> None:
    """Profile every table of any SQLite, MariaDB, MySQL or PostgreSQL database; write a page and audit.json."""
    if context.invoked_subcommand:
        return
    if url is None or out is None:
        raise errors.UsageError("give --url and --out, for example: ennu audit --url sqlite:///x.sqlite --out audit")
    from ennu_lib.audit.any_database import PAGE, audit_database
    from ennu_lib.keys import secret

    found = audit_database(url, out, password=secret(password) if password else None, schema=schema)
    _say(f"audit: {len(found['tables'])} tables, {len(found['relations'])} relations; {_shown(out.resolve() / PAGE)}")


@audit_app.command("score")
def audit_score(run: RunFile = DEMO) -> None:
    """Audit the synthetic clinic without its declared keys, and print recall and precision against its truth."""
    from ennu_lib.run.audit_score import print_score

    print_score(_absolute(run), _say)


@app.command()
def phases() -> None:
    """List the phases of a run."""
    from ennu_lib.evidence import PHASES

    for spec in PHASES:
        _say(f"{spec.name:<20} {spec.title:<16} after {', '.join(spec.needs) or 'nothing'}")


@app.command("exit-codes")
def exit_codes() -> None:
    """List the exit codes and what each one means."""
    for name, (code, meaning) in sorted(errors.exit_codes().items(), key=lambda item: item[1][0]):
        _say(f"{code:>4}  {name:<20} {meaning}")


def main() -> None:
    """Entry point of the `ennu` command."""
    try:
        app(standalone_mode=False)
    except errors.EnnuError as error:
        _fail(str(error), error.exit_code)
    except typer.Exit as stop:
        raise SystemExit(stop.exit_code) from None
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped; whole files stay, run again with the same --run-id to go on", errors.Interrupted.exit_code)
    except ClickException as error:
        _fail(error.format_message(), errors.UsageError.exit_code)
    except OSError as error:
        if error.errno in FULL:
            _fail(f"a file could not be written: {os.strerror(error.errno).lower()}", errors.StorageFull.exit_code)
        _unforeseen(error)
    except Exception as error:
        _unforeseen(error)


def _unforeseen(error: Exception) -> NoReturn:
    """A traceback may quote a record, so it goes into a private file and not onto the screen."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    kept = workspace_root() / "crashes" / name
    with contextlib.suppress(errors.EnnuError, OSError), replacing(kept) as temporary:
        temporary.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    where = f"its traceback is in {_shown(kept)}, which may hold patient data" if kept.is_file() else "no file was left"
    _fail(f"the workbook failed with {type(error).__name__}; {where}", errors.Unforeseen.exit_code)


def _fail(message: str, code: int) -> NoReturn:
    print(f"ennu: {message}", file=sys.stderr)
    raise SystemExit(code)


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)


def _absolute(path: str) -> Path:
    return Path(path) if Path(path).is_absolute() else project_root() / path


def _new_run_id(name: str) -> str:
    return f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    main()
