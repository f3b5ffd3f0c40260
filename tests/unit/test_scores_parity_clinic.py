"""The old software of the synthetic clinic and the engine of phase 05 are two implementations of the same formulas."""

import polars as pl
import pytest

from ennu_lib.config import params_dir
from ennu_lib.rules.definition import load_rules
from ennu_lib.rules.labels import classed, load_detection
from tests.support.one_clinic import one_clinic
from tests.support.parity_clinic import extracted_clinic, parity_in

PATIENTS = 180


@pytest.fixture(scope="module")
def clinic():
    return one_clinic(PATIENTS, defects=False)


@pytest.fixture(scope="module")
def parity(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clinic")
    extracted_clinic(folder, PATIENTS)
    return parity_in(folder)


def test_scores_of_the_formula_itself_are_reproduced(clinic, parity):
    odd = clinic.old_scores.select(score_id=pl.col("health_score_id").cast(pl.String))
    plain = parity.scores.join(odd, on="score_id", how="anti")
    passing = plain["class"].is_in(["EXACT", "ROUNDING"])
    assert plain.height > 500 and passing.mean() >= 0.995
    assert set(plain.filter(~passing)["class"]) <= {"UNIT", "LATE_INPUT", "NOT_COMPARABLE"}


def test_scores_that_were_computed_otherwise_have_the_class_of_their_cause(clinic, parity):
    detection = load_detection(params_dir() / "rules" / "detection.yml", set(load_rules(params_dir() / "rules")))
    found = classed(clinic.old_scores, parity.scores, detection)
    assert set(found["way"]) <= set(detection.old_scores) and found.height >= 6
    assert found["found"].sum() >= 0.95 * found["planted"].sum(), found


def test_contributions_are_those_of_the_old_software(parity):
    plain = parity.scores.filter(pl.col("class") == "EXACT").select("score_id")
    agreed = parity.parts.join(plain, on="score_id", how="semi")["agreement"]
    assert (agreed == "equal").mean() >= 0.999
