"""What a reported value says."""

from fractions import Fraction

import pytest

from ennu_lib.scores.reading import Reader, parse_number
from ennu_lib.scores.reasons import Flag, Reason
from tests.support.score_params import CATALOGUE, GRADED

READER = Reader(GRADED, CATALOGUE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5.5", ("eq", Fraction("5.5"))),
        (" <0.2 ", ("lt", Fraction("0.2"))),
        (">= 600", ("ge", Fraction(600))),
        ("≤5", ("le", Fraction(5))),
        ("1,200.5", ("eq", Fraction("1200.5"))),
        (".5", ("eq", Fraction("0.5"))),
        ("-3", ("eq", Fraction(-3))),
        ("140000", ("eq", Fraction(140000))),
    ],
)
def test_a_number_is_read(text, expected):
    assert parse_number(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "QNS", "see note", "1,20", "5.", "1e3", "120/80", "<", "5 mg", "٣", "∞", "NaN", "5.5.5", "0x1", "9" * 41],
)
def test_anything_else_is_no_number(text):
    assert parse_number(text) is None
    assert READER.read("tsh", text, "mIU/L").fault is Reason.NON_NUMERIC


@pytest.mark.parametrize(
    ("code", "text", "unit", "canonical"),
    [
        ("hba1c", "41", "mmol/mol", Fraction("5.90268")),
        ("free_testosterone", "1.8", "ng/dL", Fraction(18)),
        ("tsh", "2.8", "uIU/mL", Fraction("2.8")),
        ("lh", "4", "IU/L", Fraction(4)),
        ("alt", "22", "IU/L", Fraction(22)),
        ("waist", "90", "cm", Fraction("35.43309")),
        ("resting_hr", "64", "bpm", Fraction(64)),
    ],
)
def test_units_are_converted_exactly(code, text, unit, canonical):
    reading = READER.read(code, text, unit)
    assert (reading.fault, reading.value) == (None, canonical)


@pytest.mark.parametrize(
    ("code", "text", "unit", "fault"),
    [
        ("apob", "80", "furlong", Reason.UNIT_UNKNOWN),
        ("apob", "80", "mmHg", Reason.UNIT_UNKNOWN),
        ("lp_a", "22", "mg/dL", Reason.UNIT_NOT_CONVERTIBLE),
        ("psa", "140000", "ng/mL", Reason.IMPLAUSIBLE),
        ("tsh", "-1", "mIU/L", Reason.IMPLAUSIBLE),
        ("glucose_fasting", "5.5", "", Reason.UNIT_INFERRED),
        ("total_testosterone", "42", "", Reason.UNIT_INFERRED),
        ("lp_a", "80", "", Reason.UNIT_INFERRED),
        ("ferritin", "200000", " ", Reason.UNIT_INFERRED),
    ],
)
def test_a_value_that_cannot_be_used_says_why(code, text, unit, fault):
    assert READER.read(code, text, unit).fault is fault


def test_a_blank_unit_is_assumed_where_only_the_canonical_one_is_possible():
    for code, text in (("total_testosterone", "480"), ("tsh", "2.8"), ("sbp", "120"), ("mcv", "90")):
        reading = READER.read(code, text, "")
        assert reading.fault is None and Flag.UNIT_ASSUMED in reading.flags
    strict = Reader(GRADED.varied(unit_missing_policy="exclude"), CATALOGUE)
    assert strict.read("total_testosterone", "480", "").fault is Reason.UNIT_INFERRED


def test_limits_are_inside():
    assert READER.read("hs_crp", "10", "mg/L").acute is False
    assert READER.read("hs_crp", "10.01", "mg/L").acute is True
    assert READER.read("hs_crp", "600", "mg/L").fault is None
    assert (
        READER.read("triglycerides", "400", "mg/dL").spoils
        and not READER.read("triglycerides", "399.9", "mg/dL").spoils
    )
    assert READER.read("free_testosterone", "60.1", "pg/mL").needs_method
    assert not READER.read("free_testosterone", "60", "pg/mL").needs_method


def test_remarks():
    assert READER.read("egfr", ">59", "mL/min/1.73").flags == (Flag.CENSORED,)
    assert READER.read("hematocrit", "55", "%").flags == (Flag.CRITICAL_HIGH,)
    assert READER.read("potassium", "2.7", "").flags == (Flag.UNIT_ASSUMED, Flag.CRITICAL_LOW)
    assert READER.read("ferritin", "100", "pmol/L").flags == (Flag.APPROXIMATE,)
