"""Two ways to read one table, each for a process of its own: python -m tests.support.extract_ways WAY URL FOLDER.

Prints what it measured of itself as JSON: rows, seconds, seconds of processor time, peak memory in MB.
"""

import json
import resource
import sys
import time
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from ennu_lib.keys import Keys
from ennu_lib.source import connect, extract, reflect
from ennu_lib.workspace import Workspace

TABLE = "results"
# A narrow table of laboratory results: 15 columns, about 150 bytes a row as text.
COLUMNS = (
    "id bigint PRIMARY KEY, patient_id integer, encounter_id integer, code varchar(16), value decimal(12,4), "
    "unit varchar(12), low {double}, high {double}, flag char(1), taken {moment}, entered {moment}, "
    "status varchar(12), note varchar(40), active smallint, seq integer"
)
CHUNK = 50_000


def fill_statement(dialect: str, rows: int) -> str:
    """An INSERT that makes `rows` rows inside the server. The day of `taken` moves with the row."""
    series, n, text = {
        "mysql": (f"seq_1_to_{rows}", "seq", "concat({})"),
        "postgresql": (f"generate_series(1, {rows}) n", "n", "concat({})"),
        "sqlite": (
            f"(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) SELECT n FROM s)",
            "n",
            "printf('%s%s%s%s', {}, '', '', '')",
        ),
    }[dialect]
    moment = {
        "mysql": "date_add('2015-01-01', INTERVAL {n} % 300000000 SECOND)",
        "postgresql": "timestamp '2015-01-01' + ({n} % 300000000) * interval '1 second'",
        "sqlite": "datetime('2015-01-01', ({n} % 300000000) || ' seconds')",
    }[dialect].format(n=n)

    def joined(*parts: str) -> str:
        return " || ".join(parts) if dialect == "sqlite" else text.format(", ".join(parts))

    case = f"CASE {n} % 4 WHEN 0 THEN 'final' WHEN 1 THEN 'preliminary' ELSE 'corrected' END"
    unit = f"CASE {n} % 3 WHEN 0 THEN 'mg/dL' WHEN 1 THEN 'mmol/L' ELSE 'U/L' END"
    note = f"CASE WHEN {n} % 3 = 0 THEN NULL ELSE {joined(repr('routine result no '), n)} END"
    return (
        f"INSERT INTO {TABLE} SELECT {n}, {n} % 100000, {n} % 700000, {joined(repr('LN'), f'{n} % 5000')}, "
        f"({n} % 100000) / 7.0, {unit}, ({n} % 97) / 3.0, CASE WHEN {n} % 9 = 0 THEN NULL ELSE ({n} % 89) / 3.0 END, "
        f"CASE {n} % 3 WHEN 0 THEN 'H' WHEN 1 THEN 'L' END, {moment}, {moment}, {case}, {note}, {n} % 2, {n} % 1000 "
        f"FROM {series}"
    )


def create_statement(dialect: str) -> str:
    """The empty table."""
    types = {
        "mysql": ("double", "datetime"),
        "postgresql": ("double precision", "timestamp"),
        "sqlite": ("real", "text"),
    }
    double, moment = types[dialect]
    return f"CREATE TABLE {TABLE} ({COLUMNS.format(double=double, moment=moment)})"


def project(url: str, folder: Path) -> int:
    """As a run does it: count, read, key, digest, compressed Parquet."""
    engine = connect(url)
    return extract(engine, reflect(engine), Workspace("bench", folder), Keys("k" * 40), chunk_rows=CHUNK)[TABLE].rows


def pandas_chunks(url: str, _folder: Path) -> int:
    """The obvious alternative, and only its reading: no digest, no file."""
    with sa.create_engine(url).connect().execution_options(stream_results=True) as connection:
        return sum(len(frame) for frame in pd.read_sql(sa.text(f"SELECT * FROM {TABLE}"), connection, chunksize=CHUNK))


WAYS = {"project": project, "pandas_chunks": pandas_chunks}


if __name__ == "__main__":
    way, source, target = sys.argv[1:]
    began, worked = time.perf_counter(), time.process_time()
    count = WAYS[way](source, Path(target))
    print(
        json.dumps(
            {
                "rows": count,
                "seconds": time.perf_counter() - began,
                "cpu_seconds": time.process_time() - worked,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )
