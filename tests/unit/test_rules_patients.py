"""Patients, policies and plans as agreed: ages, defaults, lost zeros, first policies, clocks, recommendations."""

import polars as pl
import pytest

from ennu_lib.config import params_dir
from ennu_lib.rules import Tables, run_rules
from tests.support.small_tables import TODAY, all_rules, outcome, reasons


def patient(**more):
    whole = {"patient_id": 1, "first_name": "Ann", "last_name": "Lee", "date_of_birth": "1970-05-04", "gender": "F"}
    return whole | more


@pytest.mark.parametrize(
    ("born", "wrong"),
    [
        ("1970-05-04", set()),
        ("05/04/1970", set()),
        ("1900-01-01", {"SENTINEL"}),
        ("01/01/1900", {"SENTINEL"}),
        ("0000-00-00", {"SENTINEL"}),
        ("2026-07-01", {"FUTURE"}),
        ("2008-06-30", set()),  # eighteen today
        ("2008-07-01", {"MINOR"}),
        ("1905-06-30", {"TOO_OLD"}),  # 121 today
        ("1905-07-01", set()),  # 120
        ("1904-12-31", {"TOO_OLD"}),
        ("1970-02-31", {"NOT_A_DATE"}),
        (None, set()),
    ],
)
def test_a_birth_date_is_a_day_of_an_adult_who_can_live(born, wrong):
    others = [patient(patient_id=n) for n in range(2, 5)]
    assert reasons("PAT-04", patients=[patient(date_of_birth=born), *others]) == wrong


def test_the_first_day_of_unix_is_a_default_where_many_share_it():
    many = [patient(patient_id=n, date_of_birth="1970-01-01") for n in range(3)]
    assert reasons("PAT-04", patients=many) == {"SENTINEL"}
    one = [patient(patient_id=n) for n in range(600)]
    assert not reasons("PAT-04", patients=[*one, patient(patient_id=999, date_of_birth="1970-01-01")])


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({}, set()),
        ({"first_name": None, "last_name": ""}, {"NO_NAME"}),
        ({"date_of_birth": "1900-01-01"}, {"NO_BIRTH_DATE"}),
        ({"date_of_birth": "0000-00-00"}, {"NO_BIRTH_DATE"}),
        ({"date_of_birth": "01/01/1900"}, {"NO_BIRTH_DATE"}),
        ({"gender": "unknown"}, {"NO_SEX"}),
    ],
)
def test_a_default_is_no_birth_date(more, wrong):
    assert reasons("PAT-03", patients=[patient(**more)]) == wrong


def test_a_patient_without_either_name_counts_once():
    rows = [patient(patient_id=n) for n in range(200)]
    rows[0] |= {"first_name": None, "last_name": None}
    result, _ = outcome("PAT-03", patients=rows)
    assert (result.failing, str(result.status)) == (1, "pass_with_exceptions")  # one of two hundred is .5 %


@pytest.mark.parametrize(
    ("zip_code", "state", "wrong"),
    [
        ("2139", "MA", "LOST_ZERO"),
        ("2139", "Massachusetts", "LOST_ZERO"),
        ("601", "PR", "LOST_ZERO"),
        ("3360", "FL", "NOT_A_ZIP"),
        ("601", "MA", "NOT_A_ZIP"),
        ("2139", None, "NOT_A_ZIP"),
    ],
)
def test_a_zero_is_lost_only_where_zip_codes_begin_with_one(zip_code, state, wrong):
    row = patient(zip_code=zip_code, state=state)
    assert wrong in reasons("PAT-10", patients=[row], postal_codes=[{"zip": "02139", "state": "MA"}])
    other = {"LOST_ZERO", "NOT_A_ZIP"} - {wrong}
    assert not other & reasons("PAT-10", patients=[row], postal_codes=[{"zip": "02139", "state": "MA"}])


def test_mailboxes_have_64_characters_before_the_sign():
    assert not reasons("PAT-07", patients=[patient(email_address=f"{'a' * 64}@mail.com")])
    assert reasons("PAT-07", patients=[patient(email_address=f"{'a' * 65}@mail.com")]) == {"NOT_AN_ADDRESS"}
    assert reasons("PAT-07", patients=[patient(email_address="jane@example.edu")]) == {"PLACEHOLDER"}


def policy(key, rank, since, until=None, **more):
    given = {"policy_id": key, "patient_id": 1, "payer_id": 7, "rank": rank, "policy_number": "ABC 123"}
    return given | {"effective_from": since, "effective_to": until, "subscriber_relationship": "self"} | more


