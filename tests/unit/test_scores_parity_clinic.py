"""The old software of the synthetic clinic and the engine of phase 05 are two implementations of the same formulas."""

import polars as pl
import pytest

from ennu_lib.clinic.labels import as_written
from ennu_lib.config import params_dir
from ennu_lib.rules.definition import load_rules
from ennu_lib.rules.labels import classed, load_detection
from ennu_lib.scores.metric_names import Given, metric_ids
from ennu_lib.scores.parity import StoredParts, compare
from ennu_lib.scores.parity.occasions import occasions_of
from ennu_lib.scores.parity.versions import read_history
from ennu_lib.scores.source_params import load_measurement_sources
from ennu_lib.scores.sources import measurements_from
from ennu_lib.scores.stored import first_reports, stored_details, stored_scores
from tests.support.one_clinic import one_clinic
from tests.support.parity_clinic import RULES
from tests.support.score_params import CATALOGUE, PRESETS


@pytest.fixture(scope="module")
def clinic():
    return one_clinic(defects=False)


@pytest.fixture(scope="module")
def parity(clinic):
    tables = {name: extracted(frame) for name, frame in clinic.tables.items()}
    sources = load_measurement_sources(params_dir() / "scores" / "measurement_sources.yml")
    given = Given({name: tables[name] for name in sources.tables_needed()}, sources, CATALOGUE)
    people = tables["patients"].select("patient_id", sex="gender", birth_date="date_of_birth")
    codes = metric_ids(given)
    measurements = {
        name: measurements_from(given.tables, sources, CATALOGUE, extra_loinc=preset.extra_loinc)
        for name, preset in PRESETS.items()
    }
    return compare(
        occasions_of(stored_scores(tables["25againhealthscores"]), people, PRESETS, RULES.unnamed),
        {name: frame.collect().lazy() for name, frame in measurements.items()},
        StoredParts(
            stored_details(tables["25againhealthscoredetails"], codes, CATALOGUE),
            first_reports(tables["lab_result_corrections"]),
        ),
        PRESETS,
        read_history(tables["25againmetrichistory"], codes, CATALOGUE),
        RULES,
    )


def extracted(frame: pl.DataFrame) -> pl.LazyFrame:
    """As phase 01 leaves a table: moments as text."""
    moments = [as_written(frame[c]).alias(c) for c, d in frame.schema.items() if d in (pl.Date, pl.Datetime)]
    return frame.with_columns(moments).lazy()


def test_scores_of_the_formula_itself_are_reproduced(clinic, parity):
    odd = clinic.old_scores.select(score_id=pl.col("health_score_id").cast(pl.String))
    plain = parity.scores.join(odd, on="score_id", how="anti")
    passing = plain["class"].is_in(["EXACT", "ROUNDING"])
    assert plain.height > 1500 and passing.mean() >= 0.995
    assert set(plain.filter(~passing)["class"]) <= {"UNIT", "LATE_INPUT", "NOT_COMPARABLE"}


def test_scores_that_were_computed_otherwise_have_the_class_of_their_cause(clinic, parity):
    detection = load_detection(params_dir() / "rules" / "detection.yml", set(load_rules(params_dir() / "rules")))
    found = classed(clinic.old_scores, parity.scores, detection)
    assert set(found["way"]) == set(detection.old_scores)
    assert found["found"].sum() >= 0.95 * found["planted"].sum(), found


def test_contributions_are_those_of_the_old_software(parity):
    plain = parity.scores.filter(pl.col("class") == "EXACT").select("score_id")
    agreed = parity.parts.join(plain, on="score_id", how="semi")["agreement"]
    assert (agreed == "equal").mean() >= 0.999
