"""Speed and memory of the scores: the vectorised engine beside the exact one, patient by patient.

`ENNU_BENCH_PATIENTS=22000` measures the size of the real clinic; the default is small enough for a routine run.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from ennu_lib.scores.exact import score_patient
from ennu_lib.scores.intake import as_measurement, measurement_rows
from ennu_lib.scores.vectorised import score_all
from tests.support.own_process import in_a_process_of_its_own
from tests.support.score_params import CATALOGUE, GRADED
from tests.support.score_population import AS_OF, population

PATIENTS = int(os.environ.get("ENNU_BENCH_PATIENTS", "2000"))
DATES = 4
EXACT_PATIENTS = min(PATIENTS, 300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("population")
    rows, people = population(PATIENTS, DATES, CATALOGUE)
    rows.write_parquet(path / "rows.parquet")
    people.write_parquet(path / "people.parquet")
    few = people.head(EXACT_PATIENTS)
    rows.join(few.select("patient_id"), on="patient_id", how="semi").write_parquet(path / "few_rows.parquet")
    few.write_parquet(path / "few_people.parquet")
    return path


def vectorised(folder: Path) -> int:
    rows, people = pl.scan_parquet(folder / "rows.parquet"), pl.scan_parquet(folder / "people.parquet")
    return score_all(rows, people, AS_OF, GRADED, CATALOGUE).scores.height


def one_by_one(folder: Path) -> int:
    by_patient: dict[str, list] = {}
    for row in measurement_rows(pl.scan_parquet(folder / "few_rows.parquet")).collect().iter_rows(named=True):
        by_patient.setdefault(row["patient_id"], []).append(as_measurement(row))
    people = pl.read_parquet(folder / "few_people.parquet")
    scores = [
        score_patient(by_patient.get(patient, []), sex, AS_OF, GRADED, CATALOGUE) for patient, sex in people.iter_rows()
    ]
    return len(scores)


def test_vectorised_beside_one_by_one(folder, capsys, benchmark):
    fast = benchmark.pedantic(in_a_process_of_its_own, args=(vectorised, folder), rounds=1)
    exact = in_a_process_of_its_own(one_by_one, folder)
    per_patient = len(CATALOGUE) * DATES
    with capsys.disabled():
        print(
            f"\n{'engine':<12}{'patients':>9}{'measurements':>14}{'seconds':>9}{'CPU s':>8}{'per CPU s':>11}{'MB':>7}"
        )
        for name, (patients, seconds, cpu, peak) in (("vectorised", fast), ("exact", exact)):
            rows = patients * per_patient
            print(f"{name:<12}{patients:>9,}{rows:>14,}{seconds:>9.2f}{cpu:>8.2f}{patients / cpu:>11,.0f}{peak:>7,.0f}")
        ratio = (fast[0] / fast[2]) / (exact[0] / exact[2])
        print(f"for the same processor time the vectorised engine scores {ratio:.0f} times as many patients")
    assert fast[0] == PATIENTS and exact[0] == EXACT_PATIENTS
