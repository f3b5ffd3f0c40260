"""Verdicts, notes, findings, flows, row accounts."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from ennu_lib.evidence import check
from ennu_lib.report import (
    accounts_table,
    either,
    finding,
    findings_table,
    flow,
    key_numbers,
    not_done,
    note,
    show,
    verdict,
)
from ennu_lib.report.findings import failures, tally
from ennu_lib.report.status import LOOKS, mark, worst

SAMPLE = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "golden" / "report" / "sample.py")))


@pytest.mark.parametrize("status", LOOKS)
def test_a_status_is_a_word_and_a_shape(status):
    drawn = mark(status).markup
    assert LOOKS[status].word in drawn
    assert '<svg viewBox="0 0 16 16" fill="currentColor" aria-hidden="true"' in drawn


def test_no_two_statuses_share_a_shape_or_a_word():
    assert len({look.shape for look in LOOKS.values()}) == len({look.word for look in LOOKS.values()}) == len(LOOKS)


def test_an_unknown_status_is_refused():
    with pytest.raises(ValueError, match="a status is one of pass, pass_with_exceptions"):
        verdict("green", "x")


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [([], "not_run"), (["pass", "not_applicable"], "pass"), (["fail", "pass"], "fail"), (["fail", "error"], "error")],
)
def test_the_worst_status_stands_for_all(statuses, expected):
    assert worst(statuses) == expected


def test_a_verdict_speaks_in_sentences():
    drawn = verdict("pass_with_exceptions", "All `rows` are there.", "One.\n\nTwo.").markup
    assert "Passed with exceptions" in drawn
    assert "All <code>rows</code> are there." in drawn
    assert "<p>One.</p><p>Two.</p>" in drawn


def test_the_distributable_verdict_speaks_of_ten_or_fewer():
    drawn = verdict("pass", "3 of 4,031 twins were merged.", "2 pairs wait.")
    assert "3 of 4,031 twins" in drawn.markup
    assert "few of 4,031 twins" in drawn.distributable and "10 or fewer pairs wait" in drawn.distributable


def test_failed_checks_come_first_and_show_what_is_tolerated():
    text = findings_table(SAMPLE.FINDINGS).text
    order = ["Planted twins", "Pairs that no rule", "Every source patient", "Households"]
    assert sorted(order, key=text.index) == order
    assert "3 of 120 (2.5 %)" in text and "5.0 %" in text and "nothing to check" in text
    assert "dedupe-members · stops the run" in text


def test_findings_of_the_evidence_are_taken_as_they_are():
    found = check("rows", "Rows match", 2, 1000, tolerated=0.01, reason="Agreed.")
    assert "2 of 1,000 (0.2 %)" in findings_table([found]).markup
    assert "Passed with exceptions" in finding(found).markup
    assert "* of 1,000" in finding(found).distributable


def test_the_distributable_findings_show_no_small_count_and_no_small_rest():
    rest = {**SAMPLE.FINDINGS[0], "numerator": 995, "denominator": 1000}
    drawn = findings_table([*SAMPLE.FINDINGS, rest])
    assert "3 of 120" in drawn.markup and "995 of 1,000" in drawn.markup
    assert "* of 120" in drawn.distributable and "* of 1,000" in drawn.distributable
    assert "995" not in drawn.distributable


def test_what_did_not_pass_is_listed_and_nothing_else():
    text = failures(SAMPLE.FINDINGS).text
    assert "Planted twins" in text and "Pairs that no rule" not in text
    assert failures(SAMPLE.FINDINGS[:1]).markup == ""


def test_checks_are_counted_by_outcome():
    assert tally(SAMPLE.FINDINGS) == {"passed": 1, "with_exceptions": 1, "failed": 1, "not_applicable": 1}


def test_no_check_is_said_in_words():
    assert "No check was made." in findings_table([]).markup


def test_a_flow_shows_source_rule_and_target_and_counts_what_is_left_out():
    text = flow(SAMPLE.STEPS, caption="patients to Contact", source="patients", target="Contact").text
    assert "first_nametrim, then title case→firstnametextaddressing the patient" in text
    assert "gender_codecode list gender, 4 codes→genderenumeration · sensitivereference ranges" in text
    assert "faxno purpose in the new systemexcluded" in text
    assert "2 of 3 fields are carried over, 1 excluded." in text


def test_a_flow_without_a_reason_is_refused():
    with pytest.raises(ValueError, match="step 2 lacks its source or its rule"):
        flow([{"source": "a", "rule": "b"}, {"source": "fax", "rule": ""}], caption="x")


def test_row_accounts_add_up_and_the_ones_that_do_not_come_first():
    text = accounts_table(SAMPLE.EVIDENCE["accounts"]).text
    assert text.index("patient_phones") < text.index("audit_log")
    assert "32,32932,331Failed" in text
    assert "21,84021,840Passed" in text
    assert "1,258,5001,258,502Failed" in text


def test_only_accounts_in_use_have_a_column():
    text = accounts_table({"a": {"loaded": 30}}).text
    assert "Loaded" in text and "Rejected" not in text


def test_distributable_row_accounts_cannot_be_subtracted():
    drawn = accounts_table({"a": {"loaded": 100, "quarantined": 3}, "b": {"loaded": 50, "quarantined": 40}})
    assert "100" in drawn.markup and "100" not in drawn.distributable
    assert drawn.distributable.count(">*<") >= 4
    lone = accounts_table({"a": {"loaded": 3, "source_rows": 3}, "b": {"loaded": 50}})
    assert ">3<" in lone.markup and ">3<" not in lone.distributable


def test_an_unknown_account_is_refused():
    with pytest.raises(ValueError, match="no account lost; the accounts are loaded, merged"):
        accounts_table({"a": {"lost": 1}})


def test_key_numbers_of_people_are_masked_when_distributed():
    drawn = key_numbers({"rows_in": 5, "twins": 3}, people=["twins"])
    assert "<dt>Rows in</dt><dd>5</dd>" in drawn.markup and "<dd>3</dd>" in drawn.markup
    assert "<dd>5</dd>" in drawn.distributable and "<dd>*</dd>" in drawn.distributable


def test_notes_are_of_three_kinds():
    assert "Not checked" in note("x", "limit").markup
    with pytest.raises(ValueError, match="a note is one of note, limit, attention"):
        note("x", "warning")


def test_limits_are_a_list_of_sentences():
    assert not_done(["A `b`.", "C."]).markup.count("<li>") == 2


def test_blocks_are_shown_together_and_nothing_else_is():
    both = show(note("a"), either(note("three"), note("few")))
    assert "three" in both.markup and "few" not in both.markup
    assert "few" in both.distributable and "three" not in both.distributable
    assert show(note("a")).distributable is None
    with pytest.raises(TypeError, match="show\\(\\) takes blocks"):
        show("text")
