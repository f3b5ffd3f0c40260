import polars as pl
import pytest

from ennu_lib.identity.clinical import facts_summary, read_facts, read_visits, united_facts
from ennu_lib.identity.match import match_people
from tests.support.family_people import family_people
from tests.support.identity_params import PARAMS

MEMBERS = pl.DataFrame({"patient_id": ["1", "2", "3"], "golden_id": ["1", "1", "3"]})


def encounters(*rows):
    columns = ("patient_id", "encounter_date", "checkout_at", "facility_id", "status", "is_telehealth")
    return pl.LazyFrame([dict(zip(columns, row, strict=True)) for row in rows])


def visits(*rows):
    return read_visits(encounters(*rows), PARAMS.clinical.visits)


def test_only_visits_that_took_place_at_a_place_are_read():
    good = (1, "2024-05-06 09:00:00", "2024-05-06 10:00:00", 7, "Signed", False)
    found = visits(
        good, (*good[:4], "cancelled", False), (*good[:4], "signed", True), (1, "someday", *good[2:]),
        (1, good[2], good[1], *good[3:]), (*good[:3], None, *good[4:]),
    )  # fmt: skip
    assert found.select("key", "place").rows() == [("1", "7")]


@pytest.fixture(scope="module")
def merged():
    table, _ = family_people(600, seed=6)
    found = match_people(table, PARAMS)
    return table, found.pairs.filter(decision="auto-merge").row(0, named=True)


@pytest.mark.parametrize(
    ("start", "end", "place", "decision"),
    [
        ("2024-05-06 09:30:00", "2024-05-06 10:30:00", 8, "review"),
        ("2024-05-06 09:30:00", "2024-05-06 10:30:00", 7, "auto-merge"),
        ("2024-05-06 09:58:00", "2024-05-06 10:30:00", 8, "auto-merge"),
        ("2024-05-07 09:30:00", "2024-05-07 10:30:00", 8, "auto-merge"),
    ],
    ids=["two places at once", "one place", "within the tolerance", "another day"],
)
def test_who_was_in_two_places_at_once_is_not_merged(merged, start, end, place, decision):
    table, pair = merged
    told = visits(
        (pair["left"], "2024-05-06 09:00:00", "2024-05-06 10:00:00", 7, "signed", False),
        (pair["right"], start, end, place, "signed", False),
    )
    found = match_people(table, PARAMS, visits=told).pairs
    found = found.filter((pl.col("left") == pair["left"]) & (pl.col("right") == pair["right"])).row(0, named=True)
    assert found["decision"] == decision
    assert (found["reason"] == "visits at one time in two places") == (decision == "review")


def facts():
    allergies = pl.LazyFrame(
        {"__key": ["a", "b", "c", "d"], "patient_id": [1, 2, 2, 2],
         "allergen": ["Penicillin", "penicillin ", "Latex", "X"],
         "status": ["active", "active", None, "entered-in-error"]}
    )  # fmt: skip
    medications = pl.LazyFrame(
        {
            "__key": ["e", "f"],
            "patient_id": [3, 3],
            "rxcui": ["10", ""],
            "drug_name": ["A", "B"],
            "is_deleted": [False, True],
        }
    )
    return read_facts({"allergies": allergies, "patient_medications": medications}, PARAMS.clinical.facts)


def test_facts_of_all_rows_of_a_person_are_united_once_with_where_they_come_from():
    united = united_facts(facts(), MEMBERS)
    assert united.rows() == [
        ("1", "allergies", "latex", ["2"], ["c"], False),
        ("1", "allergies", "penicillin", ["1", "2"], ["a", "b"], True),
        ("3", "medications", "10", ["3"], ["e"], True),
    ]


def test_the_summary_counts_what_the_surviving_row_alone_would_have_lost():
    summary = facts_summary(united_facts(facts(), MEMBERS), MEMBERS)
    assert summary.to_dicts() == [{"fact": "allergies", "facts": 2, "stated_by_several": 1, "only_on_merged_rows": 1}]
