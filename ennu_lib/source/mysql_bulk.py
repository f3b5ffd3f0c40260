"""Rows of MariaDB and MySQL decoded many at once, over the connection that holds the snapshot.

The server sends each row as one packet of text cells, each behind its length. PyMySQL makes a Python object of every
cell, which costs more than everything else together; a second connection by a faster driver would not see the same
moment. So PyMySQL connects, sends the statement and reads the answer's head; the rows are taken from its stream in
large blocks, their cells found for all rows of a block at once, and cast by Polars. What arrives is the server's own
text: '0000-00-00' and '838:59:59' stay what they are.

Packets: https://mariadb.com/kb/en/0-packet/ and https://mariadb.com/kb/en/resultset-row/
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from struct import Struct

import numpy as np
import polars as pl
import pyarrow as pa
import pymysql
import sqlalchemy as sa
from pymysql.constants import COMMAND, CR
from sqlalchemy.dialects.mysql.base import MySQLDialect

from ennu_lib.source.ahead import ahead
from ennu_lib.source.shapes import TableShape
from ennu_lib.source.values import Unfit, pageable, typed

BLOCK_BYTES = 16 << 20
PORTION_BYTES = 1 << 18
ROOM = 1 << 16
HEAD = 4
NULL, ERROR, END, LAST_OF_END = 0xFB, 0xFF, 0xFE, 9
SIZES = {0xFC: 2, 0xFD: 3, 0xFE: 8}
LONGEST_PACKET = 0xFFFFFF
# Without a parameter style that uses '%', no name needs its '%' doubled.
DIALECT = MySQLDialect(paramstyle="named")


@dataclass(frozen=True)
class Block:
    """Whole row packets: the bytes, where each row's cells begin, and where the last row ends."""

    data: bytearray
    starts: np.ndarray
    end: int


def read(connection: sa.Connection, shape: TableShape, size: int) -> Iterator[pl.DataFrame]:
    """The rows of `shape` as frames of its Parquet types, at most about `size` rows or 16 MB each.

    By key where there is a whole one, so that no statement runs long on a live server; else one streamed result. The
    next rows come in while the last ones are decoded. Raises Unfit when the rows have to be read one by one: they
    cannot be decoded here, or the server says no.
    """
    pages = _Pages(connection.connection.dbapi_connection, shape, size)
    with ahead(pages.blocks(), depth=1) as coming:
        try:
            for block in coming:
                yield typed(shape, _cells(block, shape))
        except Unfit:
            pages.enough = True
            for _ in coming:
                pass
            raise
        except (pymysql.err.Error, OSError):
            raise Unfit from None


class _Pages:
    """The statements that read a table, and their rows in blocks; after `enough` no further statement is sent."""

    def __init__(self, raw: pymysql.Connection, shape: TableShape, size: int):
        self.enough = False
        self._raw, self._shape, self._size = raw, shape, size
        self._table = shape.selectable()

    def blocks(self) -> Iterator[Block]:
        """All rows, the packets of a statement read to their end before the next one is sent."""
        columns = len(self._shape.columns)
        if not pageable(self._shape):
            yield from _blocks(self._raw, self._sql(), columns)
            return
        key = [c.name for c in self._shape.columns].index(self._shape.key[0])
        last: int | None = None
        while not self.enough:
            rows = 0
            with closing(_blocks(self._raw, self._sql(last), columns)) as blocks:
                for block in blocks:
                    rows += len(block.starts)
                    last = int(_last_cell(block, key))
                    yield block
            if rows < self._size:
                return

    def _sql(self, last: int | None = None) -> str:
        columns = (sa.type_coerce(self._table.c[c.name], sa.types.NullType()) for c in self._shape.columns)
        statement = sa.select(*columns).select_from(self._table)
        if pageable(self._shape):
            key = self._table.c[self._shape.key[0]]
            statement = statement.order_by(key).limit(self._size)
            if last is not None:
                statement = statement.where(key > sa.literal(last, sa.BigInteger))
        return str(statement.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))


def _last_cell(block: Block, column: int) -> bytes:
    """The text of one cell of the last row of a block."""
    at = int(block.starts[-1])
    for _ in range(column):
        begins, size = _cell(block.data, at)
        at = begins + size
    begins, size = _cell(block.data, at)
    return bytes(block.data[begins : begins + size])


def _cell(data: bytearray, at: int) -> tuple[int, int]:
    """Where the content of the cell at `at` begins, and its length; NULL has none."""
    mark = data[at]
    if mark == NULL:
        return at + 1, 0
    width = SIZES.get(mark, 0)
    size = int.from_bytes(data[at + 1 : at + 1 + width], "little") if width else mark
    return at + 1 + width, size


