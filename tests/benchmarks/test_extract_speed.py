"""How fast a narrow table is extracted from each server, beside `pandas.read_sql` in chunks on the same table.

The extraction is the project's own and whole: it counts, reads, makes the row keys, hashes every row and writes
compressed Parquet. pandas only reads. `ENNU_BENCH_ROWS` sets the size (default 300,000; 20,000,000 is the size that the
requirement names); above `MOST_FOR_PANDAS` rows pandas is left out, it would take an hour. Each way runs in a process
of its own, so that its peak memory is its own. Servers come from the variables of the service tests; run with `-s`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import SERVERS, fresh_database
from tests.support.extract_ways import create_statement, fill_statement

ROWS = int(os.environ.get("ENNU_BENCH_ROWS", "300000"))
MOST_FOR_PANDAS = 5_000_000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["sqlite", *SERVERS])
def url(request, tmp_path_factory):
    if request.param == "sqlite":
        urls = iter([f"sqlite:///{tmp_path_factory.mktemp('bench') / 'source.sqlite'}"])
    else:
        urls = fresh_database(request.param)
    for made in urls:
        engine = sa.create_engine(made, poolclass=sa.NullPool)
        with engine.begin() as db:
            db.execute(sa.text(create_statement(engine.dialect.name)))
            db.execute(sa.text(fill_statement(engine.dialect.name, ROWS)))
        yield made


def in_a_process(way: str, url: str, folder: Path) -> dict:
    command = [sys.executable, "-m", "tests.support.extract_ways", way, url, str(folder)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)


@pytest.mark.timeout(7200)
@pytest.mark.benchmark(group="extract a narrow table")
@pytest.mark.parametrize("way", ["project", "pandas_chunks"])
def test_extraction(benchmark, url, tmp_path, way):
    if way == "pandas_chunks" and ROWS > MOST_FOR_PANDAS:
        pytest.skip("pandas would take an hour at this size")
    found = benchmark.pedantic(in_a_process, args=(way, url, tmp_path), rounds=1)
    benchmark.extra_info |= found
    assert found["rows"] == ROWS
    print(
        f"\n{url.split(':')[0].split('+')[0]:11}{way:14}{found['rows']:>12,} rows {found['seconds']:7.1f} s "
        f"({found['cpu_seconds']:.1f} s of CPU) {found['rows'] / found['seconds']:>9,.0f} rows/s "
        f"peak {found['peak_mb']:,.0f} MB"
    )
