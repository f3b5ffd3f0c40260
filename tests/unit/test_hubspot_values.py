"""What was sent and what the portal says it holds: the same in meaning, whatever the spelling; and never by chance."""

import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ennu_lib.hubspot.portal_schema import load_portal_schema
from ennu_lib.hubspot.values import canonical, differing

CONTACTS = {found.name: found for found in load_portal_schema().properties["contacts"]}
KINDS = ("string", "number", "bool", "date", "datetime", "enumeration")


@pytest.mark.parametrize(
    ("kind", "sent", "held"),
    [
        ("number", "1.50", "1.5"),
        ("number", "100", "1E+2"),
        ("number", "-0.10", "-.1"),
        ("bool", "true", "True"),
        ("date", "2024-03-05", "1709596800000"),
        ("date", "1931-12-31", "-1199318400000"),
        ("datetime", "2024-03-05T10:11:12Z", "2024-03-05T10:11:12.000Z"),
        ("datetime", "2024-03-05T10:11:12Z", "1709633472000"),
        ("datetime", "2024-03-05T10:11:12-05:00", "2024-03-05T15:11:12Z"),
        ("datetime", "2024-03-05", "2024-03-05T00:00:00Z"),
        ("enumeration", "b;a", ";a;b"),
        ("string", " Ana ", "Ana"),
        ("string", "", None),
    ],
)
def test_two_spellings_of_one_meaning(kind, sent, held):
    assert canonical(sent, kind) == canonical(held, kind)


@pytest.mark.parametrize(
    ("kind", "sent", "held"),
    [
        ("number", "1.50", "15"),
        ("date", "2024-03-05", "2024-03-06"),
        ("datetime", "2024-03-05T10:11:12Z", "2024-03-05T10:11:12.001Z"),
        ("enumeration", "a;b", "a"),
        ("string", "ana", "Ana"),
        ("string", "1.50", "1.5"),
        ("string", "x", None),
    ],
)
def test_two_meanings(kind, sent, held):
    assert canonical(sent, kind) != canonical(held, kind)


@given(st.sampled_from(KINDS), st.text(max_size=12))
def test_any_text_has_one_canonical_spelling(kind, text):
    once = canonical(text, kind)
    assert canonical(once, kind) == once


@given(st.datetimes(min_value=dt.datetime(1900, 1, 1), max_value=dt.datetime(2100, 1, 1)))
def test_an_instant_in_milliseconds_and_in_iso_is_one(moment):
    moment = moment.replace(tzinfo=dt.UTC, microsecond=moment.microsecond // 1000 * 1000)
    milliseconds = str(round(moment.timestamp() * 1000))
    assert canonical(milliseconds, "datetime") == canonical(moment.isoformat(), "datetime")


def test_the_machines_own_zone_does_not_matter(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert canonical("2024-03-05T10:11:12", "datetime") == canonical("2024-03-05T10:11:12Z", "datetime")
        assert canonical("0001-01-01T00:00:00+05:00", "datetime") == "0001-01-01T00:00:00+05:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_differing_properties_are_named_in_order():
    sent = {"service_amount": "10.50", "email": "Ana@Clinic.org", "firstname": "Ana", "lastname": "Reyes"}
    held = {"service_amount": "10.5", "email": "ana@clinic.org", "firstname": "Anna", "city": "Austin"}
    assert differing(sent, held, CONTACTS) == ["firstname", "lastname"]
    assert differing({}, held, CONTACTS) == []
