"""The index of a run and the list of runs."""

from __future__ import annotations

import hashlib
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from ennu_lib.report.html import Html
from ennu_lib.report.index import overall, render_index, render_runs
from ennu_lib.report.pagecheck import problems

SAMPLE = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "golden" / "report" / "sample.py")))
SHA = "ab" * 32


@pytest.fixture
def index(tmp_path) -> str:
    out = tmp_path / "index.html"
    digest = render_index(SAMPLE.RUN, SAMPLE.phases(SHA), out)
    assert digest == hashlib.sha256(out.read_bytes()).hexdigest()
    return out.read_text(encoding="utf-8")


def test_a_line_per_phase_in_order(index):
    text = Html(index).text
    names = ["01 Audit", "02 Remediation", "03 Duplicate patients", "04 Mapping"]
    assert sorted(names, key=text.index) == names
    assert '<a href="03_dedupe.html">03 Duplicate patients</a>' in index
    assert "01 AuditPassed16,204,331101,415 MB41 s" in text
    assert "03 Duplicate patientsFailed21,84021–3 min 05 s" in text


def test_a_phase_that_has_not_run_says_so(index):
    assert "04 MappingNot run–––––" in Html(index).text


def test_the_hash_of_every_page_is_listed(index):
    assert f"03_dedupe.html{SHA}" in Html(index).text


def test_the_verdict_is_the_worst_and_counted(index):
    text = Html(index).text
    assert "3 of 4 phases have run; 1 did not pass." in text
    assert "· Failed · ENNU migration" in text


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["pass", "pass"], "2 of 2 phases have run and passed."),
        (["pass", "pass_with_exceptions"], "2 of 2 phases have run and passed, 1 of them with exceptions."),
        (["error", "not_run"], "1 of 2 phases have run; 1 did not pass."),
        (["not_run"], "0 of 1 phases have run."),
    ],
)
def test_the_state_of_a_run_is_one_sentence(tmp_path, verdicts, said):
    out = tmp_path / "index.html"
    render_index({"run_id": "r"}, [{"phase": f"0{i}_x", "verdict": v} for i, v in enumerate(verdicts)], out)
    assert said in Html(out.read_text(encoding="utf-8")).text


def test_the_page_is_sound_and_can_be_signed(index):
    assert problems(index) == []
    assert "Sign-off" in index and "Approval" in index


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "pass_with_exceptions"], "pass_with_exceptions"),
        (["pass", "not_run"], "not_run"),
        (["pass_with_exceptions", "not_run"], "not_run"),
        (["error", "not_run"], "error"),
        ([], "not_run"),
    ],
)
def test_a_run_is_never_better_than_its_phases(verdicts, expected):
    assert overall(verdicts) == expected


def test_records_of_the_runner_are_enough(tmp_path):
    out = tmp_path / "index.html"
    render_index({"run_id": "r"}, [{"phase": "01_audit", "verdict": "error", "seconds": 3.0}], out)
    text = Html(out.read_text(encoding="utf-8")).text
    assert "01 AuditEnded in an error–00–3.0 s" in text


def test_small_row_counts_are_withheld(tmp_path):
    out = tmp_path / "index.html"
    render_index({"run_id": "r"}, [{"phase": "01_audit", "verdict": "pass", "counts": {"rows": 7}}], out)
    text = Html(out.read_text(encoding="utf-8")).text
    assert "01 AuditPassed*0" in text and "* Withheld: a count of people from 1 to 10" in text


def test_the_list_of_runs_has_a_column_per_phase(tmp_path):
    runs = [
        {"run_id": "b", "page": "b/index.html", "phases": {"01_audit": "pass", "02_remediation": "fail"}},
        {"run_id": "a", "environment": "production", "started": "2026-03-04T09:00:00+00:00", "phases": {}},
    ]
    out = tmp_path / "index.html"
    render_runs(runs, out)
    page = out.read_text(encoding="utf-8")
    text = Html(page).text
    assert "AuditRemediation" in text
    assert "b––PassedFailed" in text
    assert "aproduction2026-03-04 09:00:00 UTCNot runNot run" in text
    assert '<a href="b/index.html">b</a>' in page
    assert problems(page) == []


def test_no_run_is_said_in_words(tmp_path):
    out = tmp_path / "index.html"
    render_runs([], out)
    assert "No run has been made yet." in out.read_text(encoding="utf-8")
