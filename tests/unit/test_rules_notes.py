"""Notes, authors and codes as agreed: every code, the table of its day, clinical roles, kinds that are mapped."""

import pytest

from tests.support.small_tables import reasons

CODES = [
    {"code": "E29.1", "gender_limit": "M", "valid_from": "2015-10-01"},
    {"code": "E66.9", "valid_from": "2015-10-01"},
    {"code": "J44.X", "valid_from": "2015-10-01", "valid_to": "2019-09-30"},
]


def note(**more):
    given = {"note_id": 1, "patient_id": 1, "note_date": "2025-05-01 09:00:00", "note_type": "Progress Note"}
    return given | {"note_text": "A text that says something worth reading.", "provider_id": 3} | more


@pytest.mark.parametrize(
    ("codes", "wrong"),
    [
        ("E66.9", set()),
        ("E66.9;E29.1", set()),
        ("E669", {"SPELLING"}),
        ("E66.9, nonsense", {"NOT_A_CODE"}),
        ("E66.9; Q99.9", {"NOT_IN_TABLE"}),
        ("E66.9,250.00", {"ICD9_AFTER_2015"}),
        ("J44.X", {"RETIRED"}),
        ("E66.9;N92.0", {"NOT_IN_TABLE", "OTHER_SEX"}),
    ],
)
def test_every_code_of_a_note_is_looked_at(codes, wrong):
    rows = {"patients": [{"patient_id": 1, "gender": "M"}], "diagnosis_codes_icd10": CODES}
    assert reasons("CLN-09", clinical_notes=[note(diagnosis_codes=codes)], **rows) == wrong


def test_the_table_of_codes_says_which_sex_a_code_is_of():
    rows = {"patients": [{"patient_id": 1, "gender": "F"}], "diagnosis_codes_icd10": CODES}
    problem = {"problem_id": 1, "patient_id": 1, "code": "E29.1", "begin_date": "2025-01-01"}
    assert reasons("CLN-09", problem_list=[problem], **rows) == {"OTHER_SEX"}


def test_a_code_of_before_its_time_is_listed_where_it_was_coded_then():
    rows = {
        "diagnosis_codes_icd10": CODES,
        "encounters": [{"encounter_id": 5, "encounter_date": "2014-05-01 09:00:00"}],
    }
    coded = {"encounter_dx_id": 1, "encounter_id": 5, "code": "E66.9"}
    assert reasons("CLN-09", encounter_diagnoses=[coded], **rows) == {"BEFORE_ITS_TIME"}
    assert not reasons("CLN-09", problem_list=[{"problem_id": 1, "code": "E66.9", "begin_date": "2014-05-01"}], **rows)


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({}, set()),
        ({"note_type": "progress note"}, set()),
        ({"note_type": "Napkin"}, {"NOT_MAPPED"}),
        ({"note_type": None}, {"MISSING"}),
        ({"note_text": "x" * 19}, {"TOO_SHORT"}),
        ({"note_text": "x " * 20}, set()),
        ({"note_date": "2026-07-01 09:00:00"}, {"FUTURE"}),
        ({"encounter_id": 5}, {"OTHER_PATIENT"}),
        ({"patient_id": 77}, {"UNKNOWN_PATIENT"}),
    ],
)
def test_a_note_is_complete(more, wrong):
    rows = {"patients": [{"patient_id": 1}], "encounters": [{"encounter_id": 5, "patient_id": 2}]}
    assert reasons("CLN-10", clinical_notes=[note(**more)], **rows) == wrong


@pytest.mark.parametrize(
    ("provider", "wrong"),
    [
        ({"role": "Physician"}, set()),
        ({"role": "NP"}, set()),
        ({"role": "Front Desk"}, {"NOT_A_CLINICIAN"}),
        ({"role": "Biller"}, {"NOT_A_CLINICIAN"}),
        ({"role": None}, {"NOT_A_CLINICIAN"}),
        ({"role": "Physician", "user_id": 9}, {"NOT_A_CLINICIAN"}),  # an account of the system
        ({"role": "Physician", "hire_date": "2025-05-02"}, {"NOT_EMPLOYED"}),
        ({"role": "Physician", "end_date": "2025-04-17"}, set()),  # signed two weeks later
        ({"role": "Physician", "end_date": "2025-04-16"}, {"NOT_EMPLOYED"}),
    ],
)
def test_the_author_is_a_clinician_of_that_day(provider, wrong):
    rows = {"providers": [{"provider_id": 3} | provider], "staff_users": [{"user_id": 9, "user_type": "system"}]}
    assert reasons("CLN-11", clinical_notes=[note(signed_at="2025-05-02 09:00:00")], **rows) == wrong


def test_nobody_and_somebody_unknown_is_no_author():
    assert "UNKNOWN_PROVIDER" in reasons("CLN-11", clinical_notes=[note()])
    assert "NO_PROVIDER" in reasons("CLN-11", clinical_notes=[note(provider_id=None)])


@pytest.mark.parametrize(
    ("table", "row", "unknown"),
    [
        ("patients", {"patient_id": 1, "gender": "Q"}, True),
        ("patients", {"patient_id": 1, "gender": "woman"}, False),
        ("25againmembers", {"member_id": 1, "membership_type": "Platinum"}, False),
        ("25againmembers", {"member_id": 1, "membership_type": "Moonlight"}, True),
        ("billing_records", {"billing_id": 1, "payment_status": "in limbo"}, True),
        ("lab_results", {"result_id": 1, "result_status": "odd"}, True),
        ("patients", {"patient_id": 1, "gender": None}, False),
    ],
)
def test_a_code_that_no_list_of_the_mapping_has_stands_for_nothing(table, row, unknown):
    assert ("UNKNOWN_CODE" in reasons("GEN-05", **{table: [row]})) is unknown


def test_lost_characters_are_not_called_repaired():
    named = reasons("GEN-04", clinical_notes=[note(note_text="a\ufffdb")])
    assert named == {"UNREADABLE"}
    assert reasons("GEN-04", clinical_notes=[note(note_text="a\x00b")]) == {"NUL"}
