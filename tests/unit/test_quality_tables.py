"""Phase 02 over its tables: what the rules name now is in `clean/`, and nothing else."""

import polars as pl
import pytest

from ennu_lib.errors import OutOfOrder, UsageError
from ennu_lib.evidence import open_phase
from ennu_lib.quality.tables import changes_second_time, known_of, standardize_tables
from ennu_lib.quality.undo import mark_undone, rebuild, undone_rules
from tests.support.run_text import RUN
from tests.support.standard_forms import table_rules


@pytest.fixture
def remediation(tmp_path):
    run = tmp_path / "run.yml"
    run.write_text(RUN)
    audit = open_phase("01_audit", run, "r", root=tmp_path)
    for table in ("patients", "patient_phones"):
        audit.write(f"source/{table}", pl.DataFrame({"__key": ["1"], "phone": ["(813) 229-1234"]}))
    audit.finish("done", "all of it")
    return lambda: open_phase("02_remediation", run, "r", root=tmp_path)


RULES = {name: table_rules({"phone": "phone"}, table=name) for name in ("patients", "patient_phones")}


def test_a_table_that_the_rules_name_no_more_is_not_left_in_an_old_form(remediation):
    standardize_tables(remediation(), RULES)
    phase = remediation()
    changes = standardize_tables(phase, {"patients": RULES["patients"]})
    assert changes.by_column.select("table", "standardized").rows() == [("patients", 1)]
    assert phase.workspace.scan("clean/events").collect()["after"].to_list() == ["+18132291234"]
    assert phase.workspace.names("clean") == ["events", "patients"]


def test_the_counts_are_those_of_the_events_and_a_second_time_changes_nothing(remediation):
    phase = remediation()
    changes = standardize_tables(phase, RULES)
    assert changes.rows == changes.tables == 2
    assert changes.shapes.rows() == [("phone", "(###) ###-####", "+###########", 2)]
    assert changes_second_time(phase, RULES) == 0


def test_a_rule_is_undone_and_replayed_and_phase_02_honours_it(remediation):
    phase = remediation()
    standardize_tables(phase, RULES)
    workspace, known = phase.workspace, known_of(phase)
    as_written = workspace.path("clean/patients").read_bytes()
    undone = rebuild(workspace, RULES, known, frozenset({"phone"}))
    assert (undone.changed, undone.events_left_out) == (["patients", "patient_phones"], 2)
    assert workspace.scan("clean/patients").collect().equals(workspace.scan("source/patients").collect())
    mark_undone(workspace, {"phone"})
    assert standardize_tables(phase, RULES, undone_rules(workspace)).by_column.is_empty()
    mark_undone(workspace, ())
    standardize_tables(phase, RULES, undone_rules(workspace))
    assert rebuild(workspace, RULES, known).changed == []
    assert workspace.path("clean/patients").read_bytes() == as_written


def test_only_a_rule_that_made_changes_can_be_undone(remediation):
    phase = remediation()
    with pytest.raises(OutOfOrder):
        rebuild(phase.workspace, RULES, known_of(phase))
    standardize_tables(phase, RULES)
    with pytest.raises(UsageError, match="rules with events: phone"):
        rebuild(phase.workspace, RULES, known_of(phase), frozenset({"names"}))
