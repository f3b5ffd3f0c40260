"""The mapping engine on a few rows: accounts, survivors, links, the newest row, and what no rule could convert."""

from dataclasses import replace

import polars as pl
import pytest

from ennu_lib.catalog.biomarkers import load_biomarkers
from ennu_lib.config import params_dir
from ennu_lib.keys import Keys
from ennu_lib.mapping import contacts
from ennu_lib.mapping.engine import Sources, map_rows
from ennu_lib.mapping.spec import Field_, Mapping

CLINICAL = params_dir() / "clinical"
KEYS = Keys("k" * 40)
# Patient 2 was merged into 1; 3 is not loaded; 9 is nowhere.
CROSSWALK = pl.LazyFrame(
    {"patient_id": ["1", "2", "3"], "golden_id": ["1", "1", "3"], "excluded": [False, False, True], "held": [False] * 3}
)
VISITS = pl.LazyFrame(
    {
        "__key": ["a", "b", "c", "d", "e"],
        "patient_id": ["1", "2", "3", "9", None],
        "seen": ["2026-01-31", "9999-12-31", "2026-02-01", "2026-02-02", "2026-02-03"],
        "fee": ["10.50", "ten", "1", "2", " "],
    }
)
FEE = {"source": "fee", "target": "service_amount", "rule": "number"}
ORPHANS = {
    "column": "patient_id",
    "test": "orphan",
    "table": "patients",
    "account": "quarantined",
    "reason": "ORPHAN_PATIENT",
}


@pytest.fixture(scope="module")
def sources():
    biomarkers = load_biomarkers(CLINICAL / "biomarkers.csv", CLINICAL / "unit_aliases.csv")
    return Sources(lambda _: VISITS, CROSSWALK, {}, [], biomarkers, KEYS)


def visits(**more):
    return Mapping(table="visits", purpose="a visit", fields=[FEE], **more)


def contributing(**more):
    return visits(contact={"patient": "patient_id", "newest": "seen"}, **more)


def test_every_row_has_one_account_and_the_first_refusal_names_it(sources):
    made = map_rows(contributing(refuse=[ORPHANS]), sources).collect()
    assert list(made.select("__key", "__account", "__reason").iter_rows()) == [
        ("a", "derived", "ACCEPTED"),
        ("b", "derived", "ACCEPTED"),
        ("c", "excluded", "PATIENT_EXCLUDED"),
        ("d", "quarantined", "ORPHAN_PATIENT"),
        ("e", "derived", "ACCEPTED"),
    ]


def test_rows_of_a_patient_in_quarantine_say_so(sources):
    held = replace(sources, crosswalk=CROSSWALK.with_columns(held="excluded"))
    made = map_rows(contributing(refuse=[ORPHANS]), held).collect()
    assert made.row(2, named=True)["__account"] == "excluded"
    assert made.row(2, named=True)["__reason"] == "PATIENT_QUARANTINED"


def test_a_day_that_means_no_day_is_not_the_newest(sources):
    mapping = contributing()
    newest = contacts.newest_rows(mapping, map_rows(mapping, sources)).collect()
    assert newest.filter(pl.col("golden_id") == "1")["service_amount"].to_list() == ["10.5"]


def test_a_link_follows_the_survivor_and_one_to_nobody_is_still_a_link(sources):
    records = {"object": "telehealth_sessions", "id_property": "session_id", "id": "V-{__key}"}
    link = {"association": "contact_to_telehealth_sessions", "column": "patient_id", "table": "patients"}
    made = map_rows(visits(records=records, links=[link]), sources).collect().sort("__key")
    assert made["__link:0"].to_list() == ["1", "1", "3", "9", None]


def test_unconverted_values_are_counted_among_those_that_were_given(sources):
    found = contacts.unconverted(map_rows(contributing(refuse=[ORPHANS]), sources))
    assert found.rows() == [("service_amount", 1, 2)]


def test_rows_add_to_the_record_they_refer_to(sources):
    """Record 1: the newest accepted row, the earliest day, the highest option; 3 is excluded, 9 is nowhere."""
    added = {
        "records_of": "meetings",
        "column": "patient_id",
        "fields": [{"source": "fee", "target": "session_fee", "rule": "number"}],
        "summaries": [
            {"target": "first_day", "column": "seen", "compute": "earliest"},
            {"target": "worst", "column": "fee", "compute": "highest", "codes": "fees", "order": ["low", "high"]},
        ],
    }
    known = replace(sources, codes={"fees": {"low": "low", "high": "high", "10_50": "low", "ten": "high"}})
    mapping = contributing(refuse=[ORPHANS], adds_to=[added])
    rows = map_rows(mapping, known)
    meetings = pl.LazyFrame({"__key": ["1", "2", "3", "9"], "name": ["a", "b", "c", "d"]})
    made = contacts.with_additions(meetings, mapping.adds_to[0], rows).collect()
    assert made.rows() == [
        ("1", "a", "10.5", "2026-01-31", "low"),
        ("2", "b", None, None, "high"),
        ("3", "c", None, None, None),
        ("9", "d", None, None, None),
    ]
    assert ("meetings.session_fee", 1, 2) in contacts.unconverted(rows).rows()


def test_a_value_as_reported_is_that_of_the_source_and_the_converted_one_that_of_the_standard_form(sources):
    fields = [FEE, {"source": "fee", "target": "fee_text", "as_reported": True}]
    records = {"object": "contacts", "id_property": "id", "id": "V-{patient_id}"}
    mapping = Mapping(table="visits", purpose="a visit", fields=fields, records=records)
    raw = VISITS.with_columns(fee=pl.Series(["$10.50 USD", " ten\0 ", "1,-", "2", " "])).sort("__key", descending=True)
    made = map_rows(mapping, replace(sources, reported=lambda _: raw)).collect()
    assert made["fee_text"].to_list() == ["$10.50 USD", "ten", "1,-", "2", None]
    assert made["service_amount"].to_list() == ["10.5", None, "1", "2", None]
    without = map_rows(mapping, sources).collect()  # a table that phase 02 did not touch
    assert without["fee_text"].to_list() == ["10.50", "ten", "1", "2", None]


def test_only_a_plain_column_is_taken_as_reported():
    for more in ({"rule": "number"}, {"otherwise": ["seen"]}, {"source": "@unit"}):
        with pytest.raises(ValueError, match="as_reported is for"):
            Field_(**({"source": "fee", "target": "t", "as_reported": True} | more))
