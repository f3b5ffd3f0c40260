"""The outcome of rules as findings of a phase."""

from __future__ import annotations

from ennu_lib.evidence import Finding, Severity, Status
from ennu_lib.rules.engine import Result, RuleRun

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
