"""The outcome of rules as findings of a phase."""

from __future__ import annotations

from ennu_lib.config import params_dir
from ennu_lib.evidence import Finding, Phase, Severity, Status
from ennu_lib.rules.definition import Moment, load_rules
from ennu_lib.rules.engine import Result, RuleRun, run_rules
from ennu_lib.rules.tables import workspace_tables

# A rule of severity `error` keeps rows from the load and gates the go-live; it does not end the run, as `block` does.
WEIGHT = {Severity.ERROR: Severity.WARN}


def rule_findings(run: RuleRun) -> list[Finding]:
    """One finding per rule that was run."""
    return [_finding(result) for result in run.results.values()]


def _finding(result: Result) -> Finding:
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
    )


def later_findings(phase: Phase, moment: Moment) -> list[Finding]:
    """The findings of the rules whose data exist at `moment`, run over what the phases so far have written."""
    rules = [rule for rule in load_rules(params_dir() / "rules").values() if rule.moment == moment]
    return rule_findings(run_rules(rules, workspace_tables(phase.workspace, phase.params.today, in_memory=True)))
