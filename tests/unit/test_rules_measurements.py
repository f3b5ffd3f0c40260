"""Measurements as agreed: four ranges that are not mixed, every table, missing units, reviews, derived values."""

import polars as pl
import pytest

from ennu_lib.config import params_dir
from ennu_lib.rules import Tables, run_rules
from tests.support.small_tables import TODAY, all_rules, found, outcome

POTASSIUM = {"patient_id": 1, "test_name": "Potassium", "loinc_code": "2823-3", "collected_at": "2026-05-01 08:00:00"}


def result(value, unit="mmol/L", **more):
    given = {"result_id": 1, "lab_order_id": 5, "test_value": value, "test_unit": unit, "status": "final"}
    return POTASSIUM | given | {"reported_at": "2026-05-02 08:00:00"} | more


# Potassium: optimal 3.8-4.5, reference 3.5-5.2, critical 2.8 and 6.2, plausible 1-12.
@pytest.mark.parametrize(
    ("value", "implausible", "unreviewed"),
    [
        ("4.0", False, False),
        ("4.9", False, False),  # not optimal: no data error
        ("5.5", False, False),  # abnormal: no data error
        ("6.2", False, False),
        ("6.3", False, True),  # critical: true and urgent
        ("2.7", False, True),
        ("12", False, True),
        ("12.1", True, False),  # not a true value: in quarantine, not on the safety list
        ("0.9", True, False),
    ],
)
def test_the_four_ranges_are_not_mixed(value, implausible, unreviewed):
    rows = [result(value)]
    assert bool(found("CLN-01", lab_results=rows)) is implausible
    assert bool(found("CLN-19", lab_results=rows)) is unreviewed
    for rule in ("CLN-02", "CLN-03", "CLN-05"):
        assert not found(rule, lab_results=rows), rule


def review(at, state="reviewed"):
    return {"review_id": 1, "order_id": 5, "reviewed_at": at, "review_status": state}


@pytest.mark.parametrize(
    ("reviews", "late"),
    [
        ([], True),
        ([review("2026-05-05 08:00:00")], False),  # 72 hours
        ([review("2026-05-05 08:01:00")], True),
        ([review("2026-05-02 07:00:00")], False),  # on the day of the report
        ([review("2026-04-20 08:00:00")], True),  # of an earlier result of the order
        ([review("2026-04-20 08:00:00"), review("2026-05-03 08:00:00", "Signed")], False),
        ([review("2026-05-03 08:00:00", "pending")], True),
    ],
)
def test_a_critical_result_was_reviewed_within_72_hours_of_its_report(reviews, late):
    assert bool(found("CLN-19", lab_results=[result("7.5")], lab_result_reviews=reviews)) is late


def test_a_critical_value_without_unit_or_report_date_is_not_overlooked():
    assert found("CLN-19", lab_results=[result("7.5", unit=None)])
    stale = [result("7.5", reported_at=None)]
    assert found("CLN-19", lab_results=stale, lab_result_reviews=[review("2026-06-20 08:00:00")])


def test_a_canceled_result_needs_no_review():
    assert not found("CLN-19", lab_results=[result("7.5", status="cancelled")])


def entry(name, value, key=1):
    return {"chart_entry_id": key, "patient_id": 1, "FieldName": name, "FieldValue": value, "DateTaken": "2026-05-01"}


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("Systolic", "120", False),
        ("Systolic", "40", False),
        ("Systolic", "1200", True),
        ("BP Systolic", "120/80", False),
        ("BP Diastolic", "120/80", False),
        ("BP Diastolic", "250/210", True),
        ("WaistInches", "33.5", False),
        ("Waistline", "33.5 in", False),
        ("Waistline", "98 cm", False),
        ("Waistline", "330 in", True),
        ("Body Fat %", "18.7 %", False),
        ("Body Fat %", "187 %", True),
        ("A1c", "5.1 %", False),
        ("InjectionSite", "R thigh", False),
        ("StepsPerDay", "9532", False),
    ],
)
def test_chart_entries_are_plausible_too(name, value, wrong):
    assert bool(found("CLN-01", custom_chart_entries=[entry(name, value)])) is wrong
    assert not found("CLN-05", custom_chart_entries=[entry(name, value)])
    assert not found("CLN-03", custom_chart_entries=[entry(name, value)])


def test_the_unit_behind_a_chart_entry_is_known():
    assert found("CLN-02", custom_chart_entries=[entry("Waistline", "33 cubits")])


@pytest.mark.parametrize(
    ("column", "value", "wrong"),
    [
        ("bp_systolic", 40, False),  # the limits of biomarkers.csv
        ("bp_systolic", 39, True),
        ("bmi", 7.9, True),
        ("bmi", 27, False),
        ("waist", 101, True),
        ("pulse", 24, True),
        ("oxygen_saturation", 39, True),
    ],
)
def test_vital_signs_have_the_limits_of_their_biomarkers(column, value, wrong):
    assert bool(found("CLN-01", vitals=[{"vital_id": 1, column: value}])) is wrong


@pytest.mark.parametrize(
    ("degrees", "unit", "wrong"),
    [(98.6, "F", False), (37, "C", False), (37, None, False), (98.6, None, False), (37, "F", True), (98.6, "C", True),
     (60, None, True)],
)  # fmt: skip
def test_a_temperature_is_read_in_its_unit(degrees, unit, wrong):
    vitals = [{"vital_id": 1, "temperature": degrees, "temperature_unit": unit}]
    assert bool(found("CLN-01", vitals=vitals)) is wrong


def metric(value, **more):
    given = {"member_metric_id": 8, "patient_id": 1, "metric_id": 42, "metric_value": value, "metric_unit": "mmol/L"}
    return given | {"metric_date": "2026-05-01"} | more


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (metric("4.51"), "SAME_MEASUREMENT"),
        (metric("4.6"), "DIFFERS_FROM_RESULT"),
        (metric("4.6", metric_date="2026-05-02"), None),
        (metric("4.6", patient_id=2), None),
        (metric("4.5", lab_result_id=1), None),
        (metric("4.6", lab_result_id=1), "DIFFERS_FROM_RESULT"),
    ],
)
def test_a_metric_of_the_day_of_a_result_is_held_against_it_with_and_without_its_number(given, reason):
    named = found("CLN-07", lab_results=[result("4.5")], t25againmembermetrics=[given])
    assert {r for _, _, r in named} == ({reason} if reason else set())


def test_a_metric_of_the_clinic_must_resolve_and_a_code_must_be_in_the_list():
    listed = [{"test_code": "X1", "metric_id": 42}, {"test_code": "X2", "metric_id": None}]
    row = {"result_id": 1, "test_name": "house test"}
    codes = [{"loinc_num": "9999-1"}]

    def of(**more):
        named = found("CLN-08", lab_results=[row | more], lab_test_catalog=listed, loinc_codes=codes)
        return {reason for _, _, reason in named}

    assert of(test_code="X1") == {"METRIC_NOT_RESOLVED"}
    assert of(test_code="X2") == set()
    assert of(loinc_code="9999-1") == set()
    assert of(loinc_code="1234-5") == {"UNKNOWN_TEST"}


@pytest.mark.parametrize(
    ("test", "sex", "named"),
    [
        ({"test_name": "hCG, Quantitative, Serum"}, "M", True),
        ({"test_name": "x", "loinc_code": "2118-8"}, "male", True),
        ({"test_name": "hCG, Quantitative, Serum"}, "F", False),
        ({"test_name": "Pregnenolone, Serum"}, "M", False),
    ],
)
def test_a_test_of_a_pregnancy_is_of_no_man(test, sex, named):
    rows = [{"result_id": 1, "patient_id": 1} | test]
    assert bool(found("CLN-18", patients=[{"patient_id": 1, "gender": sex}], lab_results=rows)) is named


def panel(*values):
    return [
        {"result_id": n, "patient_id": 1, "test_name": name, "test_value": value, "test_unit": unit,
         "collected_at": "2026-05-01 08:00:00"}
        for n, (name, value, unit) in enumerate(values, start=1)
    ]  # fmt: skip


@pytest.mark.parametrize(("printed", "wrong"), [("30", False), ("31", False), ("31.1", True), ("28.9", True)])
def test_the_saturation_of_transferrin_is_iron_over_its_capacity_within_a_point(printed, wrong):
    rows = panel(("Iron, Serum", "90", "ug/dL"), ("TIBC, Serum", "300", "ug/dL"), ("TSAT", printed, "%"))
    assert bool(found("CLN-22", lab_results=rows)) is wrong


@pytest.mark.parametrize(("printed", "wrong"), [("150", False), ("151", False), ("151.2", True)])
def test_non_hdl_is_total_less_hdl_within_one(printed, wrong):
    rows = panel(("Cholesterol, Total", "200", "mg/dL"), ("HDL-C", "50", "mg/dL"), ("Non-HDL", printed, "mg/dL"))
    assert bool(found("CLN-22", lab_results=rows)) is wrong


def scores(*contributions, unrounded="30.000000", **columns):
    whole = {"patient_id": "1", "composite_score": "30.0", "composite_unrounded": unrounded, "coverage_pct": "50"}
    parts = {"patient_id": ["1"] * len(contributions), "contribution": list(contributions), "effective_weight": "1"}
    schema = dict.fromkeys(("patient_id", "contribution", "effective_weight"), pl.String)
    return {
        "scores/all": pl.DataFrame([whole | {"lipids_score": "40"} | columns]),
        "scores/contributions": pl.DataFrame(parts, schema=schema),
    }


@pytest.mark.parametrize(
    ("files", "wrong"),
    [
        (scores("10.0", "20.0"), set()),
        (scores("10.0", "20.000001"), set()),
        (scores("10.0", "20.000002"), {"NOT_SUM_OF_CONTRIBUTIONS"}),
        (scores("10.0", "10.0", "10.000002"), {"NOT_SUM_OF_CONTRIBUTIONS"}),  # however many contributions
        (scores(), {"NOT_SUM_OF_CONTRIBUTIONS"}),
        (scores("10.0", "20.0", lipids_score="101"), {"OUTSIDE"}),
        (scores("-1.0", "31.0"), {"BEYOND_WEIGHT"}),
    ],
)
def test_a_score_is_the_sum_of_its_contributions_to_a_millionth(files, wrong):
    assert {r for _, _, r in found("CLN-17", files)} == wrong


def year_of(year, value, flag, n=70, first=0):
    return [
        {"result_id": first + k, "test_name": "Potassium", "loinc_code": "2823-3", "test_value": value,
         "test_unit": "mmol/L", "result_status": flag if k % 2 else "normal",
         "collected_at": f"{year}-{k % 12 + 1:02}-05 08:00:00"}
        for k in range(n)
    ]  # fmt: skip


def test_a_shift_of_the_median_or_of_the_share_of_abnormal_results_is_named():
    same = [*year_of(2024, "4.0", "normal"), *year_of(2025, "4.0", "normal", first=100)]
    assert not found("CLN-04", lab_results=same)
    moved = [*year_of(2024, "4.0", "normal"), *year_of(2025, "6.0", "normal", first=100)]
    assert {r for _, _, r in found("CLN-04", lab_results=moved)} == {"MEDIAN_MOVED"}
    more = [*year_of(2024, "4.0", "normal"), *year_of(2025, "4.0", "abnormal", first=100)]
    assert {r for _, _, r in found("CLN-04", lab_results=more)} == {"SHARE_MOVED"}


def test_months_with_results_enough_are_held_against_the_twelve_before():
    rows = [
        row | {"result_id": 1000 * n + row["result_id"], "collected_at": f"2025-{n:02}-05 08:00:00"}
        for n in range(1, 13)
        for row in year_of(2025, "6.0" if n == 12 else "4.0", "normal", n=20)
    ]
    result, named = outcome("CLN-04", lab_results=rows)
    assert {key.rpartition("|")[2] for _, key, _ in named} == {"2025-12-01"}
    assert result.population == 11  # January has nothing before it; there is one year only


@pytest.mark.parametrize(
    ("ordered", "drawn", "reported", "wrong"),
    [
        ("2025-05-01", "2025-05-01 08:00:00", "2025-05-02 08:00:00", set()),
        ("2025-05-02", "2025-05-01 23:00:00", "2025-05-02 08:00:00", set()),  # a day of slack for a day without time
        ("2025-05-03", "2025-05-01 23:00:00", "2025-05-03 08:00:00", {"OUT_OF_ORDER"}),
        ("2025-05-01", "2025-05-02 08:00:00", "2025-05-01 08:00:00", {"OUT_OF_ORDER"}),
        ("2025-05-01", "2025-05-01 08:00:00", "2026-05-02 08:00:00", {"LATE"}),
        ("2025-05-01", "2026-07-01 08:00:00", "2026-07-01 09:00:00", {"LATE"}),  # tomorrow, within the slack
        ("2026-06-30", "2026-07-02 08:00:00", "2026-07-02 09:00:00", {"FUTURE"}),
    ],
)
def test_an_order_is_drawn_and_reported_in_this_order(ordered, drawn, reported, wrong):
    order = {"order_id": 1, "patient_id": 1, "order_date": ordered, "collection_date": drawn, "result_date": reported}
    assert {reason for _, _, reason in found("CLN-06", lab_orders=[order])} == wrong


def stored_score(score, points=None, *, kind="EXACT", recomputed=None, stored=None, decimals=0, ids=("1",)):
    """One stored score (or several of the ids given) with its points, and what phase 05 found."""
    compared = {"stored": stored or score, "recomputed": recomputed or score, "decimals": decimals, "class": kind}
    details = [{"health_score_id": 1, "points": each} for each in points or ()]
    given = {
        "source/25againhealthscores": pl.DataFrame({"__key": [*ids], "health_score_id": 1, "score": score}),
        "source/25againhealthscoredetails": pl.DataFrame(details) if points else None,
        "scores/parity": pl.DataFrame([{"score_id": "1"} | compared] * len(ids)) if kind else None,
    }
    return {name: frame for name, frame in given.items() if frame is not None}


@pytest.mark.parametrize(
    ("files", "wrong"),
    [
        (stored_score("51", ["40", "11"]), set()),
        (stored_score("51"), set()),  # no points are stored anywhere
        (stored_score("51", ["40", "15"]), {"NOT_SUM_OF_POINTS"}),
        (stored_score("51", ["40", "15"], kind=None), {"NOT_SUM_OF_POINTS"}),
        (stored_score("79", ["40", "38.6"], recomputed="78.6"), set()),  # points have decimals, the score has none
        (stored_score("79.0", ["40", "38.6"], recomputed="78.95", decimals=1), {"NOT_SUM_OF_POINTS"}),
        (stored_score("79", kind="UNIT"), {"UNIT"}),
        (stored_score("79", kind="UNIT", ids=("1", "2")), {"UNIT"}),
        (stored_score("79", kind="UNEXPLAINED", recomputed="78"), {"UNEXPLAINED"}),
        (stored_score("79", kind="UNEXPLAINED", recomputed="77.9"), {"UNEXPLAINED", "UNEXPLAINED_BEYOND"}),
        (stored_score("79", recomputed="78.4"), {"NOT_EXACT"}),
        (stored_score("79", stored="78", recomputed="78"), {"NOT_COMPARED"}),  # of another score
        (stored_score("n/a", kind="NOT_COMPARABLE"), {"NOT_COMPARABLE"}),
        (stored_score("101"), {"OUTSIDE"}),
    ],
)
def test_a_stored_score_has_the_class_that_parity_gave_it(files, wrong):
    result, issues = outcome("CLN-16", files)
    assert {reason for _, _, reason in issues} == wrong
    assert result.population == len(files["source/25againhealthscores"])


def test_the_gate_of_parity_holds_where_no_contributions_are_stored():
    files = stored_score("79", kind="UNEXPLAINED", recomputed="50")
    there = Tables(lambda name: files[name].lazy() if name in files else None, TODAY, params_dir())
    run = run_rules([all_rules()["CLN-16"]], there)
    assert run.results["CLN-16"].status == "fail"
