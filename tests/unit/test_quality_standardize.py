"""Standardizing tables: every change is an event, every refusal has a reason, twice changes nothing."""

import datetime as dt

import polars as pl
import pytest

from ennu_lib.errors import ConfigurationError
from ennu_lib.quality import dates, load_standardize, people, reasons, standardize, summarize

TODAY = dt.date(2026, 6, 30)
RULES = {"first_name": "name", "date_of_birth": "birth_date", "phone": "phone", "state": "state"}
FRAME = pl.LazyFrame(
    {
        "__key": ["1", "2", "3"],
        "first_name": ["MARY", "Ana", None],
        "date_of_birth": ["1/2/80", "0000-00-00", "1990-05-05"],
        "phone": ["(813) 867-5309", "call me", ""],
        "state": ["Florida", "FL", "XX"],
        "other": ["kept", "as", "is"],
    }
)


def test_values_events_and_reasons():
    made = standardize(FRAME, "patients", RULES, TODAY)
    assert made.frame.collect().drop("__key").to_dict(as_series=False) == {
        "first_name": ["Mary", "Ana", None],
        "date_of_birth": ["1980-01-02", None, "1990-05-05"],
        "phone": ["+18138675309", None, None],
        "state": ["FL", "FL", None],
        "other": ["kept", "as", "is"],
    }
    emptied = {(e["key"], e["column"], e["reason"]) for e in made.events.to_dicts() if e["reason"]}
    assert emptied == {
        ("2", "date_of_birth", "NO_DATE"),
        ("2", "phone", "NOT_A_NUMBER"),
        ("3", "phone", "BLANK"),
        ("3", "state", "UNKNOWN_STATE"),
    }
    assert summarize(made.events).select(pl.col("standardized", "said_nothing", "emptied").sum()).row(0) == (4, 2, 2)
    assert reasons(made.events)["values"].sum() == 4


def test_the_value_before_is_kept_so_that_a_change_can_be_undone():
    made = standardize(FRAME, "patients", RULES, TODAY)
    restored = made.frame.collect()
    for event in made.events.to_dicts():
        restored = restored.with_columns(
            pl.when(pl.col("__key") == event["key"])
            .then(pl.lit(event["before"]))
            .otherwise(pl.col(event["column"]))
            .alias(event["column"])
        )
    assert restored.select(FRAME.collect_schema().names()).equals(FRAME.collect())


def test_twice_changes_nothing():
    once = standardize(FRAME, "patients", RULES, TODAY)
    assert standardize(once.frame, "patients", RULES, TODAY).events.is_empty()


def test_a_column_that_is_not_there_is_left_alone():
    assert standardize(FRAME, "patients", {"nowhere": "name"}, TODAY).events.is_empty()


def test_a_rule_file_with_two_mistakes_reports_both(tmp_path):
    path = tmp_path / "rules.yml"
    path.write_text("tables:\n  patients:\n    a: nam\n    b: phon\n")
    with pytest.raises(ConfigurationError) as raised:
        load_standardize(path)
    assert [m.split(":")[0] for m in raised.value.mistakes] == ["line 3", "line 4"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("JOHN O'BRIEN", "John O'Brien"),
        ("maria de la cruz", "maria de la cruz".title().replace("De La", "de la")),
        ("Ã‰lodie", "Élodie"),
        ("van der Berg", "van der Berg"),
        ("test", None),
        ("12", None),
    ],
)
def test_names(text, expected):
    assert people.name(text).value == expected


@pytest.mark.parametrize("text", ["none@none.com", "a@b", "@x.com", "x@@y.com", "noemail@clinic.org"])
def test_addresses_that_are_none(text):
    assert people.email(text).value is None


@pytest.mark.parametrize("text", ["555-0123", "(212) 555-0123", "0000000000", "1234567890", "911", "213-911-1234"])
def test_numbers_that_are_none(text):
    assert people.phone(text).value is None


def test_a_repair_that_lays_open_another_is_repeated():
    once = people.repaired("\x80Ä\U00018cd6")
    assert people.repaired(once) == once


@pytest.mark.parametrize("text", ["12/31/9999", "99991231", "2079-06-06 23:59:00", "19000101", "1/1/1753"])
def test_every_spelling_of_a_sentinel_says_that_there_is_no_date(text):
    assert dates.date(text, TODAY).reason == "NO_DATE"
