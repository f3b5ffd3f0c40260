"""Profiling beside extraction, and beside the obvious way in pandas: rows a second and memory, in one run.

ENNU_BENCH_PROFILE_ROWS sets the size; the figures of the README are of 20 million narrow rows.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

ROWS = int(os.environ.get("ENNU_BENCH_PROFILE_ROWS", "300000"))
COLUMNS = 15

# What is imported beforehand, and what is measured.
PROFILE = (
    """
from ennu_lib.audit.params import load_audit_params
from ennu_lib.audit.profile import profile
from ennu_lib.source import read_extracted
from ennu_lib.workspace import Workspace
""",
    """
workspace = Workspace("bench", folder)
found = profile(read_extracted(workspace).values(), workspace, load_audit_params().profile)
assert found["rows"][0] == rows and found.height == 15
""",
)
EXTRACT = (
    """
from ennu_lib.keys import Keys
from ennu_lib.source import connect, extract, reflect
from ennu_lib.workspace import Workspace
""",
    """
engine = connect(f"sqlite:///{folder}/bench.sqlite")
extract(engine, reflect(engine), Workspace("bench", folder), Keys("k" * 64))
""",
)
PANDAS = (
    "import pandas as pd",
    """
frame = pd.read_parquet(folder / "bench/source/measures.parquet")
frame.describe(include="all")
counted = {name: (frame[name].isna().sum(), frame[name].nunique()) for name in frame}
""",
)
AROUND = """
import json, sys, time
from pathlib import Path
folder, rows = Path(sys.argv[1]), int(sys.argv[2])
{imported}
began, cpu = time.monotonic(), time.process_time()
{measured}
peak = int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) / 1024
print(json.dumps([time.monotonic() - began, time.process_time() - cpu, peak]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A SQLite database with one narrow table, and its extracted copy."""
    folder = tmp_path_factory.mktemp("profile")
    with sqlite3.connect(folder / "bench.sqlite") as database:
        numbers = ", ".join([f"i{n} INTEGER" for n in range(5)] + [f"f{n} REAL" for n in range(3)])
        texts = ", ".join(f"s{n} VARCHAR(20)" for n in range(4))
        database.execute(f"CREATE TABLE measures (id INTEGER PRIMARY KEY, {numbers}, {texts}, made DATETIME, day DATE)")
        marks = ", ".join("?" * COLUMNS)
        for start in range(0, ROWS, 500_000):
            rows = _rows(start, min(500_000, ROWS - start)).rows()
            database.executemany(f"INSERT INTO measures VALUES ({marks})", rows)
    measured(EXTRACT, folder)
    return folder


def _rows(start: int, count: int) -> pl.DataFrame:
    drawn = np.random.default_rng(start).integers(0, 22_000, count)
    v = pl.col("v")
    return pl.DataFrame({"id": np.arange(start, start + count), "v": drawn}).select(
        "id",
        *((v // (n + 1)).alias(f"i{n}") for n in range(5)),
        *((v / (n + 3)).alias(f"f{n}") for n in range(3)),
        *(pl.format("word {}", v % (40 * (n + 1))).alias(f"s{n}") for n in range(4)),
        pl.format("20{}-03-{} 10:20:30", v % 25 + 10, v % 19 + 10).alias("made"),
        pl.format("19{}-05-{}", v % 90 + 10, v % 19 + 10).alias("day"),
    )


def measured(work: tuple[str, str], folder: Path) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak megabytes of `work` in a process of its own."""
    script = AROUND.format(imported=work[0], measured=work[1])
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder), str(ROWS)], capture_output=True, text=True, check=True
    )
    return tuple(json.loads(done.stdout))


@pytest.mark.parametrize(("name", "work"), [("profile", PROFILE), ("pandas describe", PANDAS)])
def test_profile(benchmark, folder, name, work):
    figures = benchmark.pedantic(measured, (work, folder), rounds=1)
    note(benchmark, name, figures)


def test_extraction_beside_it(benchmark, folder):
    for file in (folder / "bench" / "source").iterdir():
        file.unlink()
    figures = benchmark.pedantic(measured, (EXTRACT, folder), rounds=1)
    note(benchmark, "extraction", figures)


def note(benchmark, name: str, figures: tuple[float, float, float]) -> None:
    wall, cpu, megabytes = figures
    benchmark.extra_info.update(rows_per_second=round(ROWS / wall), peak_mb=round(megabytes))
    print(f"\n{name}: {ROWS:,} rows, {ROWS / wall:,.0f} rows/s, {cpu:.1f} s of CPU, peak {megabytes:,.0f} MB")
