"""The golden vectors, recomputed by hand in exact fractions when the score was defined, through the exact engine."""

import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from ennu_lib.catalog.biomarkers import load_biomarkers
from ennu_lib.config import params_dir
from ennu_lib.scores.exact import score_patient
from ennu_lib.scores.measurement import Measurement
from ennu_lib.scores.preset import load_presets
from ennu_lib.scores.result import half_up

CLINICAL = params_dir() / "clinical"
CATALOGUE = load_biomarkers(CLINICAL / "biomarkers.csv", CLINICAL / "unit_aliases.csv")
PRESETS = load_presets(params_dir() / "scores", CATALOGUE)
VECTORS = json.loads((Path(__file__).parents[1] / "golden" / "health_score_vectors.json").read_text())
GRADED = [vector for vector in VECTORS if vector["id"].startswith("G")]
BINARY = [vector for vector in VECTORS if vector["id"].startswith("B")]


def scored(vector):
    preset = PRESETS[vector["preset"]]
    if policy := vector.get("missing_policy"):
        preset = preset.varied(missing_policy=policy)
    as_of = vector.get("as_of", "2016-06-30")
    measurements = [
        Measurement(m["metric"], m["value"], m.get("unit", CATALOGUE[m["metric"]].unit), m.get("date", as_of))
        for m in vector["measurements"]
    ]
    return score_patient(measurements, vector["gender"], dt.date.fromisoformat(as_of), preset, CATALOGUE)


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
