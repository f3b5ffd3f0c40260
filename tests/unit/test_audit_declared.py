"""A database that declares its keys is understood even where nothing is in it and no name tells what it points at."""

from __future__ import annotations

import sqlite3

import pytest

from ennu_lib.audit.any_database import audit_database
from ennu_lib.audit.personal import PersonalClass
from tests.support.audited import TODAY

# As hospital systems have it that grew out of a ledger: a patient is a party, and the names stand with the party.
SCHEMA = """
CREATE TABLE party (id INTEGER PRIMARY KEY, code VARCHAR(12), name VARCHAR(60), lastname VARCHAR(60), dob DATE,
    home INTEGER REFERENCES dwelling(id));
CREATE TABLE dwelling (id INTEGER PRIMARY KEY, label VARCHAR(20), street VARCHAR(60), city VARCHAR(60), rooms INTEGER);
CREATE TABLE party_spot (id INTEGER PRIMARY KEY, who INTEGER REFERENCES party(id), street VARCHAR(60), zip VARCHAR(10));
CREATE TABLE hospital_patient (id INTEGER PRIMARY KEY, who INTEGER REFERENCES party(id), blood VARCHAR(5),
    seen_at INTEGER REFERENCES location(id), takes_from INTEGER REFERENCES pharmacy(id));
CREATE TABLE evaluation (id INTEGER PRIMARY KEY, subject INTEGER REFERENCES hospital_patient(id), seen DATE,
    pulse INTEGER);
CREATE TABLE evaluation_line (id INTEGER PRIMARY KEY, of_what INTEGER REFERENCES evaluation(id), remark TEXT);
CREATE TABLE location (id INTEGER PRIMARY KEY, address_1 VARCHAR(60), city VARCHAR(60), zip VARCHAR(10));
CREATE TABLE pharmacy (id INTEGER PRIMARY KEY, name VARCHAR(60), city VARCHAR(60), zip VARCHAR(10));
CREATE TABLE asset (id INTEGER PRIMARY KEY, bought DATE, street VARCHAR(60), city VARCHAR(60), name VARCHAR(60));
"""


@pytest.fixture
def audited(tmp_path):
    def audited(*more: str):
        with sqlite3.connect(tmp_path / "any.sqlite") as database:
            database.executescript(SCHEMA + ";".join(more))
        return audit_database(f"sqlite:///{tmp_path / 'any.sqlite'}", tmp_path / "out", today=TODAY)

    return audited


def classes(data):
    return {(c["table"], c["column"]): c["class"] for c in data["columns"]}


def test_declared_keys_count_where_there_is_nothing_to_infer_from(audited):
    data = audited()
    found = {(r["table"], r["column"]): (r["parent"], r["name_evidence"], r["confidence"]) for r in data["relations"]}
    assert found["evaluation_line", "of_what"] == ("evaluation", "declared", 1.0)
    assert len(found) == len(data["declared_relations"]) == 7
    assert data["patients"] == "hospital_patient"


def test_what_a_declared_key_points_at_is_looked_up(audited):
    data = audited("INSERT INTO evaluation (id, seen) VALUES (1, '2020-01-01')",
                   "INSERT INTO evaluation_line VALUES (1, 1, 'x'), (2, 7, 'y'), (3, NULL, 'z')")  # fmt: skip
    line = next(r for r in data["relations"] if r["table"] == "evaluation_line")
    assert (line["filled_rows"], line["orphans"], line["inclusion"]) == (2, 1, 0.5)


def test_the_persons_behind_the_patients_and_their_homes_are_personal(audited):
    found = classes(audited())
    assert found["party", "name"] == found["party", "lastname"] == PersonalClass.NAMES
    assert found["party", "dob"] == found["evaluation", "seen"] == PersonalClass.DATES
    assert found["dwelling", "street"] == found["party_spot", "zip"] == PersonalClass.GEOGRAPHIC
    assert found["location", "address_1"] == PersonalClass.GEOGRAPHIC
    assert found["evaluation", "subject"] == PersonalClass.MEDICAL_RECORD_NUMBER
    assert found["evaluation_line", "remark"] == PersonalClass.CLINICAL


def test_what_no_person_is_near_is_not(audited):
    found = classes(audited())
    assert {found["asset", c] for c in ("bought", "street", "city", "name")} == {PersonalClass.OPERATIONAL}
    assert found["pharmacy", "city"] == PersonalClass.NONE
    assert found["dwelling", "rooms"] == PersonalClass.OPERATIONAL
