"""Which measurement counts, for both engines: every reason, the order of the checks, the choice of the newest."""

import datetime as dt
from dataclasses import asdict
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ennu_lib.scores.exact import score_patient
from ennu_lib.scores.frames import frames_of
from ennu_lib.scores.intake import TEXT_COLUMNS
from ennu_lib.scores.measurement import age_in_years, parse_birth_date, parse_moment, parse_sex
from ennu_lib.scores.reasons import Flag, Reason, Withheld
from ennu_lib.scores.result import half_up, telescoped
from ennu_lib.scores.vectorised import score_all
from tests.support.score_params import AS_OF, BINARY, CATALOGUE, GRADED, OPEN, PRESETS, measured


def score(*measurements, sex="male", preset=OPEN, **person):
    """The exact engine's score, after making sure that the vectorised engine says the same."""
    exact = score_patient(measurements, sex, AS_OF, preset, CATALOGUE, **person)
    schema = {"patient_id": pl.String, **{name: pl.String for name in TEXT_COLUMNS}, "source_rank": pl.Int64}
    rows = pl.LazyFrame([{"patient_id": "p", **asdict(m)} for m in measurements], schema=schema)
    people = pl.LazyFrame([{"patient_id": "p", "sex": sex, **person}])
    found, expected = score_all(rows, people, AS_OF, preset, CATALOGUE), frames_of({"p": exact}, preset.decimals)
    assert_frame_equal(found.scores, expected.scores)
    assert_frame_equal(found.contributions, expected.contributions)
    assert_frame_equal(found.exclusions, expected.exclusions)
    return exact


def reason(measurement, **person):
    """The reason of a single measurement, None when it counts."""
    excluded = score(measurement, **person).exclusions
    return excluded[0].reason if excluded else None


@pytest.mark.parametrize(
    "day",
    [
        "",
        "0000-00-00",
        "0001-01-01",
        "1970-01-01",
        "2026-02-30",
        "2026-13-01",
        "2026-7-1",
        "20260601",
        "June",
        "2026-07-01",
    ],
)
def test_a_date_that_is_none_or_lies_ahead_is_invalid(day):
    assert reason(measured("tsh", "1.5", day)) is Reason.DATE_INVALID


def test_a_date_before_birth_or_an_entry_after_the_day_is_invalid():
    born = dt.date(2000, 1, 1)
    assert reason(measured("lp_a", "60", "1999-12-31"), birth_date=born) is Reason.DATE_INVALID
    assert reason(measured("lp_a", "60", "2000-01-01"), birth_date=born) is None
    assert reason(measured("tsh", "1.5", entered_at="2026-07-01 00:00:00")) is Reason.DATE_INVALID
    assert reason(measured("tsh", "1.5", entered_at="2026-06-30 23:59:59")) is None
    assert reason(measured("tsh", "1.5", entered_at="0000-00-00")) is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("", None),
        (" Final\n", None),
        ("F", None),
        ("corrected", None),
        ("preliminary", Reason.STATUS),
        ("cancelled", Reason.STATUS),
        ("entered in error", Reason.STATUS),
        ("?", Reason.STATUS),
        ("superseded", Reason.SUPERSEDED),
    ],
)
def test_only_final_and_corrected_values_count(status, expected):
    assert reason(measured("tsh", "1.5", status=status)) is expected


def test_each_reason_of_the_value():
    assert reason(measured("tsh", "pending")) is Reason.NON_NUMERIC
    assert reason(measured("progesterone", "0.2")) is Reason.NOT_APPLICABLE
    assert reason(measured("psa", "0.2"), sex="female") is Reason.NOT_APPLICABLE
    assert reason(measured("tsh", "1.5", unit="furlong")) is Reason.UNIT_UNKNOWN
    assert reason(measured("lp_a", "22", unit="mg/dL")) is Reason.UNIT_NOT_CONVERTIBLE
    assert reason(measured("glucose_fasting", "5.5", unit="")) is Reason.UNIT_INFERRED
    assert reason(measured("tsh", "501")) is Reason.IMPLAUSIBLE
    assert reason(measured("hs_crp", "24")) is Reason.ACUTE_PHASE
    assert reason(measured("estradiol", "30"), sex="other") is Reason.GENDER_REQUIRED
    assert reason(measured("tsh", "1.5"), sex="other") is None
    assert reason(measured("tsh", "1.5", "2025-06-29")) is Reason.STALE
    no_metric = measured("tsh", "1.5")
    assert reason(type(no_metric)("", "1.5", "mIU/L", "2026-06-01")) is Reason.METRIC_UNKNOWN


