"""The vectorised engine at its edges: empty frames, odd types, patients nobody knows, roundings on a knife's edge."""

import datetime as dt
from dataclasses import asdict
from decimal import Decimal

import polars as pl
import pytest

from ennu_lib.scores.frames import CATEGORY_COLUMNS, CONTRIBUTION_SCHEMA, EXCLUSION_SCHEMA, score_schema
from ennu_lib.scores.vectorised import score_all
from tests.support.score_params import AS_OF, CATALOGUE, GRADED, OPEN, measured


def rows(*measurements, patient_id="p"):
    return pl.LazyFrame([{"patient_id": patient_id, **asdict(m)} for m in measurements])


def people(**columns):
    return pl.LazyFrame({"patient_id": ["p"], "sex": ["male"], **columns})


def test_a_patient_without_measurements_has_an_insufficient_score():
    empty = rows(measured("tsh", "1")).filter(False)
    found = score_all(empty, pl.LazyFrame({"patient_id": ["b", "a"], "sex": ["male", None]}), AS_OF, GRADED, CATALOGUE)
    assert found.scores["patient_id"].to_list() == ["b", "a"]
    assert found.scores["score_status"].to_list() == ["insufficient"] * 2
    assert found.scores["gender_basis"].to_list() == ["male", "neutral"]
    assert found.scores["contribution_detail"].to_list() == ["[]"] * 2
    assert found.scores["coverage_pct"].to_list() == [0, 0]
    assert found.contributions.is_empty() and found.exclusions.is_empty()


def test_without_patients_every_measurement_is_of_an_unknown_one():
    none = people().filter(False)
    found = score_all(rows(measured("tsh", "1"), measured("tsh", "x")), none, AS_OF, GRADED, CATALOGUE)
    assert found.scores.is_empty()
    assert found.exclusions["reason"].to_list() == ["PATIENT_UNKNOWN"] * 2


def test_the_frames_have_the_columns_of_the_health_scores_object():
    found = score_all(rows(measured("tsh", "1.5")), people(), AS_OF, OPEN, CATALOGUE)
    assert found.scores.schema == pl.Schema(score_schema(1))
    assert found.contributions.schema == pl.Schema(CONTRIBUTION_SCHEMA)
    assert found.exclusions.schema == pl.Schema(EXCLUSION_SCHEMA)
    assert len(CATEGORY_COLUMNS) == 13 and set(CATEGORY_COLUMNS.values()) <= set(found.scores.columns)


def test_typed_columns_are_read_as_the_text_they_would_be():
    typed = pl.LazyFrame({
        "patient_id": [7, 7],
        "metric_code": ["tsh", "sbp"],
        "value": [Decimal("1.50"), Decimal("120.00")],
        "unit": ["mIU/L", None],
        "measured_on": [dt.datetime(2026, 6, 1, 8), None],
    })  # fmt: skip
    patients = pl.LazyFrame({"patient_id": [7], "sex": ["F"], "birth_date": [dt.date(1980, 1, 1)]})
    found = score_all(typed, patients, AS_OF, OPEN, CATALOGUE)
    assert found.contributions.select("patient_id", "measured_on").row(0) == ("7", dt.date(2026, 6, 1))
    assert found.exclusions["reason"].to_list() == ["DATE_INVALID"]
    assert found.scores["gender_basis"].to_list() == ["female"]


def test_a_clinician_decides_the_scoring_sex():
    found = score_all(rows(measured("psa", "1")), people(scoring_sex=["female"]), AS_OF, OPEN, CATALOGUE)
    assert found.exclusions["reason"].to_list() == ["NOT_APPLICABLE"]
    undecided = score_all(rows(measured("psa", "1")), people(scoring_sex=["not_set"]), AS_OF, OPEN, CATALOGUE)
    assert undecided.scores["gender_basis"].to_list() == ["male"]


def test_a_lacking_column_or_a_patient_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="measured_on, unit"):
        score_all(rows(measured("tsh", "1")).drop("unit", "measured_on"), people(), AS_OF, GRADED, CATALOGUE)
    twice = pl.LazyFrame({"patient_id": ["p", "p"], "sex": ["male", "male"]})
    with pytest.raises(ValueError, match="golden records"):
        score_all(rows(measured("tsh", "1")), twice, AS_OF, GRADED, CATALOGUE)


def test_a_rounding_too_close_to_call_is_settled_exactly():
    # ALT and AST lose 100 points over 120 U/L, so 89.94 gives 50.05 points: a tie. The first value is 1e-30 U/L off:
    # the true mean lies below the tie, but the scaled integers cannot tell.
    below = rows(measured("alt", "89.940000000000000000000000000001"), measured("ast", "89.94"))
    found = score_all(below, people(), AS_OF, OPEN, CATALOGUE)
    assert found.settled_exactly == 1
    assert found.scores["composite_score"].to_list() == [Decimal("50.0")]
    tie = score_all(rows(measured("alt", "89.94"), measured("ast", "89.94")), people(), AS_OF, OPEN, CATALOGUE)
    assert tie.settled_exactly == 0
    assert tie.scores["composite_score"].to_list() == [Decimal("50.1")]


def test_patients_settled_exactly_keep_their_place():
    mixed = pl.concat([
        rows(measured("alt", "89.940000000000000000000000000001"), measured("ast", "x"), patient_id="b"),
        rows(measured("alt", "20"), patient_id="a"),
        rows(measured("alt", "20"), patient_id="c"),
    ])  # fmt: skip
    three = pl.LazyFrame({"patient_id": ["a", "b", "c"], "sex": ["male"] * 3})
    found = score_all(mixed, three, AS_OF, OPEN, CATALOGUE)
    assert found.settled_exactly == 1
    assert found.scores["patient_id"].to_list() == ["a", "b", "c"]
    assert [str(score) for score in found.scores["composite_score"]] == ["100.0", "50.0", "100.0"]
    assert found.contributions.height == 3 and found.exclusions.height == 1
