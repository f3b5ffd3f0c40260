"""What a phase leaves when it ends badly: a page that says so, and nothing that a later phase would trust."""

import json

import nbformat
import pytest

from ennu_lib.config import load_run
from ennu_lib.errors import EnnuError
from ennu_lib.evidence import phase_spec
from ennu_lib.run.runner import Runner, portal

RUN = """\
name: tiny
environment: rehearsal
today: 2026-06-30
source: {url: "sqlite:///x"}
target: {url: "http://127.0.0.1:1"}
"""
OPEN = "from ennu_lib.evidence import open_phase\nphase = open_phase('01_audit', run, run_id)"
FINISH = "_ = phase.finish('done', 'all of it')"


@pytest.fixture
def attempt(tmp_path, workspace_folder, monkeypatch):
    """Run phase 01 with code cells given as text; return the workspace of the run and the exit code."""
    monkeypatch.setenv("ENNU_HOME", str(tmp_path))
    (tmp_path / "notebooks").mkdir()

    def attempt(*sources, more=""):
        (tmp_path / "run.yml").write_text(RUN + more)
        parameters = nbformat.v4.new_code_cell("run = run_id = ''", metadata={"tags": ["parameters"]})
        cells = [parameters, *map(nbformat.v4.new_code_cell, sources)]
        kernel = {"name": "python3", "display_name": "p", "language": "python"}
        document = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(document, tmp_path / "notebooks/01_audit.ipynb")
        try:
            Runner(str(tmp_path / "run.yml"), "r1", lambda *_, **__: None).run([phase_spec("01")])
        except EnnuError as error:
            return workspace_folder / "r1", error.exit_code
        return workspace_folder / "r1", 0

    return attempt


def test_a_phase_that_fails_after_its_end_marker_leaves_none(attempt):
    run, code = attempt(OPEN, FINISH, "raise ValueError")
    assert code == 30
    assert not (run / "evidence/01_audit.json").exists()
    assert json.loads((run / "run.json").read_text())["phases"][0]["status"] == "failed"


def test_what_an_earlier_attempt_left_is_not_taken_for_this_one(attempt):
    run, code = attempt(OPEN, FINISH)
    assert (code, (run / "evidence/01_audit.json").exists()) == (0, True)
    run, code = attempt("import nowhere")
    assert code == 30
    assert not (run / "evidence/01_audit.json").exists()
    run, code = attempt("1")
    assert code == 30


def test_what_a_killed_process_left_half_written_is_removed(attempt):
    run, _ = attempt(OPEN, FINISH)
    part = run / "source/.part-4194305-patients.parquet"
    part.parent.mkdir()
    part.touch()
    attempt(OPEN, FINISH)
    assert not part.exists()


def test_a_phase_that_takes_longer_than_its_limit_is_ended(attempt):
    run, code = attempt("import time; time.sleep(60)", more="runner: {phase_hours: 0.0005}\n")
    record = json.loads((run / "run.json").read_text())["phases"][0]
    assert (code, record["status"]) == (30, "failed")
    assert "runner.phase_hours" in record["message"]
    assert record["seconds"] < 30


def test_the_portal_of_a_rehearsal_leaves_private_folders_only(tmp_path, workspace_folder):
    (tmp_path / "run.yml").write_text(RUN)
    with portal(load_run(tmp_path / "run.yml")):
        assert (workspace_folder / ".secrets/ENNU_KEY").stat().st_mode & 0o777 == 0o600
    assert [p.stat().st_mode & 0o777 for p in (workspace_folder, workspace_folder / ".secrets")] == [0o700] * 2
