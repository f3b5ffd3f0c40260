"""Small SQLite databases for the audit: from frames or from SQL, copied and scanned as the audit does it."""

from __future__ import annotations

import datetime as dt
import secrets
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from ennu_lib.audit.params import load_audit_params
from ennu_lib.audit.scan import Scan, scan
from ennu_lib.config import project_root
from ennu_lib.keys import Keys
from ennu_lib.source import Extracted, connect, extract, reflect
from ennu_lib.workspace import Workspace

TODAY = dt.date(2026, 6, 30)
PARAMS = project_root() / "params" / "audit"


def sqlite_of(path: Path, tables: Mapping[str, pl.DataFrame], keys: Mapping[str, str] | None = None) -> str:
    """Write `tables` to a SQLite file and return its URL; `keys` names primary keys, others have none."""
    kinds = {pl.Int64: "INTEGER", pl.Float64: "DOUBLE", pl.String: "TEXT", pl.Boolean: "BOOLEAN"}
    with sqlite3.connect(path) as database:
        for name, frame in tables.items():
            columns = [
                f'"{c}" {"DATETIME" if c.endswith("__moment") else kinds[dtype.base_type()]}'
                + (" PRIMARY KEY" if (keys or {}).get(name) == c else "")
                for c, dtype in frame.schema.items()
            ]
            database.execute(f'CREATE TABLE "{name}" ({", ".join(columns)})')
            marks = ", ".join("?" * frame.width)
            database.executemany(f'INSERT INTO "{name}" VALUES ({marks})', frame.rows())
    return f"sqlite:///{path}"


def copied(url: str, folder: Path) -> tuple[dict[str, Extracted], Workspace]:
    """The tables of a database in a workspace below `folder`."""
    engine = connect(url)
    workspace = Workspace("audit", folder)
    return extract(engine, reflect(engine), workspace, Keys(secrets.token_hex(32))), workspace


def audited(url: str, folder: Path) -> Scan:
    """What the audit finds in the database at `url`."""
    extracted, workspace = copied(url, folder)
    return scan(extracted, workspace, load_audit_params(PARAMS), TODAY)


def found_relations(result: Scan) -> dict[str, str]:
    """Child to parent, both as `table.column`."""
    at = result.relations.select("table", "column", "parent", "parent_column").iter_rows()
    return {f"{table}.{column}": f"{parent}.{key}" for table, column, parent, key in at}
