"""Phase 02 over its tables: what the rules name now is in `clean/`, and nothing else."""

import polars as pl
import pytest

from ennu_lib.evidence import open_phase
from ennu_lib.quality.standardize import StandardizeParams
from ennu_lib.quality.tables import standardize_tables

RUN = """\
name: demo
environment: production
today: 2026-06-30
source: {url: "sqlite:///x"}
target: {url: "http://127.0.0.1:1"}
"""


@pytest.fixture
def remediation(tmp_path):
    run = tmp_path / "run.yml"
    run.write_text(RUN)
    audit = open_phase("01_audit", run, "r", root=tmp_path)
    for table in ("patients", "patient_phones"):
        audit.write(f"source/{table}", pl.DataFrame({"__key": ["1"], "phone": ["(813) 229-1234"]}))
    audit.finish("done", "all of it")
    return lambda: open_phase("02_remediation", run, "r", root=tmp_path)


def test_a_table_that_the_rules_name_no_more_is_not_left_in_an_old_form(remediation):
    both = StandardizeParams(tables={"patients": {"phone": "phone"}, "patient_phones": {"phone": "phone"}})
    standardize_tables(remediation(), both)
    phase = remediation()
    events = standardize_tables(phase, StandardizeParams(tables={"patients": {"phone": "phone"}}))
    assert events["after"].to_list() == ["+18132291234"]
    assert phase.workspace.names("clean") == ["events", "patients"]
