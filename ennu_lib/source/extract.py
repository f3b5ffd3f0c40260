"""Copy every table once, in one consistent view, to Parquet in the workspace; resume where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.parquet as pq
import sqlalchemy as sa

from ennu_lib.clock import Clock, SystemClock
from ennu_lib.errors import DataLost, SourceChanged
from ennu_lib.keys import Keys
from ennu_lib.source.connect import snapshot
from ennu_lib.source.digest import TableDigest
from ennu_lib.source.shapes import Kind, TableShape
from ennu_lib.source.values import KEY, KeptAsText, selected, to_frame
from ennu_lib.workspace import Workspace, replacing

FOLDER = "source"
Progress = Callable[[int, int, str], None]
Report = Callable[[str, int], None]


@dataclass(frozen=True)
class Extracted:
    """What is known of one extracted table. `digest` is keyed and independent of row order."""

    table: str
    rows: int
    digest: str
    file: str | None
    bytes: int
    key: tuple[str, ...]
    columns: Mapping[str, str]
    kept_as_text: tuple[str, ...]
    snapshot: str


def extract(
    engine: sa.Engine,
    shapes: Mapping[str, TableShape],
    workspace: Workspace,
    keys: Keys,
    *,
    counted_only: Iterable[str] = (),
    chunk_rows: int = 50_000,
    clock: Clock | None = None,
    progress: Progress | None = None,
) -> dict[str, Extracted]:
    """Extract `shapes` to `source/<table>.parquet` and return what was read, by table.

    `counted_only` tables (credentials, sessions) are counted and never read. A table extracted before is kept, so a
    killed extraction resumes at the table it was in; its `snapshot` then differs. Raises SourceChanged for a table
    that is gone and DataLost when fewer rows arrive than the same snapshot counts.
    """
    unread = frozenset(counted_only)
    done = {name: known for name in shapes if (known := _known(workspace, name)) and _as_planned(known, unread)}
    to_do = [name for name in shapes if name not in done]
    if to_do:
        with snapshot(engine) as connection:
            taken_at = (clock or SystemClock()).now().isoformat(timespec="seconds")
            totals = {name: _count(connection, shapes[name]) for name in to_do}
            report = _counting(progress, sum(totals.values()))
            for name in to_do:
                if name in unread:
                    workspace.path(f"{FOLDER}/{name}").unlink(missing_ok=True)
                    done[name] = _counted(shapes[name], totals[name], taken_at)
                else:
                    done[name] = _extract_table(
                        connection, shapes[name], totals[name], workspace, keys, chunk_rows, taken_at, report
                    )
                workspace.write_bytes(f"{FOLDER}/{name}", json.dumps(asdict(done[name])).encode(), ".json")
    return {name: done[name] for name in shapes}


def read_extracted(workspace: Workspace) -> dict[str, Extracted]:
    """What `extract` recorded in this workspace, by table."""
    return {name: known for name in workspace.names(FOLDER, ".json") if (known := _known(workspace, name))}


def files_of(extracted: Iterable[Extracted], workspace: Workspace) -> list[Path]:
    """The Parquet and JSON files that belong to `extracted`."""
    files = []
    for table in extracted:
        files.append(workspace.root / FOLDER / f"{table.table}.json")
        if table.file:
            files.append(workspace.root / table.file)
    return files


def _extract_table(
    connection: sa.Connection,
    shape: TableShape,
    expected: int,
    workspace: Workspace,
    keys: Keys,
    chunk_rows: int,
    taken_at: str,
    report: Report,
) -> Extracted:
    target = workspace.path(f"{FOLDER}/{shape.name}")
    as_text: frozenset[str] = frozenset()
    while True:
        try:
            digest = _write(connection, shape, target, keys, chunk_rows, as_text, report)
            break
        except KeptAsText as found:
            as_text |= {found.column}
    if digest.rows != expected:
        raise DataLost(
            f"table {shape.name}: the snapshot counts {expected:,} rows and {digest.rows:,} arrived; "
            "nothing was kept of it; run 01_audit again"
        )
    return Extracted(
        table=shape.name,
        rows=digest.rows,
        digest=digest.value(),
        file=f"{FOLDER}/{shape.name}.parquet",
        bytes=target.stat().st_size,
        key=shape.key,
        columns={c.name: c.declared for c in shape.columns},
        kept_as_text=tuple(sorted(as_text)),
        snapshot=taken_at,
    )


def _write(
    connection: sa.Connection,
    shape: TableShape,
    target: Path,
    keys: Keys,
    chunk_rows: int,
    as_text: frozenset[str],
    report: Report,
) -> TableDigest:
    digest = TableDigest(keys)
    with replacing(target) as temporary:
        writer: pq.ParquetWriter | None = None
        for rows in _chunks(connection, shape, chunk_rows):
            frame = to_frame(shape, rows, as_text, digest.rows)
            table = frame.to_arrow()
            writer = writer or pq.ParquetWriter(temporary, table.schema, compression="zstd")
            writer.write_table(table.cast(writer.schema))
            digest.add(frame.drop(KEY))
            report(shape.name, digest.rows)
        if writer is None:
            empty = to_frame(shape, [], as_text, 0).to_arrow()
            writer = pq.ParquetWriter(temporary, empty.schema, compression="zstd")
        writer.close()
    return digest


def _chunks(connection: sa.Connection, shape: TableShape, size: int) -> Iterator[Sequence[sa.Row]]:
    """By key where there is one, so that no statement runs long on a live server; else one streamed result."""
    if _pageable(shape):
        yield from _by_key(connection, shape, size)
        return
    result = _run(connection, shape, _select(shape, shape.selectable(), connection.dialect.name))
    try:
        while rows := result.fetchmany(size):
            yield rows
    finally:
        result.close()


def _pageable(shape: TableShape) -> bool:
    """Keys of text are not paged: collations compare them in ways that differ from server to server."""
    kinds = {c.name: c.kind for c in shape.columns}
    return len(shape.key) == 1 and kinds[shape.key[0]] is Kind.INTEGER


def _by_key(connection: sa.Connection, shape: TableShape, size: int) -> Iterator[Sequence[sa.Row]]:
    table = shape.selectable()
    key = table.c[shape.key[0]]
    at = [c.name for c in shape.columns].index(shape.key[0])
    page = _select(shape, table, connection.dialect.name).order_by(key).limit(size)
    last = None
    while True:
        statement = page if last is None else page.where(key > sa.literal(last, sa.BigInteger))
        rows = _run(connection, shape, statement).fetchall()
        if rows:
            yield rows
            last = rows[-1][at]
        if len(rows) < size:
            return


def _select(shape: TableShape, table: sa.TableClause, dialect: str) -> sa.Select:
    return sa.select(*(selected(table, column, dialect) for column in shape.columns)).select_from(table)


def _count(connection: sa.Connection, shape: TableShape) -> int:
    statement = sa.select(sa.func.count()).select_from(shape.selectable())
    return _run(connection, shape, statement).scalar_one()


def _run(connection: sa.Connection, shape: TableShape, statement: sa.Select) -> sa.CursorResult:
    try:
        return connection.execute(statement)
    except (sa.exc.ProgrammingError, sa.exc.OperationalError) as error:
        if error.connection_invalidated:
            raise
        raise SourceChanged(
            f"table {shape.name} cannot be read: it or one of its columns is gone, or the user may not read it; "
            "compare it with params/catalog, then run 01_audit again"
        ) from None


def _counted(shape: TableShape, rows: int, taken_at: str) -> Extracted:
    columns = {c.name: c.declared for c in shape.columns}
    return Extracted(shape.name, rows, "", None, 0, shape.key, columns, (), taken_at)


def _known(workspace: Workspace, name: str) -> Extracted | None:
    path = workspace.root / FOLDER / f"{name}.json"
    if not path.is_file():
        return None
    record = json.loads(path.read_bytes())
    if record["file"] and not (workspace.root / record["file"]).is_file():
        return None
    return Extracted(
        **{**record, "key": tuple(record["key"]), "kept_as_text": tuple(record["kept_as_text"])},
    )


def _as_planned(known: Extracted, unread: frozenset[str]) -> bool:
    """Whether an earlier extraction of a table did what is asked now: copy it, or only count it."""
    return (known.file is None) == (known.table in unread)


def _counting(progress: Progress | None, total: int) -> Report:
    """A table that is begun again, because a column must be kept as text, counts once."""
    seen: dict[str, int] = {}

    def report(table: str, rows: int) -> None:
        seen[table] = rows
        if progress:
            progress(sum(seen.values()), total, table)

    return report


__all__ = ["Extracted", "extract", "files_of", "read_extracted"]
