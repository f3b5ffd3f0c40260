"""A restorable copy: every extracted table and the shape of the database, checked by restoring it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from ennu_lib.errors import DataLost
from ennu_lib.keys import Keys
from ennu_lib.source import KEY, Extracted, TableDigest
from ennu_lib.workspace import Workspace, replacing, sha256_of

BATCH = 20_000
TYPES = {pl.Int64: sa.BigInteger, pl.Float64: sa.Float, pl.Boolean: sa.Boolean, pl.Binary: sa.LargeBinary}


@dataclass(frozen=True)
class Backup:
    """A backup of one run: the tables in it and the hash of its manifest."""

    tables: int
    rows: int
    bytes: int
    manifest: Path


def back_up(extracted: Mapping[str, Extracted], workspace: Workspace) -> Backup:
    """Write `backup/manifest.json`: for each table its file, hash, rows and digest.

    The Parquet files of the snapshot are the copy; they are read-only from now on. Excluded tables hold credentials
    and are in the manifest by name and row count only.
    """
    entries = {}
    for name, table in extracted.items():
        entry = asdict(table)
        if table.file:
            path = workspace.root / table.file
            path.chmod(0o400)
            entry["sha256"] = sha256_of(path)
        entries[name] = entry
    data = json.dumps({"tables": entries}, indent=1, sort_keys=True).encode()
    manifest = workspace.write_bytes("backup/manifest", data, ".json")
    kept = [table for table in extracted.values() if table.file]
    return Backup(len(kept), sum(t.rows for t in kept), sum(t.bytes for t in kept), manifest)


def restore(
    manifest: Path,
    workspace: Workspace,
    target: Path,
    keys: Keys,
    progress: Callable[[int, int, str], None] | None = None,
) -> pl.DataFrame:
    """Build a SQLite database at `target` out of a backup and compare every table's digest with the manifest.

    Returns `table`, `rows`, `restored`, `equal`. Raises DataLost when a file is missing or is not the recorded one.
    """
    tables = json.loads(manifest.read_bytes())["tables"]
    kept = {name: entry for name, entry in tables.items() if entry["file"]}
    found = []
    with replacing(target) as temporary:
        engine = sa.create_engine(f"sqlite:///{temporary}")
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=OFF")
            connection.exec_driver_sql("PRAGMA synchronous=OFF")
            for number, (name, entry) in enumerate(kept.items(), start=1):
                found.append(_restore_table(connection, name, entry, workspace, keys))
                if progress:
                    progress(number, len(kept), name)
            connection.commit()
        engine.dispose()
    return pl.DataFrame(found)


def _restore_table(connection: sa.Connection, name: str, entry: dict, workspace: Workspace, keys: Keys) -> dict:
    path = workspace.root / entry["file"]
    if not path.is_file() or sha256_of(path) != entry["sha256"]:
        raise DataLost(f"backup of table {name}: its file is missing or has changed; take a new backup from the source")
    schema = pl.read_parquet_schema(path)
    columns = [c for c in schema if c != KEY]
    table = sa.Table(
        sa.sql.quoted_name(name, True),
        sa.MetaData(),
        *(sa.Column(sa.sql.quoted_name(c, True), TYPES.get(schema[c].base_type(), sa.Text)()) for c in columns),
    )
    table.create(connection)
    names = ", ".join(f'"{c}"' for c in columns)
    insert = f'INSERT INTO "{name}" ({names}) VALUES ({", ".join("?" * len(columns))})'
    cursor = connection.connection.cursor()
    for frame in _batches(path, columns):
        cursor.executemany(insert, frame.rows())
    cursor.execute(f'SELECT {names} FROM "{name}"')
    return _compare(cursor, name, entry, schema, columns, keys)


def _batches(path: Path, columns: list[str]):
    frame = pl.scan_parquet(path).select(
        pl.col(c).cast(pl.String) if dtype.is_decimal() else pl.col(c)
        for c, dtype in pl.read_parquet_schema(path).items()
        if c in columns
    )
    for batch in frame.collect_batches(chunk_size=BATCH, maintain_order=True):
        if batch.height:
            yield batch


def _compare(cursor, name: str, entry: dict, schema: Mapping, columns: list[str], keys: Keys) -> dict:
    digest = TableDigest(keys)
    while rows := cursor.fetchmany(BATCH):
        digest.add(
            pl.DataFrame([_series(c, v, schema[c]) for c, v in zip(columns, zip(*rows, strict=True), strict=True)])
        )
    equal = digest.rows == entry["rows"] and digest.value() == entry["digest"]
    return {"table": name, "rows": entry["rows"], "restored": digest.rows, "equal": equal}


def _series(name: str, values: Sequence, dtype: pl.DataType) -> pl.Series:
    if dtype.is_decimal():
        return pl.Series(name, values, dtype=pl.String).cast(dtype)
    if dtype == pl.Boolean:
        return pl.Series(name, [None if v is None else bool(v) for v in values], dtype=dtype)
    return pl.Series(name, values, dtype=dtype)