def test_the_first_check_that_fails_gives_the_reason():
    worst = {"day": "0000-00-00", "unit": "furlong", "status": "cancelled"}
    assert reason(measured("progesterone", "QNS", **worst)) is Reason.DATE_INVALID
    assert reason(measured("progesterone", "QNS", unit="furlong", status="cancelled")) is Reason.STATUS
    assert reason(measured("progesterone", "QNS", unit="furlong")) is Reason.NON_NUMERIC
    assert reason(measured("progesterone", "1", unit="furlong")) is Reason.NOT_APPLICABLE
    assert reason(measured("glucose_fasting", "9000", context="non_fasting")) is Reason.IMPLAUSIBLE
    assert reason(measured("estradiol", "30", "2020-01-01"), sex="") is Reason.GENDER_REQUIRED
    assert reason(measured("progesterone", "400"), sex="") is Reason.IMPLAUSIBLE
    assert reason(measured("progesterone", "1"), sex="") is Reason.GENDER_REQUIRED


@pytest.mark.parametrize(
    ("code", "value", "more", "expected", "unknown"),
    [
        ("glucose_fasting", "80", {"context": "fasting"}, None, False),
        ("glucose_fasting", "80", {"context": "Fasting ; x"}, None, False),
        ("glucose_fasting", "80", {"context": ""}, None, True),
        ("glucose_fasting", "80", {"context": "non_fasting"}, Reason.CONTEXT, False),
        ("cortisol_am", "12", {"day": "2026-06-01 07:00"}, None, False),
        ("cortisol_am", "12", {"day": "2026-06-01T10:00:59Z"}, None, False),
        ("cortisol_am", "12", {"day": "2026-06-01 10:01:00"}, Reason.CONTEXT, False),
        ("cortisol_am", "12", {"day": "2026-06-01 06:59:59"}, Reason.CONTEXT, False),
        ("cortisol_am", "12", {"day": "2026-06-01 00:00:00"}, None, True),
        ("cortisol_am", "12", {"day": "2026-06-01"}, None, True),
        ("cortisol_am", "12", {"day": "2026-06-01 15:00", "context": "morning"}, None, False),
        ("cortisol_am", "12", {"day": "2026-06-01 08:00", "context": "not_morning"}, Reason.CONTEXT, False),
        ("free_testosterone", "61", {}, Reason.CONTEXT, False),
        ("free_testosterone", "61", {"test_code": "999"}, Reason.CONTEXT, False),
        ("free_testosterone", "61", {"test_code": " 144981 "}, None, False),
        ("free_testosterone", "60", {}, None, False),
    ],
)
def test_the_specimen_matters(code, value, more, expected, unknown):
    found = score(measured(code, value, **more))
    assert [e.reason for e in found.exclusions] == ([expected] if expected else [])
    assert [Flag.CONTEXT_UNKNOWN in c.flags for c in found.contributions] == ([] if expected else [unknown])


def test_an_unknown_cycle_day_is_remarked_in_women_only():
    estradiol = measured("estradiol", "100")
    assert score(estradiol, sex="female").contributions[0].flags == (Flag.CONTEXT_UNKNOWN,)
    assert score(estradiol, sex="male").contributions[0].flags == ()
    assert score(measured("estradiol", "100", context="cycle_day"), sex="female").contributions[0].flags == ()


def test_a_calculated_ldl_is_invalid_beside_high_triglycerides_of_the_same_day():
    ldl = measured("ldl_c", "90", "2026-06-01 08:00", context="calculated")

    def with_triglycerides(value, day="2026-06-01", **more):
        found = score(ldl, measured("triglycerides", value, day, **more))
        return {e.measurement.metric_code: e.reason for e in found.exclusions}.get("ldl_c")

    assert with_triglycerides("400") is Reason.CONTEXT
    assert with_triglycerides("4.6", unit="mmol/L") is Reason.CONTEXT
    assert with_triglycerides("399") is None
    assert with_triglycerides("400", "2026-05-31") is None
    assert with_triglycerides("400", status="cancelled") is None
    direct = score(measured("ldl_c", "90"), measured("triglycerides", "900"))
    assert len(direct.contributions) == 2