@pytest.mark.parametrize(
    ("policies", "wrong"),
    [
        ([policy(1, 1, "2020-01-01")], set()),
        ([policy(1, 1, "2020-01-01", "2021-12-31"), policy(2, 1, "2022-01-01")], set()),
        ([policy(1, 1, "2020-01-01", "2022-01-01"), policy(2, 1, "2022-01-01")], {"TWO_FIRST_POLICIES"}),
        ([policy(1, 1, "2020-01-01"), policy(2, 2, "2021-01-01")], set()),
        ([policy(2, 2, "2021-01-01")], {"NO_FIRST_POLICY"}),
        ([policy(1, 1, "2020-01-01", "2022-12-31"), policy(2, 2, "2021-01-01")], {"NO_FIRST_POLICY"}),  # today
        ([policy(1, 1, "2020-01-01", "2022-12-31"), policy(2, 2, "2021-01-01", "2022-12-31")], set()),
        ([policy(1, 1, "2020-01-01", is_deleted=True), policy(2, 2, "2021-01-01")], {"NO_FIRST_POLICY"}),
        ([policy(1, 1, "2020-01-01", subscriber_relationship=None)], {"UNKNOWN_RELATIONSHIP", "NO_SUBSCRIBER"}),
    ],
)
def test_there_is_exactly_one_first_policy_a_day(policies, wrong):
    assert reasons("PAT-13", insurance_policies=policies, insurance_companies=[{"payer_id": 7}]) == wrong


@pytest.mark.parametrize(("visit", "wrong"), [("1970-05-05", False), ("1970-05-04", True), ("1969-05-04", True)])
def test_a_patient_is_born_before_the_first_visit(visit, wrong):
    assert bool(reasons("PAT-16", patients=[patient(first_visit_date=visit)])) is wrong


MEETING = {"meeting_id": 1, "meeting_date": "2025-03-09 02:30:00"}


@pytest.mark.parametrize(
    ("table", "row", "wrong"),
    [
        ("lab_results", {"result_id": 1, "collected_at": "2025-03-09 02:30:00"}, {"SKIPPED_HOUR"}),
        ("clinical_notes", {"note_id": 1, "note_date": "2025-11-02 01:30:00"}, {"DOUBLE_HOUR"}),
        ("clinical_notes", {"note_id": 1, "note_date": "2025-11-03 01:30:00"}, set()),
        ("lab_results", {"result_id": 1, "collected_at": "2005-04-03 02:30:00"}, {"SKIPPED_HOUR"}),  # April, until 2006
        ("25againzoommeeting", MEETING | {"time_zone": "America/Phoenix"}, set()),
        ("25againzoommeeting", MEETING | {"time_zone": None}, {"NEVER_WAS"}),
    ],
)  # fmt: skip
def test_moments_of_every_table_are_ones_that_clocks_showed(table, row, wrong):
    assert reasons("SCH-02", **{table: [row]}) == wrong


def test_without_facilities_moments_are_the_clinics_own():
    frame = pl.DataFrame(
        {"__key": ["1"], "encounter_date": ["2025-03-09 02:30:00"], "checkout_at": [None], "facility_id": 1}
    )
    frame = frame.with_columns(last_updated=pl.lit(None, dtype=pl.String))
    tables = Tables(lambda n: frame.lazy() if n == "source/encounters" else None, TODAY, params_dir())
    assert run_rules([all_rules()["SCH-02"]], tables).issues["reason"].to_list() == ["NEVER_WAS"]


@pytest.mark.parametrize(
    ("text", "drug", "wrong"),
    [
        ("Start semaglutide 0.25 mg weekly", "semaglutide 0.25 mg", False),
        ("Start semaglutide 0.25 mg weekly", "sildenafil 50 mg", True),
        ("Start something for sleep", "sildenafil 50 mg", False),
        ("Start something for sleep", None, True),
    ],
)
def test_a_medication_that_was_carried_out_is_one_that_the_patient_had(text, drug, wrong):
    advice = {"recommendation_id": 1, "patient_id": 1, "recommendation_type": "medication", "status": "completed"}
    advice |= {"created_date": "2025-01-01", "implementation_date": "2025-01-02", "recommendation_text": text}
    taken = (
        [{"patient_medication_id": 1, "patient_id": 1, "drug_name": drug, "stop_date": "2025-06-01"}] if drug else []
    )
    named = reasons("CLN-15", t25againrecommendations=[advice], patient_medications=taken)
    assert named == ({"NO_MEDICATION"} if wrong else set())
    declined = [advice | {"status": "declined"}]
    assert not reasons("CLN-15", t25againrecommendations=declined, patient_medications=taken)
