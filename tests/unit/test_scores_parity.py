"""A stored score against the recomputed one: every class, in its order, and what speaks against an explanation."""

import datetime as dt
from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ennu_lib.config import load_model, params_dir
from ennu_lib.errors import ConfigurationError
from ennu_lib.mapping.rules import SIMPLE
from ennu_lib.mapping.spec import Mapping
from ennu_lib.scores.parity.numbers import agreement, last_place
from ennu_lib.scores.parity.params import load_parity
from ennu_lib.scores.parity.report import class_table, component_table, parity_counts, parity_findings, parity_note
from ennu_lib.scores.parity.versions import MetricHistory, Version, read_history
from ennu_lib.scores.stored import stored_details
from tests.support.parity_clinic import PARTS, Clinic, days_before, man, one
from tests.support.score_params import CATALOGUE, GRADED, PRESETS, measured

# The graded score of a man with ten values; only total testosterone (480: 70 points, weight 7.5) is off its optimum.
HEALTHY = {
    "total_testosterone": "480",
    "free_testosterone": "20",
    "estradiol": "30",
    "tsh": "1.5",
    "free_t3": "3.2",
    "hba1c": "5.0",
    "glucose_fasting": "80",
    "ldl_c": "80",
    "apob": "70",
    "hs_crp": "0.5",
    "vitamin_d": "50",
    "sbp": "110",
}


def healthy(day="2024-05-20", **changed):
    return [measured(code, value, day) for code, value in (HEALTHY | changed).items()]


def graded(score, measurements, **more):
    return one(score, measurements, formula="hs-graded-v1", **more)


def test_the_worked_example_is_exact():
    assert one("51", man()) == ("EXACT", "")
    assert one("51.0", man()) == ("EXACT", "")


def test_a_score_is_computed_as_of_its_own_day():
    later = man(measured("free_t3", "3.9", "2024-06-02"))
    assert one("51", later) == ("EXACT", "")
    assert one("66", later, day="2024-06-02") == ("EXACT", "")


def test_cut_decimals_are_rounding():
    """96.296 points."""
    assert graded("96.3", healthy()) == ("EXACT", "")
    assert graded("96.2", healthy()) == ("ROUNDING", "")
    assert graded("96.1", healthy())[0] != "ROUNDING"


def test_a_number_kept_in_binary_has_the_decimals_that_were_meant():
    for score in ("96.30000000000001", "96.299999999999997", "9.63e1", "96.3000"):
        assert graded(score, healthy()) == ("EXACT", "")
    assert graded("96.2963", healthy()) == ("EXACT", "")
    assert graded("96.2973", healthy())[0] != "EXACT"


def test_a_value_at_its_bound_may_have_fallen_on_the_other_side():
    assert one("66", man(free_t3="3.385")) == ("BOUNDARY", "at a bound: free_t3")
    assert one("66", man(free_t3="3.37"))[0] != "BOUNDARY"


def test_two_values_at_their_bounds_are_tried_together():
    assert one("70", man(free_t3="3.385", magnesium="2.005")) == ("BOUNDARY", "at a bound: free_t3, magnesium")


def test_points_over_what_was_measured_are_another_policy():
    assert one("57", man()) == ("MISSING_POLICY", "renormalise")


def test_a_last_value_carried_forward():
    old = [measured("tsh", "5", days_before(600)), *healthy()[:3], *healthy()[4:]]
    assert graded("92.6", old) == ("MISSING_POLICY", "last value carried forward")
    assert graded("95.9", old) == ("EXACT", "")


def test_a_limit_of_age_is_another_policy():
    old = [*man(without=["hba1c"]), measured("hba1c", "5.0", days_before(500))]
    assert one("39", old) == ("STALE_POLICY", "values up to 90 days old")
    assert one("51", old) == ("EXACT", "")


def test_what_was_entered_after_the_score_is_late_input():
    entered = man(measured("free_t3", "3.9", "2024-05-30", entered_at="2024-06-03 08:00:00"))
    assert one("51", entered) == ("EXACT", "")
    assert one("66", entered) == ("LATE_INPUT", "with what was entered later")
    assert one("66", entered, created="2024-06-03 08:00:00") == ("EXACT", "")


def test_an_entry_whose_hour_is_not_known_is_late_from_the_next_day_on():
    def entered(day):
        return man(measured("free_t3", "3.9", "2024-05-30", entered_at=day))

    assert one("66", entered("2024-06-03")) == ("LATE_INPUT", "with what was entered later")
    assert one("66", entered("2024-06-01")) == ("EXACT", "")
    assert one("66", entered("2024-06-03"), created="2024-06-03") == ("EXACT", ""), "made on a later day than its own"
    assert one("66", entered("2024-05-30"), created="0000-00-00 00:00:00") == ("EXACT", "")


def test_moments_with_a_t_between_day_and_hour_are_compared_like_others():
    results = [
        replace(m, source_table="lab_results", source_id="7") if m.metric_code == "free_t3" else m for m in man()
    ]
    before, after = (("7", f"2024-06-01T{hour}:00:00", "3.9", None) for hour in ("09", "13"))
    assert one("66", results, corrections=before)[0] != "LATE_INPUT", "corrected before the score was made"
    assert one("66", results, corrections=after) == ("LATE_INPUT", "with what was corrected later")
    assert one("66", results, corrections=("7", "n/a", "3.9", None))[0] != "LATE_INPUT"


def test_what_was_corrected_after_the_score_counted_as_first_reported():
    results = [
        replace(m, source_table="lab_results", source_id="7") if m.metric_code == "free_t3" else m for m in man()
    ]
    later, before = (("7", f"2024-{day} 09:00:00", "3.9", None) for day in ("06-10", "05-25"))
    assert one("66", results, corrections=later) == ("LATE_INPUT", "with what was corrected later")
    assert one("66", results, corrections=before)[0] != "LATE_INPUT"


def test_a_value_in_another_unit_is_a_defect_of_the_value():
    molar = [*man(without=["vitamin_d"]), measured("vitamin_d", "65", "2024-05-20", unit="nmol/L")]
    parts = [("vitamin_d", "65", "2024-05-20", "10")]
    assert one("51", molar, parts=parts) == ("UNIT", "vitamin_d in ng/mL")


def test_the_other_sex_is_a_defect_of_the_demographics():
    assert (
        one("50", man(without=["hba1c", "magnesium"], free_testosterone="4", estradiol="65"), sex="male")[0] == "GENDER"
    )
    assert one("51", man(), sex="woman") == ("GENDER", "the other sex")


def test_one_metric_under_two_codes_is_a_defect_of_the_formula():
    twice = man(measured("hba1c", "5.5", "2024-05-19", test_code="other"), without=["hba1c"])
    twice.append(measured("hba1c", "5.6", "2024-05-20", test_code="001453"))
    parts = [
        ("hs_crp", "0.8", "2024-05-20", "9"),
        ("dhea_s", "310", "2024-05-20", "10"),
        ("estradiol", "70", "2024-05-20", "10"),
        ("vitamin_d", "92", "2024-05-20", "10"),
        ("hba1c", "5.6", "2024-05-20", "12"),
        ("hba1c", "5.5", "2024-05-19", "12"),
    ]
    assert one("63", twice, parts=parts) == ("DUPLICATE_CODE", "hba1c under a second laboratory code")


def test_two_policies_together_are_found_last():
    old = [*man(without=["hba1c", "magnesium"]), measured("hba1c", "5.0", days_before(500))]
    old.append(measured("magnesium", "1.9", days_before(100)))
    assert one("53", old) == ("MISSING_POLICY", "renormalise; values up to 90 days old")
    assert one("50", old) == ("MISSING_POLICY", "renormalise; values up to 180 days old")


def test_what_nothing_reproduces_is_unexplained():
    assert one("37", man()) == ("UNEXPLAINED", "")


def test_values_stored_beside_the_score_explain_it_where_the_measurements_have_changed_since():
    parts = [("hs_crp", "0.8", "2024-05-20", "9"), ("free_t3", "3.9", "2024-05-20", "15")]
    assert one("24", man(free_t3="39", without=["hba1c"]), parts=parts) == (
        "LATE_INPUT",
        "with the values stored beside it",
    )


def test_a_change_that_gives_the_total_by_chance_explains_nothing():
    """57 would be the renormalised score, but the contributions stored with it say that it came about otherwise."""
    parts = [("hs_crp", "0.8", "2024-05-20", "30"), ("dhea_s", "310", "2024-05-20", "27")]
    assert one("57", man(), parts=parts) == ("UNEXPLAINED", "")
    incomplete = [("hs_crp", "0.8", "2024-05-20", "9")]
    assert one("57", man(), parts=incomplete) == ("MISSING_POLICY", "renormalise")


def test_points_of_a_metric_that_we_do_not_know_are_not_overlooked():
    """57 would be the renormalised score; six of its points are those of a metric of the clinic's own."""
    table = {"health_score_id": ["1"] * 3, "metric_id": ["1", "2", "99"], "points": ["30", "21", "6"]}
    details = stored_details(pl.LazyFrame(table), {"1": "hs_crp", "2": "hba1c"}, CATALOGUE)
    assert details["metric_code"].to_list() == ["hs_crp", "hba1c", None]
    clinic = Clinic()
    clinic.stores("57", man())
    clinic.parts = list(details.select(*PARTS).iter_rows())
    found = clinic.parity()
    assert found.scores["class"].to_list() == ["UNEXPLAINED"]
    others = found.parts.filter(pl.col("metric_id").is_null())
    assert others.select("stored_points", "agreement").rows() == [(6.0, "stored only")]


def test_a_bound_explains_nothing_where_another_value_was_counted():
    parts = [
        ("hs_crp", "0.8", "2024-05-20", "9"),
        ("dhea_s", "310", "2024-05-20", "10"),
        ("estradiol", "70", "2024-05-20", "10"),
        ("hba1c", "5.6", "2024-05-20", "12"),
        ("vitamin_d", "92", "2024-05-20", "10"),
        ("free_t3", "3.9", "2024-05-20", "15"),
    ]
    assert one("66", man(free_t3="3.385"), parts=parts)[0] == "LATE_INPUT"


def test_what_cannot_be_compared_is_counted_apart():
    clinic = Clinic()
    clinic.stores("51", man(), day="0000-00-00")
    clinic.stores("n/a", man())
    clinic.stores("51", man())
    clinic.people.pop()
    clinic.stores("51", man())
    found = clinic.parity()
    assert found.scores["class"].to_list() == ["NOT_COMPARABLE"] * 3 + ["EXACT"]
    assert parity_counts(found) == {"stored_scores": 4, "reproduced": 1, "unexplained": 0}
    first, second = parity_findings(found)
    assert (first.numerator, first.denominator) == (3, 4) and (second.numerator, second.denominator) == (0, 1)


def test_scores_of_one_id_are_not_compared_and_each_is_counted():
    clinic = Clinic()
    clinic.stores("51", man())
    clinic.stores("57", man(), source_id="1")
    clinic.stores("51", man())
    for _ in range(2):
        clinic.stores("51", man(), source_id="")
    found = clinic.parity().scores
    assert found["score_id"].to_list() == ["1", "1", "3", "", ""]
    assert found["class"].to_list() == [*["NOT_COMPARABLE"] * 2, "EXACT", *["NOT_COMPARABLE"] * 2]


def test_a_source_without_stored_scores_is_said():
    first, second = parity_findings(None)
    assert first.status == second.status == "not_applicable" and "no_source_score" in first.note
    empty = Clinic()
    empty.stores("51", man())
    empty.scores.clear()
    found = empty.parity()
    assert found.scores.is_empty() and parity_counts(found)["stored_scores"] == 0
    assert "no_source_score" in parity_findings(found)[0].note
    assert "no_source_score" in parity_note(None) and parity_note(found) == parity_note(None)
    assert "worklists/score_parity.csv" in parity_note(one_score())


def one_score():
    clinic = Clinic()
    clinic.stores("51", man())
    return clinic.parity()


def test_a_patient_whose_sex_nobody_recorded_is_scored_by_the_sex_that_was_used():
    for recorded in ("", "unknown", "not said"):
        assert one("51", man(), sex=recorded, gender_used="M") == ("EXACT", "")
    assert one("51", man(), sex="male", gender_used="F") == ("EXACT", "")


def test_an_unnamed_formula_is_the_one_of_the_parameters():
    assert one("51", man(), formula="") == ("EXACT", "")
    assert one("51", man(), formula="life-score-2") == ("EXACT", "")


def test_portions_and_tables():
    clinic = Clinic()
    for score in ("51", "57", "37", "66", "51"):
        clinic.stores(score, man(measured("free_t3", "3.9", "2024-05-30", entered_at="2024-06-03 08:00:00")))
    clinic.stores("97.0", healthy(), formula="hs-graded-v1")
    whole, one_by_one = clinic.parity(), clinic.parity(at_once=2)
    assert whole.scores.equals(one_by_one.scores)
    assert whole.parts.sort(whole.parts.columns).equals(one_by_one.parts.sort(whole.parts.columns))
    legacy = class_table(whole).filter(pl.col("preset") == "hs-legacy-binary-2016")
    assert legacy["class"].to_list() == ["EXACT", "MISSING_POLICY", "LATE_INPUT", "UNEXPLAINED"]
    assert legacy["scores"].to_list() == [2, 1, 1, 1]


def test_contributions_are_compared_one_by_one():
    clinic = Clinic()
    parts = [("hs_crp", "0.8", "2024-05-20", "9.04"), ("hba1c", "5.6", "2024-05-20", "11"), ("waist", "30", "", "3")]
    clinic.stores("51", man(), parts=parts)
    clinic.stores("51", man())  # nothing was stored beside it: nothing to compare
    counted = dict(component_table(clinic.parity()).select("agreement", "contributions").iter_rows())
    # Three metrics of ours earn points that were not stored; three earn none, which is what is stored of them.
    assert counted == {"equal": 4, "different": 1, "stored only": 1, "recomputed only": 3}


def other_version(code, first, last=None, **changes):
    current = CATALOGUE[code]
    return Version(dt.date.fromisoformat(first), last and dt.date.fromisoformat(last), replace(current, **changes))


def test_the_version_in_force_on_the_day_counts():
    lower = {"male": replace(CATALOGUE["total_testosterone"].optimum["male"], low=Decimal(400)), "female": None}
    versions = (
        other_version("total_testosterone", "2020-01-01", "2024-06-30", optimum=lower, zero_points=None),
        other_version("total_testosterone", "2024-07-01"),
    )
    history = MetricHistory(CATALOGUE, {"total_testosterone": versions})
    now = graded("96.3", healthy(day="2024-07-01"), day="2024-07-01", history=history)
    then = graded("100.0", healthy(), history=history)
    assert (now[0], then[0]) == ("EXACT", "EXACT")
    assert graded("96.3", healthy(), history=history)[0] == "RANGE_VERSION"


def test_one_metric_of_an_earlier_version():
    lower = {"male": replace(CATALOGUE["total_testosterone"].optimum["male"], low=Decimal(400)), "female": None}
    narrow = {"male": replace(CATALOGUE["tsh"].optimum["male"], high=Decimal("1.4")), "female": None}
    history = MetricHistory(
        CATALOGUE,
        {
            "total_testosterone": (
                other_version("total_testosterone", "2018-01-01", "2019-12-31", optimum=lower, zero_points=None),
                other_version("total_testosterone", "2020-01-01"),
            ),
            "tsh": (
                other_version("tsh", "2018-01-01", "2021-12-31", optimum=narrow, zero_points=None),
                other_version("tsh", "2022-01-01"),
            ),
        },
    )
    assert graded("100.0", healthy(), history=history) == ("RANGE_VERSION", "total_testosterone in version 1")


