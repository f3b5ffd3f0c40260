"""Row accounts: the sums must be equal, and when they are not, the table is named."""

import polars as pl
import pytest

from ennu_lib.catalog import load_catalogue
from ennu_lib.config import params_dir
from ennu_lib.evidence import Status
from ennu_lib.reconcile import balance, balance_finding, row_accounts
from ennu_lib.source import Extracted
from ennu_lib.workspace import Workspace

CATALOGUE = load_catalogue(params_dir() / "catalog")


def extracted(**rows):
    return {t: Extracted(t, n, "", f"source/{t}.parquet", 0, (), {}, (), "now") for t, n in rows.items()}


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace("r", tmp_path)
    accounts = pl.DataFrame(
        {"key": ["1", "2", "3"], "account": ["loaded", "loaded", "merged"], "reason": ["ACCEPTED", "ACCEPTED", "TWICE"]}
    )
    workspace.write("accounts/patients", accounts)
    return workspace


def counts(frame, table):
    return {(r["account"], r["reason"]): r["rows"] for r in frame.filter(pl.col("table") == table).to_dicts()}


def test_tables_without_a_mapping_follow_their_disposition(workspace):
    found = row_accounts(extracted(patients=3, postal_codes=5, documents=7, user_credentials=2), CATALOGUE, workspace)
    assert counts(found, "postal_codes") == {("looked_up", "REFERENCE_DATA"): 5}
    assert counts(found, "documents") == {("archived", "ARCHIVE_ONLY"): 7}
    assert counts(found, "user_credentials") == {("excluded", "NEVER_EXTRACTED"): 2}
    assert counts(found, "patients") == {("loaded", "ACCEPTED"): 2, ("merged", "TWICE"): 1}


def test_a_record_that_the_portal_refused_moves_its_row(workspace):
    unloaded = pl.DataFrame({"key": ["2"], "account": ["rejected"], "reason": ["VALIDATION_ERROR"]})
    found = row_accounts(extracted(patients=3), CATALOGUE, workspace, {"patients": unloaded})
    assert counts(found, "patients")[("rejected", "VALIDATION_ERROR")] == 1
    assert found["rows"].sum() == 3


def test_a_table_that_balances_passes_and_one_that_does_not_is_named(workspace):
    good = extracted(patients=3, postal_codes=5)
    assert balance_finding(balance(row_accounts(good, CATALOGUE, workspace), good)).status is Status.PASS
    bad = extracted(patients=4, postal_codes=5)
    balanced = balance(row_accounts(bad, CATALOGUE, workspace), bad)
    assert balanced.filter(~pl.col("balanced"))["table"].to_list() == ["patients"]
    finding = balance_finding(balanced)
    assert finding.status is Status.FAIL
    assert finding.note == "patients"


def test_an_empty_table_balances(workspace):
    good = extracted(patients=3, postal_codes=0)
    assert balance(row_accounts(good, CATALOGUE, workspace), good)["balanced"].all()
