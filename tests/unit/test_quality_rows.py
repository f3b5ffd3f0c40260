"""A finding refers to rows by pseudonyms: bounded, stable, counted on the page, resolved in the workspace only."""

import polars as pl
import pytest

from ennu_lib.config import params_dir
from ennu_lib.errors import UsageError
from ennu_lib.evidence import Finding, Status, row_references
from ennu_lib.keys import Keys
from ennu_lib.quality.rows import resolve
from ennu_lib.report import finding, findings_table
from ennu_lib.rules import ISSUES_FILES, load_rules, rule_findings
from ennu_lib.rules.engine import ISSUES, Result, RuleRun
from ennu_lib.rules.quarantine import references
from ennu_lib.workspace import Workspace

KEY, OTHER = "k" * 40, "j" * 40
ROWS = [("CLN-01", "lab_results", str(n % 30), "test_value", f"REASON_{n % 2}") for n in range(60)]


def issues(key=KEY, rows=ROWS):
    frame = pl.DataFrame(rows, schema=ISSUES, orient="row")
    return frame.with_columns(references(frame, Keys(key)))


def test_references_are_bounded_and_count_every_row_once():
    found = row_references(issues()["reference"], "clean/issues")
    assert (len(found.listed), found.total, found.file) == (20, 30, "clean/issues")
    assert found.listed == sorted(found.listed)


def test_references_are_the_same_for_the_same_key_and_others_for_another():
    shuffled = issues(rows=ROWS[::-1])["reference"]
    assert row_references(issues()["reference"], "x") == row_references(shuffled, "x")
    assert set(issues()["reference"]).isdisjoint(issues(OTHER)["reference"])


def test_a_rule_has_the_references_of_its_own_rows_and_a_rule_that_holds_has_none():
    rules = load_rules(params_dir() / "rules")
    results = {id: Result(rules[id], 100, 30 if id == "CLN-01" else 0, Status.PASS) for id in ("CLN-01", "PAT-03")}
    found = {one.id: one for one in rule_findings(RuleRun(results, issues()), issues(), "clean/issues")}
    assert found["CLN-01"].rows.total == found["CLN-01"].numerator == 30
    assert found["PAT-03"].rows is None


@pytest.mark.parametrize(("failed", "shown"), [(30, "Row references: 30;"), (4, "Row references: *;")])
def test_the_page_says_how_many_and_how_to_resolve_them_and_lists_none(failed, shown):
    references = [f"{n:032x}" for n in range(failed)]
    one = Finding(
        id="CLN-01", title="t", status="fail", numerator=failed, denominator=500, rows=row_references(references, "x")
    )
    for drawn in (finding(one), findings_table([one])):
        assert f"Row references: {failed};" in drawn.markup
        assert shown in drawn.distributable
        assert "ennu quality rows CLN-01" in drawn.distributable
        assert not any(reference in drawn.markup for reference in references)


def test_few_rows_that_hold_withhold_the_count_of_those_that_do_not():
    one = Finding(
        id="X-1", title="t", status="fail", numerator=95, denominator=100,
        rows=row_references(map(str, range(95)), "x"),
    )  # fmt: skip
    assert "95" not in finding(one).distributable


def test_the_command_writes_the_rows_into_the_private_workspace_and_says_none(tmp_path):
    workspace, said = Workspace("r1", tmp_path), []
    with pytest.raises(UsageError, match="has no issues yet"):
        resolve(workspace, "CLN-01", [], said.append)
    workspace.write(ISSUES_FILES["source"], issues())
    resolve(workspace, "CLN-01", [], said.append)
    file = tmp_path / "r1/worklists/rows.CLN-01.csv"
    assert said == [f"30 rows, 60 cells that fail CLN-01: {file}"]
    assert file.stat().st_mode & 0o077 == 0
    wanted = issues()["reference"][0]
    resolve(workspace, "CLN-01", [wanted], said.append)
    assert set(pl.read_csv(file)["key"]) == {0}
    resolve(workspace, "PAT-03", [], said.append)
    assert said[-1] == "no row fails PAT-03 in run r1"
    with pytest.raises(UsageError, match="none of CLN-01"):
        resolve(workspace, "CLN-01", ["f" * 32], said.append)
