"""Speed and memory of parity: every stored score recomputed and classed, beside recomputing alone, score by score.

`ENNU_BENCH_PATIENTS=20000` measures about the stored scores of the real clinic; the default is for a routine run.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from ennu_lib.scores.exact import score_patient
from ennu_lib.scores.intake import as_measurement, measurement_rows
from ennu_lib.scores.parity.occasions import inputs_of
from tests.support.own_process import in_a_process_of_its_own
from tests.support.parity_clinic import extracted_clinic, occasions_in, parity_in
from tests.support.score_params import CATALOGUE, PRESETS

PATIENTS = int(os.environ.get("ENNU_BENCH_PATIENTS", "500"))
ONE_BY_ONE = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("clinic")
    extracted_clinic(path, PATIENTS)
    return path


def classed(folder: Path) -> int:
    return parity_in(folder).scores.height


def one_by_one(folder: Path) -> int:
    """The obvious way: each score from its own measurements, without saying why it differs."""
    some = occasions_in(folder).filter("comparable").head(ONE_BY_ONE)
    rows = inputs_of(some, pl.scan_parquet(folder / "inputs.hs-graded-v1.parquet")).filter(~pl.col("late"))
    by_score: dict[str, list] = {}
    for row in measurement_rows(rows.lazy()).collect().iter_rows(named=True):
        by_score.setdefault(row["patient_id"], []).append(as_measurement(row))
    scores = [
        score_patient(by_score.get(score, []), sex, as_of, PRESETS[preset], CATALOGUE)
        for score, sex, as_of, preset in some.select("score_id", "sex", "as_of", "preset").iter_rows()
    ]
    return len(scores)


def test_every_stored_score_classed_beside_recomputed_one_by_one(folder, capsys, benchmark):
    fast = benchmark.pedantic(in_a_process_of_its_own, args=(classed, folder), rounds=1)
    exact = in_a_process_of_its_own(one_by_one, folder)
    with capsys.disabled():
        print(f"\n{'way':<24}{'scores':>9}{'seconds':>9}{'CPU s':>8}{'per CPU s':>11}{'MB':>7}")
        for name, (scores, seconds, cpu, peak) in (("recomputed and classed", fast), ("recomputed one by one", exact)):
            print(f"{name:<24}{scores:>9,}{seconds:>9.2f}{cpu:>8.2f}{scores / cpu:>11,.0f}{peak:>7,.0f}")
    assert fast[0] > ONE_BY_ONE and exact[0] == ONE_BY_ONE
