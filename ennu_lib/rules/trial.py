"""The kill rates of a run: which rules find what is planted into a shadow copy, and which only look green."""

from __future__ import annotations

import polars as pl

from ennu_lib.config import params_dir
from ennu_lib.evidence import Finding, Severity, Status, check
from ennu_lib.rules.definition import Moment, Rule
from ennu_lib.rules.mutation import by_rule, kill_rates
from ennu_lib.rules.mutation_plan import Mutations, load_mutations
from ennu_lib.rules.tables import Tables

SEED = 7
FAMILY: dict[str, str] = {"source": "REM", "mapped": "MAP", "scored": "SCO", "loaded": "REC"}
BLIND = "It passes, but finds too few of the defects planted into a shadow copy."


def try_rules(tables: Tables, rules: dict[str, Rule], moment: Moment) -> tuple[pl.DataFrame, Mutations]:
    """Plant the defects of `params/rules/mutations.yml` into a shadow copy of a sample; one row per rule of `moment`.

    Columns: rule, planted, killed, survivors, rate, not_tried.
    """
    plan = load_mutations(params_dir() / "rules" / "mutations.yml", rules)
    return by_rule(kill_rates(tables, rules, plan, moment, SEED)), plan


def under_target(rates: pl.DataFrame, plan: Mutations) -> list[str]:
    """The rules that were tried and found too few."""
    return rates.filter(pl.col("rate") < plan.target_each)["rule"].to_list()


def kill_findings(rates: pl.DataFrame, plan: Mutations, moment: Moment) -> list[Finding]:
    """Whether all rules of a moment together, and each of them, find enough of what was planted."""
    planted, killed = int(rates["planted"].sum()), int(rates["killed"].sum())
    under = under_target(rates, plan)
    untried = rates.filter(pl.col("planted") == 0)["rule"].to_list()
    notes = [f"too few found by {', '.join(under)}" if under else "", _untried(untried)]
    return [
        check(
            f"{FAMILY[moment]}-91",
            "The rules find the defects planted into a shadow copy",
            planted - killed,
            planted,
            tolerated=1 - plan.target_overall,
            reason="95 % over all rules (2026-11)",
            severity=Severity.WARN,
        ),
        check(
            f"{FAMILY[moment]}-92",
            "Every rule finds nine of ten defects that it should",
            len(under),
            rates.height - len(untried),
            reason="a rule that cannot fail proves nothing (2026-11)",
            severity=Severity.WARN,
            note="; ".join(filter(None, notes)),
        ),
    ]


def amber(findings: list[Finding], rates: pl.DataFrame, plan: Mutations) -> list[Finding]:
    """A rule that passed and whose kill rate is under its target passes with exceptions, and says so."""
    under = under_target(rates, plan)
    return [
        one.model_copy(update={"status": Status.PASS_WITH_EXCEPTIONS, "note": BLIND})
        if one.id in under and one.status is Status.PASS
        else one
        for one in findings
    ]


def _untried(rules: list[str]) -> str:
    return f"not applicable, as the sample has nothing to plant into: {', '.join(rules)}" if rules else ""
