"""The kill rates of a run: which rules find what is planted into a shadow copy, and which only look green."""

from __future__ import annotations

import polars as pl

from ennu_lib.config import params_dir
from ennu_lib.evidence import Finding, Phase, Severity, Status, check
from ennu_lib.quality.remediation import Remediation
from ennu_lib.rules.mutation import Mutations, by_rule, kill_rates, load_mutations

SEED = 7
ALL_RULES, EACH_RULE = "REM-91", "REM-92"


def try_rules(phase: Phase, found: Remediation) -> tuple[pl.DataFrame, Mutations]:
    """Plant the defects of `params/rules/mutations.yml` into a shadow copy of a sample; one row per rule.

    Columns: rule, planted, killed, survivors, rate.
    """
    plan = load_mutations(params_dir() / "rules" / "mutations.yml", found.rules)
    return by_rule(kill_rates(found.tables, found.rules, plan, "source", SEED)), plan


def kill_findings(rates: pl.DataFrame, plan: Mutations) -> list[Finding]:
    """Whether all rules together, and each of them, find enough of what was planted."""
    planted, killed = int(rates["planted"].sum()), int(rates["killed"].sum())
    under = rates.filter(pl.col("rate") < plan.target_each)
    return [
        check(
            ALL_RULES,
            "The rules find the defects planted into a shadow copy",
            planted - killed,
            planted,
            tolerated=1 - plan.target_overall,
            reason="95 % over all rules (2026-11)",
            severity=Severity.WARN,
        ),
        check(
            EACH_RULE,
            "Every rule finds nine of ten defects that it should",
            under.height,
            rates.height,
            reason="a rule that cannot fail proves nothing (2026-11)",
            severity=Severity.WARN,
            note=", ".join(under["rule"].to_list()),
        ),
    ]


def amber(findings: list[Finding], rates: pl.DataFrame, plan: Mutations) -> list[Finding]:
    """A rule that passed and whose kill rate is under its target passes with exceptions, and says so."""
    under = set(rates.filter(pl.col("rate") < plan.target_each)["rule"].to_list())
    return [
        one.model_copy(
            update={
                "status": Status.PASS_WITH_EXCEPTIONS,
                "note": "It passes, but finds too few of the defects planted into a shadow copy.",
            }
        )
        if one.id in under and one.status is Status.PASS
        else one
        for one in findings
    ]