def test_pregnancy_withholds_the_score_and_takes_hormones_out():
    found = score(measured("tsh", "1.5"), measured("estradiol", "100"), sex="female", pregnant=True)
    assert [(e.measurement.metric_code, e.reason) for e in found.exclusions] == [("estradiol", Reason.CONTEXT)]
    assert (found.withheld, found.composite, found.status) == (Withheld.PREGNANCY, None, "insufficient")


def test_hormones_suppressed_by_therapy_may_be_left_out():
    preset = OPEN.varied(context={**OPEN.context.model_dump(by_alias=True), "suppress_on_therapy": ["lh"]})
    assert reason(measured("lh", "0.1"), preset=preset, on_hormone_therapy=True) is Reason.CONTEXT
    assert reason(measured("lh", "0.1"), preset=preset) is None


def counted(*measurements):
    found = score(*measurements)
    assert len(found.contributions) == 1
    assert {e.reason for e in found.exclusions} == {Reason.SUPERSEDED}
    return found.contributions[0].measurement.value


def test_the_newest_counts_and_of_one_day_the_better_witness():
    older, newer = measured("tsh", "1.1", "2026-05-01"), measured("tsh", "1.2", "2026-06-01")
    assert counted(newer, older) == counted(older, newer) == "1.2"
    final, corrected = measured("tsh", "1.3", source_id="9"), measured("tsh", "1.4", status="corrected", source_id="1")
    assert counted(final, corrected) == "1.4"
    lab, copy = measured("tsh", "1.5"), measured("tsh", "1.6", "2026-06-01 12:00", source_rank=1)
    assert counted(lab, copy) == "1.5"
    early, late = measured("tsh", "1.7", "2026-06-01 08:00", source_id="9"), measured("tsh", "1.8", "2026-06-01 09:00")
    assert counted(early, late) == "1.8"
    assert counted(measured("tsh", "1.9", source_id="9"), measured("tsh", "2.0", source_id="10")) == "2.0"
    assert counted(measured("tsh", "1.9", source_id="a9"), measured("tsh", "2.0", source_id="a10")) == "1.9"


def test_a_typing_error_in_the_newest_does_not_hide_a_good_older_value():
    found = score(measured("tsh", "150000"), measured("tsh", "1.5", "2026-05-01"))
    assert found.contributions[0].measurement.value == "1.5"
    assert [e.reason for e in found.exclusions] == [Reason.IMPLAUSIBLE]


def test_the_newest_that_is_stale_does_not_bring_back_an_older_one():
    found = score(measured("tsh", "1.5", "2025-01-02"), measured("tsh", "1.6", "2025-01-01"))
    assert [e.reason for e in found.exclusions] == [Reason.STALE, Reason.SUPERSEDED]


def test_a_value_ages_to_half_its_weight_and_then_does_not_count():
    def freshness(code, ago):
        value = {"tsh": "1.5", "sbp": "110", "bmi": "22", "lp_a": "60"}[code]
        found = score(measured(code, value, (AS_OF - dt.timedelta(days=ago)).isoformat()))
        return found.contributions[0].freshness if found.contributions else None

    half = Fraction(1, 2)
    assert [freshness("tsh", ago) for ago in (0, 180, 181, 365, 366)] == [1, 1, half, half, None]
    assert [freshness("sbp", ago) for ago in (90, 91, 365, 366)] == [1, half, half, None]
    assert [freshness("bmi", ago) for ago in (90, 91)] == [1, half]
    assert freshness("lp_a", 9000) == 1


def test_censored_values_are_exact_inside_the_optimum_and_a_bound_outside():
    flags = {v: score(measured("folate", v)).contributions[0].flags for v in (">20.0", "<2", "15")}
    assert flags == {">20.0": (Flag.CENSORED,), "<2": (Flag.CENSORED_BOUND,), "15": ()}
    assert score(measured("folate", "<2")).contributions[0].comparator == "lt"


