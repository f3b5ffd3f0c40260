"""The outcome of rules as findings of a phase."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ennu_lib.config import params_dir
from ennu_lib.evidence import Finding, Phase, RowReferences, Severity, Status, row_references
from ennu_lib.rules.definition import Moment, Rule, load_rules
from ennu_lib.rules.engine import Result, RuleRun, run_rules
from ennu_lib.rules.quarantine import references
from ennu_lib.rules.tables import workspace_tables
from ennu_lib.rules.trial import amber, kill_findings, try_rules

# A rule of severity `error` keeps rows from the load and gates the go-live; it does not end the run, as `block` does.
WEIGHT = {Severity.ERROR: Severity.WARN}
# Where the failing cells of each moment are, with the references of their rows.
ISSUES_FILES: dict[str, str] = {
    "source": "clean/issues",
    "mapped": "issues/04_mapping",
    "scored": "issues/05_health_scores",
    "loaded": "issues/08_reconciliation",
}


def rule_findings(run: RuleRun, issues: pl.DataFrame, file: str) -> list[Finding]:
    """One finding per rule that was run; `issues` are its failing cells with their references, kept in `file`."""
    named = issues.group_by("rule").agg(pl.col("reference").unique())
    rows = {rule: row_references(found, file) for rule, found in named.iter_rows()}
    return [_finding(result, rows.get(id)) for id, result in run.results.items()]


def _finding(result: Result, rows: RowReferences | None) -> Finding:
    rule = result.rule
    measured = result.status not in (Status.NOT_APPLICABLE, Status.ERROR)
    return Finding(
        id=rule.id,
        title=rule.title,
        status=result.status,
        severity=WEIGHT.get(rule.severity, rule.severity),
        numerator=result.failing if measured else None,
        denominator=result.population if measured else None,
        threshold=rule.tolerated,
        threshold_reason=rule.reason,
        note=result.note,
        rows=rows,
    )


@dataclass(frozen=True)
class Outcomes:
    """What the rules of a moment found: findings, failing cells, and one row of kill rates per rule."""

    rules: dict[str, Rule]
    findings: list[Finding]
    issues: pl.DataFrame
    kill_rates: pl.DataFrame


def later_rules(phase: Phase, moment: Moment) -> Outcomes:
    """Run the rules whose data exist at `moment` over what the phases so far have written, and try them.

    The failing cells go to the moment's file of ISSUES_FILES. The findings are those of the rules, amber where one
    found too few of the defects planted into a shadow copy, and two about the kill rates.
    """
    rules = load_rules(params_dir() / "rules")
    tables = workspace_tables(phase.workspace, phase.params.today, in_memory=True)
    run = run_rules([rule for rule in rules.values() if rule.moment == moment], tables)
    issues = run.issues.with_columns(references(run.issues, phase.keys))
    phase.write(ISSUES_FILES[moment], issues)
    found = rule_findings(run, issues, ISSUES_FILES[moment])
    rates, plan = try_rules(tables, rules, moment)
    return Outcomes(rules, [*amber(found, rates, plan), *kill_findings(rates, plan, moment)], issues, rates)
