"""Standard forms are total (a value or a reason) and idempotent (a standard form stays as it is)."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ennu_lib.quality.standard.column import ColumnStandard
from ennu_lib.quality.standard.rules import RULES
from tests.support.standard_forms import TODAY, lists, standard

ODD = st.one_of(
    st.text(max_size=60),
    st.from_regex(r"[0-9()+. x-]{3,20}", fullmatch=True),
    st.from_regex(r"[0-9]{1,4}[-/. ][0-9A-Za-z]{1,4}[-/. ][0-9]{1,4}( [0-9]{1,2}:[0-9]{2} ?[AP]M)?", fullmatch=True),
    st.from_regex(r"[<>≤≥=$(-]{0,2} ?[0-9,.]{1,12} ?[HL*)%]{0,2}", fullmatch=True),
    st.from_regex(r"[0-9]{1,4} [NSEW]?[a-z]{0,8} (Street|ave|BLVD|st\.),? (apt|#) ?[0-9a-z]{1,3}", fullmatch=True),
    st.from_regex(r"[A-Za-z][0-9]{2}\.?[0-9A-Za-z]{0,4}[,; ]{0,2}[A-Z]?[0-9]{0,4}", fullmatch=True),
    st.from_regex(r"[a-z.]{1,8}@{1,2} ?[a-z]{1,8}[.,]{1,2}[a-z]{2,4}", fullmatch=True),
    st.sampled_from(
        [
            "\x00", "\u202eabc", "Ã©", "ﬁ", "𝔍ane", "0000-00-00", "12/31/99", "١٢٣٤٥", "שלום", "\x85", "\r\n", "²",
            "\udcff".encode("utf-8", "surrogatepass").decode("latin-1"), bytes(range(256)).decode("cp1252", "replace"),
        ]
    ),
)  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=40)
@given(text=ODD)
def test_every_input_gives_a_value_or_a_reason_and_a_value_is_its_own_standard_form(rule, text):
    outcome = standard(rule)(text)
    assert outcome.value is not None or outcome.reason
    if outcome.value is not None:
        assert standard(rule)(outcome.value) == outcome
    if outcome.value is not None and outcome.reason:
        assert outcome.value == text, "a value that is left alone is left exactly as it is"


@pytest.mark.parametrize("rule", [name for name, rule in RULES.items() if rule.at_a_glance])
@settings(max_examples=25)
@given(texts=st.lists(ODD, max_size=8))
def test_what_passes_at_a_glance_is_what_the_function_would_leave(rule, texts):
    column = ColumnStandard(rule, lists())
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    odd = frame.select(column.odd(pl.col("text"))).to_series()
    changed = dict(column.changed(frame["text"], odd).select("at", "after").iter_rows())
    for position, text in enumerate(texts):
        assert changed.get(position, text) == column.outcome(text).value


@given(st.dates(min_value=dt.date(1930, 1, 1), max_value=TODAY))
def test_all_spellings_of_a_day_are_one_day(day):
    spellings = [
        day.isoformat(),
        f"{day:%m/%d/%Y}",
        f"{day:%d-%b-%Y}",
        f"{day:%Y%m%d}",
        f"{day:%b} {day.day}, {day.year}",
        f"{day:%B} {day.day}, {day.year}",
        f"{day:%Y-%m-%dT00:00:00}",
    ]
    assert {standard("date")(text).value for text in spellings} == {day.isoformat()}


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
    assert len({standard("phone")(text) for text in spellings}) == 1
