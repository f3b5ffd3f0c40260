"""The source database of a rehearsal: a synthetic clinic, or a Synthea export brought into the same 189 tables."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from ennu_lib.catalog import load_catalogue
from ennu_lib.clinic import build_clinic, import_synthea
from ennu_lib.clinic.load_base import is_unfinished, tables_in_the_way
from ennu_lib.config import RunParams, params_dir, source_url, workspace_root
from ennu_lib.errors import UsageError
from ennu_lib.keys import secret
from ennu_lib.progress import describe, duration
from ennu_lib.source import connect
from ennu_lib.workspace import make_private


def build_source(
    params: RunParams, *, from_synthea: Path | None, replace: bool, say: Callable[..., None], live: bool = False
) -> None:
    """Build the database that `params.source` names, unless it is there already and `replace` is false.

    Raises UsageError for a production run, because nothing synthetic is ever written into a real database, and for a
    Synthea export when there is a clinic already.
    """
    if params.environment == "production":
        raise UsageError("a production run has a real source; only a rehearsal builds one")
    url = source_url(params)
    password = secret(params.source.password) if params.source.password else None
    if not replace and _is_there(url, password):
        if from_synthea:
            raise UsageError("a clinic is there already; add --replace to put the Synthea export in its place")
        say("clinic: there already, kept")
        return
    make_private(workspace_root() / "clinic")
    _set_people_aside(params.name, say)
    began = time.monotonic()
    progress = _progress(say) if live or sys.stdout.isatty() else None
    if from_synthea:
        summary = import_synthea(from_synthea, _with_password(url, password), progress=progress, replace=True)
    else:
        if params.clinic is None:
            raise UsageError("the run file has no clinic section; add one, or give --from-synthea")
        summary = build_clinic(
            _with_password(url, password),
            params.clinic.patients,
            params.clinic.seed,
            params=params_dir() / "clinic.yml",
            labels=workspace_root() / "clinic" / f"{params.name}.labels",
            progress=progress,
            replace=True,
        )
    say(f"clinic: {summary.tables} tables, {summary.rows:,} rows, {duration(time.monotonic() - began)}")
    if from_synthea:
        say(summary.text())


def _set_people_aside(name: str, say: Callable[..., None]) -> None:
    from ennu_lib.identity.registry import Registry  # takes a second, which no other command here needs to wait

    if aside := Registry(name).set_aside(datetime.now(UTC)):
        say(f"clinic: what was decided and remembered about people of the clinic before is set aside in {aside}")


def _is_there(url: str, password: str | None) -> bool:
    """Whether a finished clinic is in the database; an interrupted build does not count."""
    if sa.make_url(url).get_backend_name() == "sqlite":
        return Path(sa.make_url(url).database or "").is_file()
    engine = connect(url, password)
    tables = tables_in_the_way(load_catalogue(params_dir() / "catalog"), engine)
    return bool(tables) and not is_unfinished(engine, tables)


def _with_password(url: str, password: str | None) -> str:
    return sa.make_url(url).set(password=password).render_as_string(hide_password=False) if password else url


def _progress(say: Callable[..., None]) -> Callable[[int, int, str], None]:
    began = time.monotonic()

    def report(done: int, total: int, table: str) -> None:
        state = {"done": done, "total": total, "what": table, "seconds": time.monotonic() - began}
        say(f"\rclinic: {describe(state):<90}", end="" if done < total else "\n")

    return report