GOOD = [("total_testosterone", "700"), ("tsh", "1.5"), ("hba1c", "5"), ("hs_crp", "0.5"), ("vitamin_d", "50")]


@pytest.mark.parametrize(
    ("preset", "metrics", "person", "withheld"),
    [
        ("hs-graded-v1", [], {}, Withheld.COVERAGE),
        ("hs-graded-v1", GOOD, {}, Withheld.COVERAGE),
        ("hs-graded-v1", GOOD, {"birth_date": dt.date(2008, 7, 1)}, Withheld.MINOR),
        ("hs-legacy-binary-2016", GOOD, {"sex": "other"}, Withheld.SEX_UNKNOWN),
        ("hs-legacy-binary-2016", [], {}, Withheld.COVERAGE),
        ("hs-legacy-binary-2016", GOOD, {"birth_date": dt.date(2008, 6, 30)}, None),
    ],
)
def test_below_a_gate_nothing_is_written(preset, metrics, person, withheld):
    found = score(*(measured(code, value) for code, value in metrics), preset=PRESETS[preset], **person)
    assert found.withheld is withheld
    assert (found.composite is None) == (withheld is not None)
    assert (found.band == "insufficient") == (found.status == "insufficient") == (withheld is not None)
    assert withheld is None or not any(found.categories.values())


def test_the_gates_of_number_and_category():
    few = GRADED.varied(coverage_min=0, min_metrics=6)
    assert score(*(measured(*m) for m in GOOD), preset=few).withheld is Withheld.TOO_FEW_METRICS
    no_hormone = [measured(*m) for m in GOOD[1:]]
    assert score(*no_hormone, preset=few.varied(min_metrics=2)).withheld is Withheld.CATEGORY_MISSING
    assert score(*no_hormone, preset=few.varied(coverage_complete="0.1")).status == "complete"


def test_bands_are_half_open_and_follow_the_rounded_score():
    def band(systolic):
        return score(measured("sbp", systolic)).band

    # 100 at 120, 0 at 160: 2.5 points per mmHg.
    assert [band(v) for v in ("120", "124", "124.019", "124.021", "132", "132.1", "145", "152.1")] == [
        *("excellent", "excellent", "excellent", "good", "good", "fair", "needs_improvement", "poor")
    ]


def test_without_a_score_there_is_no_contribution_list():
    found = score(preset=GRADED)
    assert (found.contribution_detail(), found.composite_unrounded, found.coverage) == ("[]", None, 0)


def test_rounding_is_half_up_once_and_partial_sums_telescope():
    assert [str(half_up(Fraction(n), 1)) for n in ("0.05", "0.25", "78.95", "99.949999", "100")] == [
        *("0.1", "0.3", "79.0", "99.9", "100.0")
    ]
    third = [Fraction(100, 3)] * 3
    assert telescoped(third, 2) == [Decimal("33.33"), Decimal("33.34"), Decimal("33.33")]
    assert sum(telescoped([Fraction(1, 7)] * 7, 6)) == 1


def test_dates_and_sexes_are_read_strictly():
    assert parse_moment(" 2026-06-01T08:30:00.5+02:00 ") == (dt.date(2026, 6, 1), "08:30:00")
    assert [parse_moment(t) for t in ("2026-06-01 8:30", "2026-06-01x", "٢٠٢٦-٠٦-٠١", "2026-06-01 08:30 PM")] == [
        None
    ] * 4
    assert parse_birth_date("1955-04-03") == dt.date(1955, 4, 3)
    assert [parse_birth_date(t) for t in ("1900-01-01", "0000-00-00", "04/03/1955", "")] == [None] * 4
    assert [parse_sex(t) for t in ("M", " female ", "Woman", "X", "0", "")] == [
        "male",
        "female",
        "female",
        *["unknown"] * 3,
    ]
    leap = dt.date(2008, 2, 29)
    assert [age_in_years(leap, dt.date(2026, 2, d)) for d in (28,)] + [age_in_years(leap, dt.date(2026, 3, 1))] == [
        17,
        18,
    ]


def test_a_binary_score_needs_no_fresh_value():
    found = score(measured("hba1c", "5.6", "2001-01-01"), preset=BINARY)
    assert found.composite == 12
