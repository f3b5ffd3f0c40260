"""Standard forms are total (a value or a reason) and idempotent (a standard form stays as it is)."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ennu_lib.quality import dates, people

TODAY = dt.date(2026, 6, 30)
RULES = {
    "name": people.name,
    "place": people.place,
    "phone": people.phone,
    "email": people.email,
    "sex": people.sex,
    "state": people.state,
    "zip": people.zip_code,
    "date": lambda text: dates.date(text, TODAY),
    "birth_date": lambda text: dates.birth_date(text, TODAY),
    "moment": lambda text: dates.moment(text, TODAY),
}
ODD = st.one_of(
    st.text(max_size=60),
    st.from_regex(r"[0-9()+. x-]{3,20}", fullmatch=True),
    st.from_regex(r"[0-9]{1,4}[-/. ][0-9A-Za-z]{1,4}[-/. ][0-9]{1,4}", fullmatch=True),
    st.sampled_from(["\x00", "\u202eabc", "Ã©", "ﬁ", "𝔍ane", "0000-00-00", "12/31/99", "١٢٣٤٥"]),
)


@pytest.mark.parametrize("rule", RULES)
@given(text=ODD)
def test_every_input_gives_a_value_or_a_reason_and_a_value_is_its_own_standard_form(rule, text):
    outcome = RULES[rule](text)
    assert (outcome.value is None) != (outcome.reason is None)
    if outcome.value is not None:
        assert RULES[rule](outcome.value) == outcome


@given(st.dates(min_value=dt.date(1930, 1, 1), max_value=TODAY))
def test_all_spellings_of_a_day_are_one_day(day):
    spellings = [
        day.isoformat(),
        f"{day:%m/%d/%Y}",
        f"{day:%d-%b-%Y}",
        f"{day:%Y%m%d}",
        f"{day:%b} {day.day}, {day.year}",
    ]
    assert {dates.date(text, TODAY).value for text in spellings} == {day.isoformat()}


@given(st.from_regex(r"[2-9][0-8][0-9][2-9][02-9][0-9][0-9]{4}", fullmatch=True))
def test_all_spellings_of_a_number_are_one_number(digits):
    area, exchange, line = digits[:3], digits[3:6], digits[6:]
    spellings = [
        digits,
        f"({area}) {exchange}-{line}",
        f"{area}.{exchange}.{line}",
        f"+1 {area} {exchange} {line}",
        f"1-{area}-{exchange}-{line} x12",
    ]
    assert len({people.phone(text) for text in spellings}) == 1
