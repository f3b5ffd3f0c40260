"""Personal data is found in schemas that the rules were not written from; a person's decision outranks them."""

from __future__ import annotations

import pytest

from ennu_lib.audit.classes import IDENTIFIERS, PERSONAL, PersonalClass
from ennu_lib.audit.params import load_audit_params
from ennu_lib.audit.personal import Decision, classify, read_decisions
from ennu_lib.audit.scoring import recall_and_precision
from ennu_lib.audit.subjects import Subject
from ennu_lib.errors import ConfigurationError
from tests.support.audited import PARAMS, audited, found_relations, sqlite_of
from tests.support.other_schemas import OPEN_DENTAL, OPENEMR, schema

SCHEMAS = {"openemr": OPENEMR, "open_dental": OPEN_DENTAL}


@pytest.fixture(scope="module", params=list(SCHEMAS))
def other(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    tables, truth = schema(SCHEMAS[request.param])
    return request.param, audited(sqlite_of(folder / "other.sqlite", tables), folder), truth


def classes(result) -> dict[tuple[str, str], str]:
    return {(r["table"], r["column"]): r["class"] for r in result.classes.iter_rows(named=True)}


@pytest.mark.parametrize("sought", [IDENTIFIERS, PERSONAL], ids=["identifiers", "personal"])
def test_personal_columns_of_other_systems_are_found(other, sought):
    _, result, truth = other
    found = {at: c for at, c in classes(result).items() if at in truth}
    score = recall_and_precision(
        {at for at, c in truth.items() if c in sought}, {at for at, c in found.items() if c in sought}
    )
    assert score.recall >= 0.98, sorted(score.missed)
    assert score.precision >= 0.90, sorted(score.wrong)


def test_the_patients_are_recognized(other):
    name, result, _ = other
    assert result.patients == {"openemr": "patient_data", "open_dental": "patient"}[name]


def test_relations_of_other_systems_are_found(other):
    """Every `>table` of the schema; OpenEMR calls an insurer `provider` and a patient `foreign_id`."""
    name, result, _ = other
    wanted = set()
    for line in SCHEMAS[name].replace("\n  ", " ").strip().splitlines():
        table, _, columns = line.partition(":")
        wanted |= {(f"{table}.{c.split()[0]}", c.split()[1][1:]) for c in columns.split("|") if c.split()[1][0] == ">"}
    found = {(child, parent.partition(".")[0]) for child, parent in found_relations(result).items()}
    score = recall_and_precision(wanted, found)
    assert score.recall >= 0.85, sorted(score.missed)
    assert score.precision >= 0.9, sorted(score.wrong)


def test_a_persons_decision_outranks_the_rules(other):
    name, result, _ = other
    table, column = ("patient_data", "email") if name == "openemr" else ("patient", "Email")
    assert classes(result)[table, column] == "email"
    decision = Decision(PersonalClass.NONE, "privacy officer", "2026-06-01", "a test system")
    about = {t: Subject(s) for t, s in result.subjects.items()}
    params = load_audit_params(PARAMS).personal
    again = classify(
        result.columns, about, result.relations, result.keys, result.patients, params, {(table, column): decision}
    )
    row = next(r for r in again.iter_rows(named=True) if (r["table"], r["column"]) == (table, column))
    assert (row["class"], row["decided"], row["reason"]) == ("none", "person", "a test system")


def test_decisions_are_read_and_every_mistake_is_named(tmp_path):
    path = tmp_path / "decisions.csv"
    assert read_decisions(path) == {}
    path.write_text("table,column,class,by,date,reason\npatients,note,clinical,po,2026-01-02,looked at it\n")
    assert read_decisions(path)["patients", "note"].class_ is PersonalClass.CLINICAL
    path.write_text("table,column,class,by,date,reason\na,b,secret,po,2026-01-02,x\na,c,none,,2026-01-02,x\n")
    with pytest.raises(ConfigurationError) as refused:
        read_decisions(path)
    assert "line 2: class 'secret' is none of" in str(refused.value)
    assert "line 3: a decision says by whom" in str(refused.value)


def test_the_shipped_decisions_are_sound():
    read_decisions(PARAMS / "decisions.csv")
