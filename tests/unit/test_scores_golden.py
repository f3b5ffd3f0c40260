"""The golden vectors, recomputed by hand in exact fractions when the score was defined, through the exact engine."""

import datetime as dt
import json
from dataclasses import asdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ennu_lib.scores.exact import score_patient
from ennu_lib.scores.frames import frames_of
from ennu_lib.scores.measurement import Measurement
from ennu_lib.scores.result import half_up, read_detail
from ennu_lib.scores.vectorised import score_all
from tests.support.score_params import CATALOGUE, PRESETS

VECTORS = json.loads((Path(__file__).parents[1] / "golden" / "health_score_vectors.json").read_text())
GRADED = [vector for vector in VECTORS if vector["id"].startswith("G")]
BINARY = [vector for vector in VECTORS if vector["id"].startswith("B")]


def preset_of(vector):
    preset = PRESETS[vector["preset"]]
    return preset.varied(missing_policy=vector["missing_policy"]) if "missing_policy" in vector else preset


def measurements_of(vector):
    """The binary vectors give canonical values alone."""
    for m in vector["measurements"]:
        unit = m.get("unit", CATALOGUE[m["metric"]].unit)
        yield Measurement(m["metric"], m["value"], unit, m.get("date", as_of(vector).isoformat()))


def as_of(vector):
    return dt.date.fromisoformat(vector.get("as_of", "2016-06-30"))


def scored(vector):
    return score_patient(measurements_of(vector), vector["gender"], as_of(vector), preset_of(vector), CATALOGUE)


def test_there_are_ten_graded_and_four_binary_vectors():
    assert (len(GRADED), len(BINARY)) == (10, 4)


@pytest.mark.parametrize("vector", GRADED, ids=lambda v: v["id"])
def test_graded_vector(vector):
    score, expected = scored(vector), vector["expect"]
    assert score.status == expected["status"]
    assert score.composite == (expected["score"] and Decimal(expected["score"]))
    assert score.composite_unrounded == (expected["score_unrounded"] and Decimal(expected["score_unrounded"]))
    assert half_up(score.coverage, 4) == Decimal(expected["coverage"])
    assert sorted([e.measurement.metric_code, e.reason] for e in score.exclusions) == expected["excluded"]
    contributions = {c.metric_code: half_up(c.points, 4) for c in score.contributions}
    assert contributions == {code: Decimal(text) for code, text in expected["contributions"].items()}


@pytest.mark.parametrize("vector", BINARY, ids=lambda v: v["id"])
def test_binary_vector(vector):
    score, expected = scored(vector), vector["expect"]
    assert score.composite == Decimal(expected["score"])
    assert score.composite_unrounded == Decimal(expected["score_unrounded"])
    earned = {c.metric_code: c.weight * c.subscore / 100 for c in score.contributions}
    assert {code: earned.get(code, 0) for code in expected["points"]} == expected["points"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["id"])
def test_contributions_sum_exactly_to_the_composite(vector):
    score = scored(vector)
    assert sum((c.points for c in score.contributions), Fraction(0)) == (score.exact or 0)
    assert sum(c.stored_points for c in score.contributions) == (score.composite_unrounded or 0)


def test_categories_of_the_worked_example():
    categories = scored(GRADED[0]).categories
    expected = {"Hormones": "70.9", "Metabolic": "80.1", "Lipids": "73.8", "Thyroid": "91.5", "Liver": None}
    assert {name: categories[name] and str(categories[name]) for name in expected} == expected


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["id"])
def test_the_vectorised_engine_gives_the_same(vector):
    rows = pl.LazyFrame([{"patient_id": vector["id"], **asdict(m)} for m in measurements_of(vector)])
    people = pl.LazyFrame({"patient_id": [vector["id"]], "sex": [vector["gender"]]})
    found = score_all(rows, people, as_of(vector), preset_of(vector), CATALOGUE)
    expected = frames_of({vector["id"]: scored(vector)}, preset_of(vector).decimals)
    assert found.settled_exactly == 0
    assert_frame_equal(found.scores, expected.scores)
    assert_frame_equal(found.contributions, expected.contributions)
    assert_frame_equal(found.exclusions, expected.exclusions)


def test_the_contribution_list_of_the_worked_example_is_json_that_sums_to_the_score():
    score = scored(GRADED[0])
    entries = read_detail(score.contribution_detail())
    assert entries[0] == {
        "metric_id": 1,
        "value": 480,
        "subscore": Decimal("70.0000"),
        "weight": Decimal("7.5"),
        "contribution": Decimal("8.284024"),
    }
    assert sum(entry["contribution"] for entry in entries) == score.composite_unrounded
    assert [entry["metric_id"] for entry in entries] == sorted(entry["metric_id"] for entry in entries)
