"""The `ennu identity` commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ennu_lib.config import project_root

app = typer.Typer(help="Who is who: match any table, look at a person, decide, undo, score.", no_args_is_help=True)

RunFile = Annotated[str, typer.Option("--run", help="The run's parameter file.")]
RunId = Annotated[str | None, typer.Option("--run-id", help="The run; without it the newest that finished phase 03.")]
Who = Annotated[str, typer.Option(help="Who decides; without it the user of this machine.")]
Why = Annotated[str, typer.Option(help="The reason; it is kept with the decision.")]
Person = Annotated[str, typer.Argument(help="Any row of the person, by its patient id.")]
DEMO = "params/runs/demo.yml"


@app.command()
def match(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet table of people.")],
    columns: Annotated[str, typer.Option(help="field=column pairs: first_name=given,phone=tel1+tel2")],
    key: Annotated[str | None, typer.Option(help="Column that names a row; without it rows are numbered.")] = None,
    truth: Annotated[str | None, typer.Option(help="Column that is equal for rows of one person: measures.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the clusters go (.parquet or .csv).")] = None,
) -> None:
    """Find the people in any table; missing fields are fine."""
    from ennu_lib.run.people import match_file

    match_file(file, columns, key, truth, out, typer.echo)


@app.command()
def show(
    person: Person,
    run: RunFile = DEMO,
    run_id: RunId = None,
    values: Annotated[bool, typer.Option("--values", help="Show patient values too.")] = False,
) -> None:
    """Say which rows are one person, what joined them, and who decided what."""
    from ennu_lib.run.people import find_run, show_person

    show_person(find_run(_file(run), run_id), person, values, typer.echo)


@app.command()
def split(
    person: Person,
    rows: Annotated[str, typer.Option(help="The rows to take out, by patient id: 12,13")],
    why: Why,
    who: Who = "",
    run: RunFile = DEMO,
    run_id: RunId = None,
) -> None:
    """Take rows out of a person, for ever, and say what changes."""
    from ennu_lib.run.people import find_run, split_person

    chosen = [row.strip() for row in rows.split(",") if row.strip()]
    split_person(find_run(_file(run), run_id), person, chosen, who, why, typer.echo)


@app.command()
def merge(
    people: Annotated[list[str], typer.Argument(help="Two or more persons, each by any of its rows.")],
    why: Why,
    who: Who = "",
    run: RunFile = DEMO,
    run_id: RunId = None,
) -> None:
    """Make several persons one, for ever, and say what changes; guarded pairs need two people who say so."""
    from ennu_lib.run.people import find_run, merge_persons

    merge_persons(find_run(_file(run), run_id), people, who, why, typer.echo)


@app.command()
def review(
    run: RunFile = DEMO,
    run_id: RunId = None,
    mask: Annotated[bool, typer.Option("--mask", help="Worksheet: show only what differs between the rows.")] = False,
    page: Annotated[
        bool, typer.Option("--open", help="Answer in the browser, side by side, with the keyboard.")
    ] = False,
    who: Who = "",
) -> None:
    """Write the review queue as a worksheet into the private workspace, or with --open answer it in the browser."""
    from ennu_lib.run.people import export_review, find_run, open_review

    found = find_run(_file(run), run_id)
    open_review(found, who, typer.echo) if page else export_review(found, mask, typer.echo)


@app.command()
def decide(
    worksheet: Annotated[Path, typer.Argument(help="A worksheet with answers.")],
    who: Annotated[str, typer.Option(help="Who answered, where the column is empty.")] = "",
    run: RunFile = DEMO,
    run_id: RunId = None,
) -> None:
    """Take the answers of a worksheet over as decisions."""
    from ennu_lib.run.people import find_run, import_review

    import_review(find_run(_file(run), run_id), worksheet, who, typer.echo)


@app.command()
def score(
    run: RunFile = DEMO,
    run_id: RunId = None,
    truth: Annotated[Path | None, typer.Option(help="Another answer key; columns as in the clinic's labels.")] = None,
) -> None:
    """Hold a run against the clinic's answer key: precision, recall, review share, twins, calibration."""
    from ennu_lib.run.people import find_run
    from ennu_lib.run.people import score as score_it

    score_it(find_run(_file(run), run_id), truth, typer.echo)


def _file(run: str) -> Path:
    return Path(run) if Path(run).is_absolute() else project_root() / run
