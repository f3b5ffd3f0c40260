import numpy as np
import pytest

from ennu_lib.identity.compare import Comparer, pack, unpack
from ennu_lib.identity.people import standardize_people
from tests.support.identity_params import PARAMS, people_table

BASE = {"first_name": "Robert", "last_name": "Garcia", "date_of_birth": "1980-02-03"}


def level(field, column, left, right, **others):
    """The named level of two records that differ in one column."""
    table = people_table({**BASE, column: left}, {**BASE, **others, column: right})
    comparer = Comparer(standardize_people(table, PARAMS.columns, PARAMS, "patient_id"), PARAMS)
    number = comparer.levels(np.array([0]), np.array([1]))[0, comparer.fields.index(field)]
    return PARAMS.levels[field][number]


@pytest.mark.parametrize(
    ("field", "column", "left", "right", "wanted"),
    [
        ("first_name", "first_name", "Robert", "ROBERT ", "exact"),
        ("first_name", "first_name", "Robert", "Bob", "nickname"),
        ("first_name", "first_name", "Bill", "Liam", "nickname"),
        ("first_name", "first_name", "Robert", "Roberta", "similar 0.92"),
        ("first_name", "first_name", "Robert", "R", "initial"),
        ("first_name", "first_name", "Jean-Luc", "Jean-François", "similar 0.70"),
        ("first_name", "first_name", "Mary Ann", "Ann", "part"),
        ("first_name", "first_name", "Robert", "Alice", "disagree"),
        ("first_name", "first_name", "Robert", None, "missing"),
        ("last_name", "last_name", "Garcia", "Garcia-Lopez", "part"),
        ("last_name", "last_name", "Lopez", "Garcia-Lopez", "part"),
        ("last_name", "last_name", "De la Cruz", "Delacruz", "similar 0.92"),
        ("birth_date", "date_of_birth", "1980-02-03", "1980-02-08", "edits 1"),
        ("birth_date", "date_of_birth", "1980-02-03", "1980-03-02", "swapped"),
        ("birth_date", "date_of_birth", "1980-02-03", "1980-02-25", "days 31"),
        ("birth_date", "date_of_birth", "1980-02-03", "1980-11-24", "days 366"),
        ("birth_date", "date_of_birth", "1980-02-03", "1987-11-24", "days 3660"),
        ("birth_date", "date_of_birth", "1980-02-03", "2011-11-24", "disagree"),
        ("ssn", "ssn", "123-45-6780", "123-45-6708", "edits 1"),
        ("ssn", "ssn", "123-45-6780", "321-54-0876", "disagree"),
        ("email", "email_address", "annlee@aol.com", "annlee@gmail.com", "mailbox"),
        ("email", "email_address", "annlee@aol.com", "annle@aol.com", "edits 2"),
        ("sex", "gender", "M", "female", "disagree"),
        ("zip", "zip_code", "02139", "2139", "exact"),
        ("middle_name", "middle_name", "James", "J.", "initial"),
        ("street", "address_line1", "12 Oak Street", "12 Oak St Apt 3", "exact"),
    ],
)  # fmt: skip
def test_the_first_level_that_holds_is_taken(field, column, left, right, wanted):
    assert level(field, column, left, right) == wanted


def test_a_preferred_name_is_as_good_as_a_nickname():
    assert level("first_name", "first_name", "Robert", "Skip", preferred_name="Robert") == "nickname"


def test_exchanged_names_count_once():
    swapped = {"last_name": "Robert", "first_name": "Garcia"}
    assert level("first_name", "first_name", "Robert", "Garcia", **swapped) == "swapped"
    assert level("last_name", "last_name", "Garcia", "Robert", **swapped) == "missing"


def test_the_best_agreement_of_two_phones_counts():
    assert level("phone", "phone_mobile", "212-555-0199", None, phone_primary="212-555-0199") == "exact"


def test_packing_keeps_every_level():
    levels = np.array([[0, 1, 15, 7], [3, 2, 0, 1]], np.int8)
    assert unpack(pack(levels), 4).tolist() == levels.tolist()