def test_versions_that_say_nothing_sure_are_counted_and_left_out():
    rows = {
        "metric_id": ["1", "1", "1", "1", "1", "99", "1"],
        "valid_from": [
            "2020-01-01",
            "2021-01-01",
            "0000-00-00",
            "2022-01-01",
            "2023-01-01",
            "2020-01-01",
            "2024-01-01",
        ],
        "valid_to": ["2020-12-31", None, None, None, None, None, None],
        "optimal_range_male": ["500-800", "about 600", "500-800", "500-800", "500-800", "1-2", "600-900"],
        "optimal_range_female": ["15-70"] * 7,
        "metric_weight": ["4", "5", "5", "0", "5", "1", "5.000"],
        "measurement_unit": ["ng/dL", "ng/dL", "ng/dL", "ng/dL", "nmol/L", "x", ""],
    }
    found = read_history(pl.LazyFrame(rows), {"1": "total_testosterone"}, CATALOGUE)
    assert found.unreadable == 5
    for weight in ("NaN", "Infinity", "1e999", "0.0000001", "-1", "1000"):
        odd = {name: [cells[0]] for name, cells in rows.items()} | {"metric_weight": [weight]}
        assert read_history(pl.LazyFrame(odd), {"1": "total_testosterone"}, CATALOGUE).unreadable == 1
    first, last = found.versions["total_testosterone"]
    assert first.biomarker.weight == 4 and first.biomarker.zero_points is None
    assert last.biomarker == CATALOGUE["total_testosterone"], "the version of today has today's zero points"
    assert found.on(dt.date(2020, 6, 1))["total_testosterone"].weight == 4
    assert found.on(dt.date(2021, 6, 1)) is CATALOGUE
    assert found.eras() == [dt.date(2020, 1, 1), dt.date(2021, 1, 1), dt.date(2024, 1, 1)]


def test_a_preset_that_is_not_there_is_refused(tmp_path):
    file = tmp_path / "parity.yml"
    file.write_text(
        "unnamed: hs-none\nage_limits: [90]\nboundary: {absolute: 0.01, relative: 0.002, most_metrics: 8}\n"
        "component_within: 0.05\nvalue_within: 0.005\nat_once: 10\n"
    )
    with pytest.raises(ConfigurationError, match="hs-none"):
        load_parity(file, PRESETS)


@given(st.integers(-(10**8), 10**8), st.integers(0, 4), st.sampled_from([ROUND_HALF_UP, ROUND_DOWN, ROUND_HALF_EVEN]))
def test_a_score_agrees_with_its_points_however_they_were_rounded(points, decimals, rounding):
    exact = Decimal(abs(points)).scaleb(-6)
    stored = exact.quantize(Decimal(1).scaleb(-decimals), rounding)
    frame = pl.DataFrame({"points": [abs(points)], "stored": [int(stored.scaleb(6))], "decimals": [decimals]})
    found = frame.select(agreement(pl.col("points"), pl.col("stored"), pl.col("decimals"))).item()
    half_up = exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    assert found == ("EXACT" if stored == half_up else "ROUNDING")
    off = frame.with_columns(stored=pl.col("stored") + 2 * 10 ** (6 - decimals))
    assert off.select(agreement(pl.col("points"), pl.col("stored"), pl.col("decimals"))).item() is None


def test_contributions_have_to_agree_to_the_last_decimal_that_is_stored():
    assert last_place(pl.Series([9.0, 12.0])) == pytest.approx(1)
    assert last_place(pl.Series([9.25, 12.0])) == pytest.approx(0.01)
    assert last_place(pl.Series([0.123456])) == pytest.approx(2e-6)
    assert last_place(pl.Series([9.0, float("nan"), float("inf"), None])) == pytest.approx(1), "what is no number"
    assert GRADED.decimals == 1


def test_a_stored_score_is_loaded_as_the_number_it_is_and_ours_is_no_field_of_it():
    """Neither overwrites the other: a stored score is a record of its own, with the formula that it names."""
    mapping = load_model(params_dir() / "mappings" / "25againhealthscores.yml", Mapping)
    fields = {f.target: f for f in mapping.fields}
    assert fields["composite_score_source"].source == "score" and fields["formula_version"].source == "formula_version"
    assert "composite_score" not in fields
    scores = ["51", "51.0", "96.3", "100", "0", "12.25"]
    loaded = pl.DataFrame({"s": scores}).select(SIMPLE[fields["composite_score_source"].rule](pl.col("s"))).to_series()
    assert [float(score) for score in loaded] == [float(score) for score in scores]
