"""Speed, memory and quality of matching a table of people, beside recordlinkage's and Splink's own
routes on the same data. `make bench` installs Splink and DuckDB, pinned, beside the environment.

`ENNU_BENCH_PEOPLE=1000000` measures the size that the requirement names; the default is small enough for a routine run.
Each engine runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ennu_lib.identity import match_people
from ennu_lib.identity.evaluate import answered_by_truth, at_thresholds, calibration, measure, pairs_within
from tests.support.family_people import family_people
from tests.support.febrl import COLUMNS, febrl
from tests.support.identity_params import PARAMS

PEOPLE = int(os.environ.get("ENNU_BENCH_PEOPLE", "20000"))
MOST_FOR_STOCK = 1_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The table and its truth as files; made in a process of its own, for its memory would be counted."""
    path = tmp_path_factory.mktemp("people")
    code = (
        "import sys; from tests.support.family_people import family_people; "
        f"t, truth = family_people({PEOPLE}); t.write_parquet(sys.argv[1] + '/people.parquet'); "
        "truth.write_parquet(sys.argv[1] + '/truth.parquet')"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    return path


def in_a_process(engine: str, folder) -> dict:
    command = [sys.executable, "-m", "tests.support.identity_engines", engine, str(folder)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def measured():
    """What every engine came to; printed side by side when all have run."""
    lines = []
    yield lines
    print(f"\n\n{PEOPLE:,} people, one process each")
    print(
        f"{'':24}{'pairs':>12}{'seconds':>9}{'CPU':>9}{'peak MB':>9}{'precision':>11}{'recall':>9}{'F1':>9}  measured"
    )
    print("\n".join(lines))


@pytest.mark.parametrize(
    "engine", ["blocks_to_clusters", "table_to_golden_records", "stock_recordlinkage", "splink_duckdb"]
)
def test_speed(benchmark, folder, measured, engine):
    if engine == "stock_recordlinkage" and PEOPLE > MOST_FOR_STOCK:
        pytest.skip("the stock route runs out of memory at this size")
    if engine == "splink_duckdb":
        pytest.importorskip("splink", reason="Splink is an extra: pip install -e '.[bench]'")
    found = benchmark.pedantic(in_a_process, args=(engine, folder), rounds=1)
    measured.append(
        f"{engine:24}{found['pairs']:>12,}{found['seconds']:>9.1f}{found['cpu_seconds']:>9.1f}{found['peak_mb']:>9,}"
        f"{found['precision']:>11.4f}{found['recall']:>9.4f}{found['f1']:>9.4f}  {found['what']}"
    )


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_public_sets(benchmark, number):
    table, truth = febrl(number)
    true = pairs_within(truth, "rec_id", "person_id")
    nameless = {f: c for f, c in COLUMNS.items() if f != "ssn"}
    found = benchmark.pedantic(match_people, (table, PARAMS), {"key": "rec_id", "columns": COLUMNS}, rounds=1)
    without = match_people(table, PARAMS, key="rec_id", columns=nameless)
    for name, identity in (("all fields", found), ("without ssn", without)):
        rows = at_thresholds(identity.pairs, true, (0.5, 0.99)).rows(named=True)
        text = ", ".join(
            f"p>={r['threshold']}: P {r['precision']:.4f} R {r['recall']:.4f} F1 {r['f1']:.4f}" for r in rows
        )
        print(f"\nFEBRL {number} {name}: {text}")


@pytest.mark.parametrize("hard", [False, True], ids=["usual", "hard"])
def test_families(benchmark, hard):
    table, truth = family_people(20_000, hard=hard)
    true = pairs_within(truth, "patient_id", "person_id")
    found = benchmark.pedantic(match_people, (table, PARAMS), rounds=1)
    merged = measure(pairs_within(found.clusters, "key", "golden_id"), true, len(table))
    answers = truth.select(key="patient_id", person="person_id")
    after = measure(
        pairs_within(answered_by_truth(found.clusters, found.review, answers), "key", "group"), true, len(table)
    )
    print(
        f"\n{'hard' if hard else 'usual'} families: merged automatically P {merged['precision']:.4f} "
        f"R {merged['recall']:.4f}, after review by truth P {after['precision']:.4f} R {after['recall']:.4f}, "
        f"to review {len(found.review) / len(table):.2%} of records"
    )
    print(at_thresholds(found.pairs, true), calibration(found.pairs, true))
