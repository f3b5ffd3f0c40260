"""Run the rules of phase 02 and keep what follows: issues, quarantine with its dependents, releases."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl
from pydantic import Field

from ennu_lib.config import Strict, load_model, params_dir
from ennu_lib.evidence import Phase, Status
from ennu_lib.rules import Rule, RuleRun, Tables, load_rules, run_rules, workspace_tables
from ennu_lib.rules.engine import Result
from ennu_lib.rules.quarantine import (
    QUARANTINE,
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
    in quarantine, `released` those let out, `dependents` what depends on the held ones."""

    rules: dict[str, Rule]
    params: RemediationParams
    run: RuleRun
    tables: Tables
    issues: pl.DataFrame
    held: pl.DataFrame
    released: pl.DataFrame
    dependents: pl.DataFrame

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
    run = RuleRun({id: run.results.get(id) or _later(rule) for id, rule in rules.items()}, run.issues)
    held, released = split_released(quarantined(run.issues, rules, phase.keys), releases)
    depending = dependents(held, tables, params.dependents_depth)
    issues = _stated(run.issues, rules, released).with_columns(references(run.issues, phase.keys))
    phase.write("clean/issues", issues)
    phase.write(QUARANTINE, held)
    phase.write("clean/dependents", depending)
    return Remediation(rules, params, run, tables, issues, held, released, depending)


def _later(rule: Rule) -> Result:
    return Result(rule, status=Status.NOT_APPLICABLE, note=f"Its data exist later: phase {rule.phase} has the result.")


def _stated(issues: pl.DataFrame, rules: dict[str, Rule], released: pl.DataFrame) -> pl.DataFrame:
    """Adds severity and state: `fixed_in_transform` where nobody repairs, `accepted` where released, else `open`."""
    automatic = [(rule.id, reason) for rule in rules.values() for reason in rule.automatic]
    repaired = pl.DataFrame(automatic, schema=["rule", "reason"], orient="row").with_columns(fixed=True)
    let_out = released.select("table", "key", "rule").with_columns(accepted=True)
    severity = {rule.id: str(rule.severity) for rule in rules.values()}
    return (
        issues.join(repaired, on=["rule", "reason"], how="left", maintain_order="left")
        .join(let_out, on=["table", "key", "rule"], how="left", maintain_order="left")
        .with_columns(
            severity=pl.col("rule").replace_strict(severity, return_dtype=pl.String),
            state=pl.when(pl.col("accepted").fill_null(False))
            .then(pl.lit("accepted"))
            .when(pl.col("fixed").fill_null(False))
            .then(pl.lit("fixed_in_transform"))
            .otherwise(pl.lit("open")),
        )
        .drop("fixed", "accepted")
    )