def _blocks(raw: pymysql.Connection, sql: str, columns: int) -> Iterator[Block]:
    """Send `sql` and yield its rows in blocks. Leaving before the end closes the connection: rows are on their way."""
    raw._execute_command(COMMAND.COM_QUERY, sql)
    if raw._read_packet().read_length_encoded_integer() != columns:
        raise pymysql.err.InternalError("the answer has other columns than were asked for")
    for _ in range(columns):
        raw._read_packet()
    raw._read_packet()
    buffer, filled, over, split = bytearray(BLOCK_BYTES), 0, False, False
    while not over:
        starts: list[int] = []
        at = 0
        while True:
            at, over, split = _walk(buffer, at, filled, starts, split)
            if over or len(buffer) - filled < ROOM:
                break
            filled += _receive(raw, buffer, filled)
        if starts and not split:
            try:
                yield Block(buffer, np.array(starts, dtype=np.int64), at)
            except GeneratorExit:
                raw._force_close()
                raise
        buffer, filled = _rest(buffer, at, filled)
    if split:
        raise Unfit


def _walk(buffer: bytearray, at: int, filled: int, starts: list[int], split: bool) -> tuple[int, bool, bool]:
    """Note where each whole packet's content begins. Returns where it stopped, whether all rows are in, and `split`.

    `split` says that a value of 16 MB and more came in several packets; it is read, but not decoded here.
    """
    head, note = Struct("<I").unpack_from, starts.append
    while at + HEAD <= filled:
        size = head(buffer, at)[0] & LONGEST_PACKET
        on = at + HEAD + size
        if on > filled:
            break
        first = buffer[at + HEAD] if size else 0
        if first == END and size < LAST_OF_END:
            return on, True, split
        if first == ERROR:
            pymysql.err.raise_mysql_exception(bytes(buffer[at + HEAD : on]))
        split = split or size == LONGEST_PACKET
        note(at + HEAD)
        at = on
    return at, False, split


def _receive(raw: pymysql.Connection, buffer: bytearray, filled: int) -> int:
    try:
        # Not readinto1: with a large buffer that waits for more although it has something.
        got = raw._rfile.read1(min(PORTION_BYTES, len(buffer) - filled))
    except OSError:
        got = b""
    if not got:
        raw._force_close()
        raise pymysql.err.OperationalError(CR.CR_SERVER_LOST, "lost while reading rows")
    buffer[filled : filled + len(got)] = got
    return len(got)


def _rest(buffer: bytearray, at: int, filled: int) -> tuple[bytearray, int]:
    """A new buffer that begins with the packet that is not whole yet, and has room for all of it."""
    needed = 0
    if filled - at >= HEAD:
        needed = HEAD + (Struct("<I").unpack_from(buffer, at)[0] & LONGEST_PACKET)
    fresh = bytearray(max(BLOCK_BYTES, needed + 2 * ROOM))
    fresh[: filled - at] = buffer[at:filled]
    return fresh, filled - at


def _cells(block: Block, shape: TableShape) -> pl.LazyFrame:
    """The cells of a block as one binary column per column; they are views of the block, not copies."""
    offsets = np.append(block.starts, block.end)
    rows = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(block.starts), [None, pa.py_buffer(offsets), pa.py_buffer(block.data)]
    )
    known = {"row": pl.from_arrow(rows)}
    cells = []
    for number, (at, sizes, null) in enumerate(_places(block, len(shape.columns))):
        known[f"at{number}"], known[f"size{number}"] = pl.Series(at - block.starts), pl.Series(sizes.view(np.uint64))
        cell = pl.col("row").bin.slice(pl.col(f"at{number}"), pl.col(f"size{number}"))
        if null is not None:
            known[f"null{number}"] = pl.Series(null)
            cell = pl.when(~pl.col(f"null{number}")).then(cell)
        cells.append(cell.alias(shape.columns[number].name))
    return pl.DataFrame(known).lazy().select(cells)


def _places(block: Block, columns: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """For each column, where each row's cell begins, how long it is, and whether it is NULL."""
    data = np.frombuffer(block.data, dtype=np.uint8)
    at = block.starts
    for _ in range(columns):
        marks, null = data[at], None
        sizes = marks.astype(np.int64)
        at = at + 1
        if marks.max() >= NULL:
            null = marks == NULL
            sizes[null] = 0
            for mark, width in SIZES.items():
                long = np.flatnonzero(marks == mark)
                if long.size:
                    sizes[long] = sum(data[at[long] + n].astype(np.int64) << (8 * n) for n in range(width))
                    at[long] += width
        yield at, sizes, null
        at = at + sizes


__all__ = ["read"]
