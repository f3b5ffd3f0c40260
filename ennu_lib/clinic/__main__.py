"""`python -m ennu_lib.clinic`: build a clinic database from the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from ennu_lib.clinic.build import build_clinic
from ennu_lib.clinic.synthea import import_synthea
from ennu_lib.errors import EnnuError, Interrupted


def main(arguments: list[str] | None = None) -> int:
    """Build, print what was built, and return the exit code of the cause when it fails."""
    options = _parser().parse_args(arguments)
    try:
        print(_imported(options) if options.from_synthea else _built(options))
    except EnnuError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped; no clinic was left that looks complete", file=sys.stderr)
        return Interrupted.exit_code
    return 0


def _built(options: argparse.Namespace) -> str:
    summary = build_clinic(
        options.url,
        options.patients,
        options.seed,
        params=options.params,
        labels=options.labels,
        replace=options.replace,
        progress=_progress(),
    )
    return (
        f"{summary.tables} tables, {summary.rows:,} rows, {summary.defects:,} planted defects "
        f"in {summary.seconds:.1f} s ({summary.rows / summary.seconds:,.0f} rows/s)"
    )


def _imported(options: argparse.Namespace) -> str:
    summary = import_synthea(
        options.from_synthea, options.url, params=options.params, replace=options.replace, progress=_progress()
    )
    if options.unplaced:
        summary.unplaced.write_csv(options.unplaced)
    return summary.text()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ennu_lib.clinic", description=build_clinic.__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="for example sqlite:///clinic.sqlite")
    parser.add_argument("--patients", type=int, default=500)
    parser.add_argument("--seed", type=int, default=25)
    parser.add_argument("--from-synthea", type=Path, metavar="DIR", help="import a Synthea CSV export instead")
    parser.add_argument("--unplaced", type=Path, metavar="FILE", help="with --from-synthea: what found no home, as CSV")
    parser.add_argument("--labels", type=Path, help="directory for the answer key, outside the database")
    parser.add_argument("--params", type=Path, help="clinic parameter file, default params/clinic.yml")
    parser.add_argument("--replace", action="store_true", help="drop and rebuild the tables that are there")
    return parser


def _progress() -> Callable[[int, int, str], None] | None:
    return _show if sys.stderr.isatty() else None


def _show(done: int, expected: int, table: str) -> None:
    print(f"\r{done:>12,} of {expected:,} rows  {table:<32}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
