"""What is loaded as agreed: one Contact per survivor with his own aliases, every object, every id once, no name."""

import datetime as dt

import polars as pl
import pytest

from ennu_lib.config import params_dir
from ennu_lib.evidence import Status
from ennu_lib.rules import Tables, load_rules, run_rules

RULES = load_rules(params_dir() / "rules")
TEXT = pl.String


def files() -> dict[str, pl.DataFrame]:
    """Patients 1 and 2 survive, 3 was merged into 1, 4 into 2."""
    return {
        "source/patients": pl.DataFrame(
            {"__key": ["1", "2", "3", "4"], "patient_id": [1, 2, 3, 4], "first_name": "Rosalind", "last_name": "Okafor"}
        ),
        "identity/members": pl.DataFrame({"patient_id": ["1", "2", "3", "4"], "golden_id": ["1", "2", "1", "2"]}),
        "mapped/patients": pl.DataFrame({"__key": ["1", "2"], "__account": ["loaded", "loaded"]}),
        "targets/contacts": contacts(),
        "targets/staff_management": pl.DataFrame({"ennu_external_id": ["s1", "s2"]}),
        "reconcile/differences": pl.DataFrame(schema={"object": TEXT, "external_id": TEXT}),
        "clean/issues": issues("PAT-03", "patients", "gender", "MISSING"),
        "issues/04_mapping": issues("GAT-04", "contacts", "email", "TWICE"),
        "load/ids.contacts": pl.DataFrame({"external_id": ["e1", "e2"], "hubspot_id": ["101", "102"]}),
    }


def contacts(ids=("P-1", "P-2"), aliases=("P-3", "P-4")):
    given = {"legacy_patient_id": ids, "legacy_patient_id_aliases": aliases, "ennu_external_id": ("e1", "e2")}
    return pl.DataFrame(given).with_columns(email=pl.lit(None, dtype=TEXT))


def issues(rule, table, column, reason):
    return pl.DataFrame({"rule": [rule], "table": [table], "column": [column], "reason": [reason]})


def found(rule, texts=(), **changed):
    frames = files() | {name.replace("__", "/").replace("ids_", "ids."): frame for name, frame in changed.items()}
    tables = Tables(lambda n: frames[n].lazy() if n in frames else None, dt.date(2026, 6, 30), params_dir())
    tables.texts = lambda: texts
    run = run_rules([RULES[rule]], tables)
    return run.results[rule].status, set(run.issues.select("table", "key", "reason").iter_rows())


@pytest.mark.parametrize("rule", ["PAT-01", "PAT-02", "GEN-03", "GEN-08", "GAT-07", "GAT-08"])
def test_a_clean_load_passes(rule):
    assert found(rule) == (Status.PASS, set())


def test_an_alias_stands_on_the_contact_of_its_own_survivor():
    exchanged = found("PAT-01", targets__contacts=contacts(aliases=("P-4", "P-3")))[1]
    assert exchanged == {("patients", "3", "NO_ALIAS"), ("patients", "4", "NO_ALIAS")}


def test_the_number_of_a_contact_begins_as_agreed():
    assert found("PAT-01", targets__contacts=contacts(ids=("1", "P-2")))[1] >= {("patients", "1", "NOT_ONE_CONTACT")}


def test_an_alias_of_nobody_is_a_stranger_too():
    assert found("PAT-02", targets__contacts=contacts(aliases=("P-3", "P-4;P-99")))[1] == {
        ("contacts", "2", "UNKNOWN_PATIENT")
    }


def test_every_object_is_compared_and_one_that_is_not_loaded_hides_none():
    differs = pl.DataFrame({"object": ["staff_management"], "external_id": ["s2"]})
    assert found("GEN-03", reconcile__differences=differs)[1] == {("staff_management", "s2", "DIFFERS")}


@pytest.mark.parametrize(
    ("ids", "named"),
    [
        (
            {"external_id": ["e1", "e2"], "hubspot_id": ["101", "101"]},
            {("e1", "RECORD_OF_TWO"), ("e2", "RECORD_OF_TWO")},
        ),
        ({"external_id": ["e1", "e1"], "hubspot_id": ["101", "102"]}, {("e1", "TWO_RECORDS")}),
        ({"external_id": ["e1", "e2"], "hubspot_id": ["101", None]}, {("e2", "NO_RECORD")}),
    ],
)
def test_every_id_has_one_record_in_the_portal(ids, named):
    assert {(key, reason) for _, key, reason in found("GAT-08", load__ids_contacts=pl.DataFrame(ids))[1]} == named


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Rosalind Okafor called twice", "NAME"),
        ("the chart of Okafor, Rosalind", "NAME"),
        ("Dr Rosalind Okafor", "NAME"),
        ("rosalind and okafor are words", None),
        ("Rosalind Franklin", None),
        ("call 813-229-1234", "PHONE"),
    ],
)
@pytest.mark.parametrize("rule", ["GEN-08", "GAT-07"])
def test_nothing_that_was_written_names_a_patient(rule, text, kind):
    status, named = found(rule, texts=[("worklists/billing.csv", text)])
    assert {reason for _, _, reason in named} == ({kind} if kind else set())
    assert status is (Status.FAIL if kind else Status.PASS)


def test_issues_of_later_phases_are_looked_at_in_the_end():
    remark = issues("GAT-04", "contacts", "called twice", "TWICE")
    assert found("GEN-08", issues__04_mapping=remark)[1] == set()
    assert {reason for _, _, reason in found("GAT-07", issues__04_mapping=remark)[1]} == {"NOT_A_COLUMN"}
