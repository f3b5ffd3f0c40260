"""Relations are found by names and values together, and never by a coincidence of small numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ennu_lib.audit.graph import FOUNDATION, migration_order
from ennu_lib.audit.names import counts_things, words
from ennu_lib.audit.relations import RELATIONS
from tests.support.audited import audited, found_relations, sqlite_of
from tests.support.other_schemas import synthea

RNG = np.random.default_rng(4)
PATIENTS, USERS, DOCTORS, VISITS = 400, 60, 15, 900


def draw(low: int, high: int, size: int) -> list[int]:
    return RNG.integers(low, high + 1, size).tolist()


def clinic(**changes: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """A clinic without a single declared key."""
    return {
        "patients": pl.DataFrame(
            {
                "patient_id": range(1, PATIENTS + 1),
                "first_name": [f"Name{n}" for n in range(PATIENTS)],
                "last_name": ["Ames"] * PATIENTS,
                "birth_date": [f"19{n % 90 + 10}-01-02" for n in range(PATIENTS)],
                "guarantor_id": draw(1, PATIENTS, PATIENTS),
                "visits": draw(1, 12, PATIENTS),
            }
        ),
        "users": pl.DataFrame({"id": range(1, USERS + 1), "login": [f"u{n}" for n in range(USERS)]}),
        "doctors": pl.DataFrame({"doctor_id": range(1, DOCTORS + 1), "title": ["MD"] * DOCTORS}),
        "visits": pl.DataFrame(
            {
                "visit_id": range(1, VISITS + 1),
                "patient_id": [*draw(1, PATIENTS, VISITS - 3), 9001, 9002, 9003],
                "physician": draw(1, DOCTORS, VISITS),
                "created_by": draw(1, USERS, VISITS),
                "priority": draw(1, 5, VISITS),
                "sort": draw(1, 50, VISITS),
                "prev_visit_id": [None] * 500 + draw(1, 400, VISITS - 500),
            }
        ),
        "codes": pl.DataFrame({"code": [f"C{n:03}" for n in range(300)], "label": ["text"] * 300}),
        "visit_codes": pl.DataFrame(
            {
                "row": range(1, VISITS + 1),
                "VisitNum": draw(1, VISITS, VISITS),
                "what": [f"c{n:03} " for n in draw(0, 299, VISITS - 5)] + ["gone"] * 5,
            }
        ),
        **changes,
    }


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("relations")
    return audited(sqlite_of(folder / "clinic.sqlite", clinic()), folder)


def test_relations_are_found_without_any_declared_key(result):
    assert found_relations(result) == {
        "patients.guarantor_id": "patients.patient_id",
        "visits.patient_id": "patients.patient_id",
        "visits.physician": "doctors.doctor_id",
        "visits.created_by": "users.id",
        "visits.prev_visit_id": "visits.visit_id",
        "visit_codes.VisitNum": "visits.visit_id",
        "visit_codes.what": "codes.code",
    }


def test_orphans_are_counted_and_traced_to_the_patients_they_touch(result):
    codes, visits = result.orphans.to_dicts()
    assert (visits["table"], visits["column"], visits["orphans"], visits["missing_parents"]) == (
        "visits", "patient_id", 3, 3,
    )  # fmt: skip
    assert visits["patients"] is None, "the missing parent is the patient"
    assert (codes["table"], codes["orphans"], codes["missing_parents"]) == ("visit_codes", 5, 1)
    assert codes["by"] == "visit_codes.VisitNum → visits.patient_id"
    assert codes["patients"] == 5


def test_the_move_goes_from_parents_to_children(result):
    step = dict(result.order.iter_rows())
    assert step["patients"] == step["codes"] == 1
    assert step["patients"] < step["visits"] < step["visit_codes"]
    cut = {f"{c['table']}.{c['column']}" for c in result.cuts.iter_rows(named=True)}
    assert cut == {"patients.guarantor_id", "visits.prev_visit_id"}


def test_tables_that_cannot_stand_alone_move_together(result):
    moves = dict(result.groups.iter_rows())
    assert moves["visit_codes"] == moves["visits"] == "visits"
    assert moves["patients"] == "patients" and moves["codes"] == FOUNDATION


def test_values_that_the_parent_lacks_refute_a_name(tmp_path):
    strangers = clinic()["visits"].with_columns(pl.col("patient_id") + 10 * PATIENTS)
    result = audited(sqlite_of(tmp_path / "clinic.sqlite", clinic(visits=strangers)), tmp_path)
    assert "visits.patient_id" not in found_relations(result)


def test_values_tell_apart_who_did_it(tmp_path):
    """Sixty users and fifteen doctors: two hundred different rows whose numbers never pass fifteen are doctors'."""
    by_doctors = clinic()["visits"].with_columns(pl.Series("created_by", draw(1, DOCTORS, VISITS)))
    tables = clinic(visits=by_doctors)
    result = audited(sqlite_of(tmp_path / "clinic.sqlite", tables), tmp_path)
    assert found_relations(result)["visits.created_by"] == "doctors.doctor_id"


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_cycle_is_cut_at_a_named_relation(size):
    names = [f"t{n}" for n in range(size)]
    rows = [
        {"table": a, "column": "x", "parent": b, "parent_column": "id", "filled_rows": 10 + n, "confidence": 0.9}
        for n, (a, b) in enumerate(zip(names, names[1:] + names[:1], strict=True))
    ]
    order, cuts = migration_order(names, pl.DataFrame(rows, schema_overrides=RELATIONS))
    assert cuts.select("table", "column").rows() == [("t0", "x")]
    assert sorted(order["step"]) == list(range(1, size + 1))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("PatNum", ("pat", "num")),
        ("25againMembers", ("25", "again", "member")),
        ("diagnosis_codes_icd10", ("diagnosis", "code", "icd", "10")),
        ("HTTPServerIDs", ("http", "server", "i", "ds")),
        ("address line-2", ("address", "line", "2")),
    ],
)
def test_words_of_a_name(name, expected):
    assert words(name) == expected


def test_a_plural_counts_things():
    ids = ("id", "code")
    assert counts_things("package_credits", ids) and not counts_things("diagnosis_codes", ids)
    assert not counts_things("status", ids)


def test_relations_of_a_synthea_export_are_found(tmp_path):
    result = audited(sqlite_of(tmp_path / "synthea.sqlite", synthea()), tmp_path)
    of_visit = {"PATIENT": "patients.Id", "ENCOUNTER": "encounters.Id"}
    assert found_relations(result) == {
        "providers.ORGANIZATION": "organizations.Id",
        "encounters.PATIENT": "patients.Id",
        "encounters.ORGANIZATION": "organizations.Id",
        "encounters.PROVIDER": "providers.Id",
        "encounters.PAYER": "payers.Id",
        "payer_transitions.PATIENT": "patients.Id",
        "payer_transitions.PAYER": "payers.Id",
        **{f"{table}.{column}": key for table in ("conditions", "observations") for column, key in of_visit.items()},
    }
    assert result.patients == "patients"
