"""How fast a clinic is built, beside the obvious way: SQLAlchemy's executemany with the same rows.

ENNU_BENCH_PATIENTS sets the size (default 2,000); each way runs in a process of its own, so that its peak memory is
its own. Run with `-s` to see the table.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PATIENTS = int(os.environ.get("ENNU_BENCH_PATIENTS", "2000"))
ROOT = Path(__file__).parents[2]
WAYS = ROOT / "tests" / "support" / "clinic_ways.py"
NAMES = {"fast": "bulk load beside generation", "obvious": "generate, then SQLAlchemy executemany"}

_seen: dict[str, dict] = {}


def build(way: str, directory: Path) -> dict:
    """Build one clinic in a new process and return what it measured of itself."""
    file = directory / f"{way}.sqlite"
    file.unlink(missing_ok=True)
    command = [sys.executable, str(WAYS), way, str(file), str(PATIENTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


@pytest.mark.timeout(3600)
@pytest.mark.benchmark(group="clinic into SQLite")
@pytest.mark.parametrize("way", ["fast", "obvious"])
def test_clinic_into_sqlite(benchmark, tmp_path, way):
    measured = benchmark.pedantic(build, args=(way, tmp_path), rounds=1, iterations=1)
    benchmark.extra_info |= measured
    _seen[way] = measured
    assert measured["rows"] > 600 * PATIENTS
    print("\n" + "\n".join(side_by_side()))


def side_by_side() -> list[str]:
    """The ways measured so far as lines of a table."""
    title = f"{PATIENTS:,} patients"
    lines = [f"{title:<44}{'rows':>12}{'seconds':>10}{'rows/s':>11}{'peak MB':>10}{'file MB':>10}"]
    for way, figures in _seen.items():
        rate, numbers = figures["rows"] / figures["seconds"], f"{figures['rows']:>12,}{figures['seconds']:>10.1f}"
        lines.append(f"{NAMES[way]:<44}{numbers}{rate:>11,.0f}{figures['peak_mb']:>10,.0f}{figures['file_mb']:>10,.0f}")
    return lines
