"""`ennu quality`: undo and replay on the files of a run, and the score against a clinic's labels."""

import json

import polars as pl
import pytest

from ennu_lib.catalog import load_catalogue
from ennu_lib.config import params_dir
from ennu_lib.errors import GateFailed, UsageError
from ennu_lib.evidence import open_phase
from ennu_lib.quality import load_standardize, standardize_tables
from ennu_lib.quality.commands import replay, score, undo
from ennu_lib.workspace import Workspace

RUN = """\
name: tiny
environment: rehearsal
today: 2026-06-30
source: {url: "sqlite:///x"}
target: {emulator: {state: portal/x.sqlite}}
"""
PATIENTS = pl.DataFrame(
    {
        "__key": ["1", "2", "3", "4"],
        "patient_id": [1, 2, 3, 4],
        "phone_primary": ["813.229.1234", "(813) 229-1235", "555-0142", None],
        "city": ["TAMPA", "Tampa", "FL", "Tampa"],
        "state": ["Florida", "FL", "Tampa", "FL"],
        "first_name": ["mary", "Ann", "Kim", "Lee"],
    }
)
LABELS = [
    ("patients", "1", "phone_spelling:phone_primary", "(813) 229-1234"),
    ("patients", "1", "state_spelling:state", "FL"),
    ("patients", "3", "placeholder_phone:phone_primary", "(813) 229-1299"),
    ("patients", "3", "swapped_fields:city", "Tampa"),
    ("patients", "3", "swapped_fields:state", "FL"),
    ("patients", "1", "name_case:first_name", "Mary"),
    ("patients", "4", "orphan:primary_provider", "17"),
]


@pytest.fixture
def run(workspace_folder, tmp_path):
    file = tmp_path / "run.yml"
    file.write_text(RUN)
    audit = open_phase("01_audit", file, "r")
    audit.write("source/patients", PATIENTS)
    audit.finish("done", "all of it")
    phase = open_phase("02_remediation", file, "r")
    catalogue = load_catalogue(params_dir() / "catalog")
    standardize_tables(phase, load_standardize(params_dir() / "rules" / "standardize.yml", catalogue))
    phase.finish("done", "all of it")
    return Workspace("r")


def labels(folder, rows):
    path = folder / "labels.parquet"
    pl.DataFrame(rows, schema=["table", "key", "defect", "truth"], orient="row").write_parquet(path)
    return path


def test_undo_takes_a_rule_back_and_replay_brings_it_again(run, capsys):
    as_written = run.path("clean/patients").read_bytes()
    undo("r", ["phone"], print)
    assert "3 changes taken back in 1 of 1 tables" in capsys.readouterr().out
    assert run.scan("clean/patients").collect()["phone_primary"].to_list() == PATIENTS["phone_primary"].to_list()
    assert json.loads(run.path("clean/undone", ".json").read_text())["rules"] == ["phone"]
    assert not run.exists("evidence/02_remediation", ".json"), "later phases must not read what phase 02 did not write"
    replay("r", print)
    assert "phone in force again" in capsys.readouterr().out
    assert run.path("clean/patients").read_bytes() == as_written


def test_replay_says_that_nothing_differs_and_keeps_the_end_of_phase_02(run, capsys):
    replay("r", print)
    assert "1 are as they were, 0 differ" in capsys.readouterr().out
    assert run.exists("evidence/02_remediation", ".json")


def test_score_counts_repaired_cells_that_hold_the_truth(run, workspace_folder, capsys):
    score("r", labels(workspace_folder, LABELS), print)
    said = capsys.readouterr().out
    assert said.splitlines()[-1].split() == ["all", "6", "6", "6", "100.00%"]
    assert "orphan" not in said


def test_score_fails_when_repaired_cells_do_not_hold_the_truth(run, workspace_folder):
    with pytest.raises(GateFailed, match=r"83\.33%"):
        score("r", labels(workspace_folder, [*LABELS[:5], ("patients", "1", "name_case:first_name", "Marie")]), print)


def test_a_run_that_is_not_there_is_a_usage_error(workspace_folder):
    with pytest.raises(UsageError):
        replay("nowhere", print)
