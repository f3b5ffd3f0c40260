"""Run the rules of phase 02 and keep what follows: issues, quarantine with its dependents, releases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import polars as pl
from pydantic import Field

from ennu_lib.config import Strict, load_model, params_dir
from ennu_lib.evidence import Finding, Phase, Severity, Status, check
from ennu_lib.rules import (
    ISSUES_FILES,
    Outcomes,
    Rule,
    RuleRun,
    Tables,
    amber,
    kill_findings,
    load_rules,
    rule_findings,
    run_rules,
    try_rules,
    workspace_tables,
)
from ennu_lib.rules.engine import Result, judged
from ennu_lib.rules.quarantine import (
    QUARANTINE,
    Release,
    dependents,
    load_releases,
    quarantined,
    references,
    split_released,
)
from ennu_lib.rules.tables import DERIVED


class RemediationParams(Strict):
    """params/rules/remediation.yml."""

    dependents_depth: int = Field(ge=1, le=6)
    worklist_rows: int = Field(ge=1)


def load_remediation(path: Path) -> RemediationParams:
    """Read the file. Raises ConfigurationError with every mistake."""
    return load_model(path, RemediationParams)


@dataclass(frozen=True)
class Remediation:
    """What the rules found. `issues` has rule, table, key, column, reason, severity, state, reference; `held` the rows
    in quarantine, `released` those let out, `dependents` what depends on the held ones. So many `unknown_releases` name
    a row that their rule does not name."""

    rules: dict[str, Rule]
    params: RemediationParams
    run: RuleRun
    tables: Tables
    issues: pl.DataFrame
    held: pl.DataFrame
    released: pl.DataFrame
    dependents: pl.DataFrame
    releases: list[Release]
    unknown_releases: int

    @cached_property
    def rows_held(self) -> int:
        """Rows in quarantine, each counted once."""
        return self.held.select("table", "key").n_unique()

    @cached_property
    def rows_dependent(self) -> int:
        """Rows that depend on one in quarantine, each counted once."""
        return self.dependents.select("table", "key").n_unique()


def remediate(phase: Phase) -> Remediation:
    """Run every rule whose moment is the source; write `clean/issues`, `clean/quarantine` and `clean/dependents`.

    Rules whose data come later have a result too: not applicable here, with the phase that runs them.
    """
    folder = params_dir() / "rules"
    rules, params = load_rules(folder), load_remediation(folder / "remediation.yml")
    releases = load_releases(folder / "releases.yml")
    phase.workspace.empty(DERIVED)
    tables = workspace_tables(phase.workspace, phase.params.today)
    phase.used(*(phase.workspace.path(f"source/{name}") for name in phase.workspace.names("source")))
    run = run_rules([r for r in rules.values() if r.moment == "source"], tables, phase.progress)
    named = run.issues.with_columns(references(run.issues, phase.keys))
    issues = _stated(named, rules, releases)
    accepted = issues.filter(pl.col("state") == "accepted")
    results = {id: _without(result, named, accepted) for id, result in run.results.items()}
    run = RuleRun({id: results.get(id) or _later(rule) for id, rule in rules.items()}, run.issues)
    held, released = split_released(quarantined(run.issues, rules, phase.keys), releases)
    depending = dependents(held, tables, params.dependents_depth)
    unknown = _unknown(releases, issues)
    phase.write("clean/issues", issues)
    phase.write(QUARANTINE, held)
    phase.write("clean/dependents", depending)
    return Remediation(rules, params, run, tables, issues, held, released, depending, releases, unknown)


def _later(rule: Rule) -> Result:
    return Result(rule, status=Status.NOT_APPLICABLE, note=f"Its data exist later: phase {rule.phase} has the result.")


def _without(result: Result, issues: pl.DataFrame, accepted: pl.DataFrame) -> Result:
    """The result without the rows that somebody released or acknowledged."""
    mine = accepted.filter(pl.col("rule") == result.rule.id).select("table", "key")
    if mine.is_empty():
        return result
    left = issues.filter(pl.col("rule") == result.rule.id).join(mine, on=["table", "key"], how="anti")
    judgement = judged(result.rule, result.population, left)
    # What a person has accepted is an exception all the same.
    status = Status.PASS_WITH_EXCEPTIONS if judgement.status is Status.PASS else judgement.status
    notes = [judgement.note, "released or acknowledged rows are not counted"]
    return replace(judgement, status=status, note="; ".join(filter(None, notes)))


def _given(releases: list[Release]) -> pl.DataFrame:
    rows = {(release.row, release.rule) for release in releases}
    return pl.DataFrame(sorted(rows), schema={"reference": pl.String, "rule": pl.String}, orient="row")


def _unknown(releases: list[Release], issues: pl.DataFrame) -> int:
    return _given(releases).join(issues, on=["reference", "rule"], how="anti").height


def _stated(issues: pl.DataFrame, rules: dict[str, Rule], releases: list[Release]) -> pl.DataFrame:
    """Adds severity and state: `accepted` where released or acknowledged, `fixed_in_transform` where nobody repairs,
    else `open`."""
    automatic = [(rule.id, reason) for rule in rules.values() for reason in rule.automatic]
    repaired = pl.DataFrame(automatic, schema=["rule", "reason"], orient="row").with_columns(fixed=True)
    severity = {rule.id: str(rule.severity) for rule in rules.values()}
    let_out = _given(releases).with_columns(accepted=True)
    return (
        issues.join(repaired, on=["rule", "reason"], how="left", maintain_order="left")
        .join(let_out, on=["reference", "rule"], how="left", maintain_order="left")
        .with_columns(
            severity=pl.col("rule").replace_strict(severity, return_dtype=pl.String),
            state=pl.when(pl.col("accepted").fill_null(False))
            .then(pl.lit("accepted"))
            .when(pl.col("fixed").fill_null(False))
            .then(pl.lit("fixed_in_transform"))
            .otherwise(pl.lit("open")),
        )
        .select(*issues.columns[:-1], "severity", "state", "reference")
    )


def outcomes(found: Remediation) -> Outcomes:
    """The findings of all rules, amber where one finds too few planted defects; the kill rates; and the releases."""
    rates, plan = try_rules(found.tables, found.rules, "source")
    rules = amber(rule_findings(found.run, found.issues, ISSUES_FILES["source"]), rates, plan)
    findings = [*rules, *kill_findings(rates, plan, "source"), release_finding(found)]
    return Outcomes(found.rules, findings, found.issues, rates)


def release_finding(found: Remediation) -> Finding:
    """Whether every line of `params/rules/releases.yml` still names a row that its rule names."""
    return check(
        "REM-03",
        "Every release names a row that its rule names",
        found.unknown_releases,
        len(found.releases),
        severity=Severity.WARN,
        reason="a line that fits nothing was repaired at the source, or is mistyped (2026-11)",
    )
