"""Who is who in other synthetic clinics than the demo's, held against their answer keys; `make bench` prints the table.

`ENNU_BENCH_CLINICS=150,500,2000 ENNU_BENCH_SEEDS=3,11,29,101` are patients and seeds; by default one small clinic. Each
goes through phases 01 to 03.
"""

from __future__ import annotations

import os

import pytest

from ennu_lib.progress import WATCHED
from ennu_lib.run.people import find_run, score
from tests.conftest import KEY
from tests.support.in_process import run_phases
from tests.support.rehearsals import make_rehearsal

PATIENTS = [int(n) for n in os.environ.get("ENNU_BENCH_CLINICS", "150").split(",")]
SEEDS = [int(n) for n in os.environ.get("ENNU_BENCH_SEEDS", "3").split(",")]
COLUMNS = {"patients": 8, "seed": 6, "duplicates": 12, "precision": 11, "recall": 9, "merged alone": 14}
COLUMNS |= {"its recall": 12, "to review": 11, "twins merged": 14}


@pytest.fixture(scope="module")
def measured():
    """One line per clinic; printed when all have been scored."""
    lines = []
    yield lines
    print("\n\nprecision and recall in pairs of rows, after review by truth, and of what was merged without a person")
    print("\n".join(["".join(f"{name:>{width}}" for name, width in COLUMNS.items()), *lines]))


@pytest.mark.parametrize("patients", PATIENTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_another_clinic(benchmark, measured, tmp_path, monkeypatch, patients, seed):
    rehearsal = make_rehearsal(tmp_path, patients=patients, seed=seed)
    for name, value in {**rehearsal.environment, "ENNU_KEY": KEY, WATCHED: "1"}.items():
        monkeypatch.setenv(name, value)
    built = rehearsal.ennu("clinic", "build", "--run", str(rehearsal.run_file))
    assert built.returncode == 0, built.stdout + built.stderr
    run_phases(rehearsal.run_file, "r1", "01", "02")
    benchmark.pedantic(run_phases, (rehearsal.run_file, "r1", "03"), rounds=1)
    found = score(find_run(rehearsal.run_file, "r1"), None, lambda *_: None)
    pairs = found.reviewed["true_positives"] + found.reviewed["false_negatives"]
    measured.append(
        f"{patients:>8,}{seed:>6}{pairs:>12,}{found.reviewed['precision']:>11.4f}{found.reviewed['recall']:>9.4f}"
        f"{found.merged['precision']:>14.4f}{found.merged['recall']:>12.4f}{found.to_review / found.records:>11.2%}"
        f"{found.twins[1]:>8} of {found.twins[0]:>2}"
    )
    assert found.reviewed["precision"] >= 0.995 and found.reviewed["recall"] >= 0.97
    assert found.merged["precision"] >= 0.999 and found.nearly_certain["precision"] >= 0.999
    assert found.twins[1] == 0 and found.to_review <= 0.02 * found.records
