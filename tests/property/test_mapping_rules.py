"""The mapping rules are total, and what they make is what HubSpot takes."""

import re
from decimal import Decimal
from fractions import Fraction

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ennu_lib.mapping import rules
from ennu_lib.mapping.metrics import decimal_text

ANYTHING = st.one_of(st.text(max_size=40), st.dates().map(str), st.datetimes().map(str), st.decimals().map(str))
TABLE = {"a": "x", "b_c": "y"}


def applied(rule, values):
    frame = pl.DataFrame({"v": values}, schema={"v": pl.String})
    return frame.lazy().select(rule(rules.blank_to_null(pl.col("v"))).alias("v")).collect()["v"].to_list()


@given(st.lists(ANYTHING, min_size=1, max_size=20))
def test_no_value_breaks_a_rule_and_every_result_has_its_form(values):
    for made in applied(rules.number, values):
        assert made is None or re.fullmatch(r"-?\d+(\.\d*[1-9])?", made)
    for made in applied(rules.integer, values):
        assert made is None or re.fullmatch(r"-?\d+", made)
    for made in applied(rules.date, values):
        assert made is None or re.fullmatch(r"\d{4}-\d\d-\d\d", made)
    for made in applied(lambda v: rules.utc(v, None, []), values):
        assert made is None or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made)
    for made in applied(rules.flag, values):
        assert made in (None, "true", "false")
    for made in applied(lambda v: rules.code(v, TABLE), values):
        assert made in (None, "x", "y")
    for made in applied(lambda v: rules.codes(v, TABLE), values):
        assert made in (None, "x", "y", "x;y", "y;x")
    for made in applied(rules.range_1_to_5, values):
        assert made in (None, "1", "2", "3", "4", "5")


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_a_number_keeps_its_value(value):
    assert Decimal(applied(rules.number, [f"{value:f}"])[0]) == value


@given(st.dates())
def test_a_day_is_never_moved(day):
    expected = None if str(day) in rules.NO_DATES else str(day)
    assert applied(rules.date, [str(day), f"{day} 23:59:59"]) == [expected, expected]


@given(st.fractions(min_value=-(10**6), max_value=10**6))
def test_a_converted_value_is_right_to_six_places(value):
    text = decimal_text(value)
    assert abs(Fraction(text) - value) <= Fraction(1, 2 * 10**6)
    assert text == "0" or not text.endswith(".")


def test_local_times_become_instants_and_skipped_hours_do_not():
    frame = pl.DataFrame(
        {
            "v": ["2024-03-10 02:30:00", "2024-07-01 12:00:00", "2024-11-03 01:30:00", "2024-07-01 12:00:00"],
            "z": ["America/New_York", "America/New_York", "America/New_York", "America/Chicago"],
        }
    )
    zones = ["America/Chicago", "America/New_York"]
    made = frame.select(rules.utc(pl.col("v"), pl.col("z"), zones)).to_series().to_list()
    assert made == [None, "2024-07-01T16:00:00Z", "2024-11-03T05:30:00Z", "2024-07-01T17:00:00Z"]
