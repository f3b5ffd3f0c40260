"""Laboratory values of the built clinic: plausible by sex, coherent within an order, resolvable, dated in order."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from ennu_lib.clinic.labs_metrics import laboratory_metrics, limits, metrics, range_limits
from ennu_lib.clinic.labs_values import ckd_epi_2021, number_text
from ennu_lib.scores.exact import score_patient
from ennu_lib.scores.measurement import Measurement
from tests.support.one_clinic import one_clinic
from tests.support.score_params import CATALOGUE, PRESETS

NOT_DONE = {"TNP", "QNS", "DNR", "CANCELLED"}


@pytest.fixture(scope="module")
def clinic():
    return one_clinic(defects=False)


@pytest.fixture(scope="module")
def values(clinic):
    """Final numeric results with sex, metric_id and the number; SI units left out."""
    people = clinic.tables["patients"].select("patient_id", "gender")
    tests = clinic.tables["lab_test_catalog"].select("test_code", "metric_id", "default_unit").drop_nulls("metric_id")
    rows = clinic.tables["lab_results"].filter(pl.col("status") == "final")
    rows = rows.join(tests, on="test_code").join(people, on="patient_id").drop_nulls("gender")
    rows = rows.filter(pl.col("test_unit") == pl.col("default_unit"))
    return rows.with_columns(pl.col("test_value").str.strip_chars("<>").cast(pl.Float64, strict=False).alias("value"))


def test_the_metric_table_is_the_catalogue_of_62_biomarkers(clinic):
    stored, listed = clinic.tables["25againmetrics"], metrics()
    assert len(stored) == 62
    for column in ("metric_name", "optimal_range_male", "optimal_range_female", "measurement_unit", "metric_type"):
        assert stored[column].to_list() == listed[column].to_list()
    current = clinic.tables["25againmetrichistory"].filter(pl.col("valid_to").is_null()).sort("metric_id")
    assert current["optimal_range_male"].to_list() == listed["optimal_range_male"].to_list()


@pytest.mark.parametrize(("number", "sex"), [(0, "M"), (1, "F")])
def test_the_median_of_every_biomarker_lies_in_the_reference_range(values, number, sex):
    outside, seen = [], 0
    for position in laboratory_metrics():
        metric = metrics().row(position, named=True)
        mine = values.filter((pl.col("metric_id") == metric["metric_id"]) & (pl.col("gender") == sex))[
            "value"
        ].drop_nulls()
        if len(mine) < 25:
            continue
        seen += 1
        low, high = limits("reference_range")[number, position]
        if not low <= mine.median() <= high:
            outside.append((metric["metric_code"], mine.median(), low, high))
    assert outside == []
    assert seen > 40


def test_values_differ_between_persons_and_are_mostly_plausible(values, clinic):
    spread = values.group_by("metric_id", "gender").agg(pl.col("value").std() / pl.col("value").mean(), pl.len())
    assert (spread.filter(pl.col("len") > 30)["value"] > 0.005).all()
    limit = metrics().select("metric_id", "plausible_min", "plausible_max")
    outside = values.join(limit, on="metric_id").filter(~pl.col("value").is_between("plausible_min", "plausible_max"))
    assert outside.is_empty()
    flagged = clinic.tables["lab_results"]["abnormal_flag"].is_not_null().mean()
    assert 0.05 < flagged < 0.3


def test_a_persons_values_resemble_each_other_more_than_other_peoples(values):
    ratios = values.filter(pl.col("metric_id") == 3).select(
        "patient_id", "gender", pl.col("value").log().alias("value")
    )
    often = ratios.filter(pl.len().over("patient_id") >= 3)
    within = often.select(pl.col("value").std().over("patient_id").mean()).item()
    assert within < 0.6 * often.select(pl.col("value").std().over("gender").mean()).item()


def test_the_testosterone_of_men_rises_in_the_first_year_of_care(values):
    men = values.filter((pl.col("metric_id") == 1) & (pl.col("gender") == "M")).sort("collected_at")
    often = men.filter(pl.len().over("patient_id") >= 4)
    first_and_last = often.group_by("patient_id").agg(
        pl.col("value").first().alias("first"), pl.col("value").last().alias("last")
    )
    assert first_and_last["last"].median() > 1.15 * first_and_last["first"].median()


def test_printed_values_are_numbers_limits_or_words_for_not_done(clinic):
    rows = clinic.tables["lab_results"]
    number = rows["test_value"].str.contains(r"^[<>]?\d+(\.\d+)?$")
    assert set(rows.filter(~number)["test_value"]) <= NOT_DONE
    assert (rows.filter(~number)["status"] == "cancelled").all()
    assert 0.002 < rows["test_value"].str.starts_with("<").mean() < 0.1
    assert rows["test_value"].str.starts_with(">").any()


def test_every_unit_resolves_to_the_biomarkers_unit_or_a_listed_alternative(clinic):
    member = clinic.tables["25againmembermetrics"].drop_nulls("metric_unit").select("metric_id", "metric_unit").unique()
    assert len(member) > 62
    for metric_id, unit in member.iter_rows():
        biomarker = next(b for b in CATALOGUE if b.metric_id == metric_id)
        resolved = CATALOGUE.units.resolve(unit, biomarker.code)
        assert resolved == biomarker.unit or biomarker.conversion_from(resolved) is not None


def test_every_printed_name_resolves_to_its_biomarker(clinic):
    tests = clinic.tables["lab_test_catalog"].drop_nulls("metric_id")
    for name, metric_id in tests.select("test_name", "metric_id").iter_rows():
        assert CATALOGUE[CATALOGUE.resolve(name).metric_code].metric_id == metric_id


def test_derived_values_follow_from_the_values_of_the_same_order(values):
    codes = metrics().select("metric_id", "metric_code")
    wide = values.join(codes, on="metric_id").pivot(
        on="metric_code", index=["lab_order_id", "gender"], values="value", aggregate_function="first"
    )
    homa = wide.drop_nulls(["homa_ir", "glucose_fasting", "insulin_fasting"])
    expected = homa["glucose_fasting"] * homa["insulin_fasting"] / 405
    assert len(homa) > 30 and ((homa["homa_ir"] - expected).abs() <= 0.006).all()
    lipids = wide.drop_nulls(["non_hdl_c", "total_cholesterol", "hdl_c", "triglycerides", "ldl_c"])
    assert ((lipids["total_cholesterol"] - lipids["hdl_c"] - lipids["non_hdl_c"]).abs() < 1).all()
    friedewald = lipids["total_cholesterol"] - lipids["hdl_c"] - lipids["triglycerides"] / 5
    assert ((friedewald - lipids["ldl_c"]).abs() <= 1).all()


def test_flags_and_status_follow_from_value_and_range(clinic):
    rows = clinic.tables["lab_results"].filter(
        (pl.col("status") == "final") & pl.col("test_value").str.contains(r"^[\d.]+$")
    )
    rows = rows.drop_nulls("reference_range").filter(~pl.col("test_unit").str.contains("mol")).sample(400, seed=1)
    for value, text, flag, status in rows.select(
        "test_value", "reference_range", "abnormal_flag", "result_status"
    ).iter_rows():
        low, high = range_limits(text.replace(" ", ""))
        expected = "L" if float(value) < low else "H" if float(value) > high else None
        assert (flag or "")[:1] == (expected or "")
        assert status in ("Critical", "Normal" if expected is None else "Abnormal")


def test_orders_draws_results_and_entries_come_in_this_order(clinic):
    orders = clinic.tables["lab_orders"]
    assert (orders["collection_date"].dt.date() >= orders["order_date"]).all()
    assert (orders["result_date"] >= orders["collection_date"]).all()
    rows = clinic.tables["lab_results"]
    assert (rows["reported_at"] >= rows["collected_at"]).all() and (rows["entered_at"] >= rows["reported_at"]).all()
    assert rows["entered_at"].max() < dt.datetime(2026, 7, 1)
    born = clinic.tables["patients"].select("patient_id", pl.col("date_of_birth").str.to_date().alias("born"))
    assert rows.join(born, on="patient_id").select((pl.col("collected_at") > pl.col("born")).all()).item()


def test_results_belong_to_the_patient_and_the_report_of_their_order(clinic):
    rows = clinic.tables["lab_results"].join(
        clinic.tables["lab_orders"], left_on="lab_order_id", right_on="order_id", suffix="_order"
    )
    assert (rows["patient_id"] == rows["patient_id_order"]).all()
    rows = clinic.tables["lab_results"].join(clinic.tables["lab_reports"], on="report_id")
    assert (rows["lab_order_id"] == rows["order_id"]).all()


def test_corrected_results_have_their_correction_and_show_its_new_value(clinic):
    results, corrections = clinic.tables["lab_results"], clinic.tables["lab_result_corrections"]
    assert set(results.filter(pl.col("status") == "corrected")["result_id"]) == set(corrections["result_id"])
    both = corrections.join(results, on="result_id")
    assert (both["new_value"] == both["test_value"]).all()
    assert (both["old_value"] != both["new_value"]).mean() > 0.9


def test_member_metrics_repeat_the_laboratory_value_they_name(clinic):
    both = clinic.tables["25againmembermetrics"].join(
        clinic.tables["lab_results"], left_on="lab_result_id", right_on="result_id"
    )
    assert len(both) and (both["metric_value"] == both["test_value"]).all()
    assert (both["patient_id"] == both["patient_id_right"]).all()


def test_sex_specific_biomarkers_are_not_measured_in_the_other_sex(values):
    women = values.filter(pl.col("gender") == "F")["metric_id"]
    men = values.filter(pl.col("gender") == "M")["metric_id"]
    assert 12 not in set(women)
    assert (men == 5).sum() < 0.2 * (women == 5).sum()


def test_contributions_of_stored_scores_add_up_to_the_score(clinic):
    scores, details = clinic.tables["25againhealthscores"], clinic.tables["25againhealthscoredetails"]
    sums = scores.join(details.group_by("health_score_id").agg(pl.col("points").sum()), on="health_score_id")
    assert len(sums) == len(scores)
    graded = sums["formula_version"] == "hs-graded-v1"
    ways = dict(clinic.old_scores.iter_rows())
    way = sums["health_score_id"].replace_strict(ways, default="", return_dtype=pl.String)
    apart = (sums["points"] - sums["score"]).abs()
    assert (apart <= 0.051).filter(graded & (way != "truncated")).all() and graded.any()
    assert (apart <= 0.101).filter(way == "truncated").all()
    assert (apart <= 0.51).filter(~graded & (way == "renormalised")).all()
    assert (sums["points"] == sums["score"]).filter(~graded & (way != "renormalised")).all()


def test_graded_scores_are_those_of_the_scores_own_engine(clinic):
    details = clinic.tables["25againhealthscoredetails"].join(
        metrics().select("metric_id", "metric_code"), on="metric_id"
    )
    stored = clinic.tables["25againhealthscores"].filter(pl.col("formula_version") == "hs-graded-v1").sample(15, seed=3)
    for score in stored.iter_rows(named=True):
        mine = details.filter(pl.col("health_score_id") == score["health_score_id"])
        measurements = [
            Measurement(
                row["metric_code"], str(row["metric_value"]), row["metric_unit"], row["metric_date"].isoformat()
            )
            for row in mine.iter_rows(named=True)
        ]
        sex = {"M": "male", "F": "female"}[score["gender_used"]]
        again = score_patient(measurements, sex, score["score_date"], PRESETS["hs-graded-v1"], CATALOGUE)
        assert float(again.composite) == pytest.approx(score["score"], abs=0.1001)
        assert float(again.coverage) == pytest.approx(score["coverage"], abs=0.001) or again.coverage >= 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("264-916", (264, 916)),
        ("<5.7", (-1e12, 5.7)),
        (">=90", (90, 1e12)),
        ("N/A", (-1e12, 1e12)),
        (None, (-1e12, 1e12)),
    ],
)
def test_range_text(text, expected):
    assert range_limits(text) == expected


def test_filtration_rate_of_the_published_example():
    """A woman of 50 with 1.0 mg/dL: 69 mL/min/1.73 m² by the CKD-EPI 2021 equation."""
    rate = ckd_epi_2021(np.array([1.0, 1.0]), np.array([50.0, 50.0]), np.array([True, False]))
    assert np.round(rate).tolist() == [69, 92]


def test_numbers_keep_their_decimals():
    texts = number_text(np.array([5.0, 0.05, 1234.5, 7.96]), np.array([1, 2, 0, 1]))
    assert texts.to_list() == ["5.0", "0.05", "1234", "8.0"]
