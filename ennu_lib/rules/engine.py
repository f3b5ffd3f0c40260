"""Run the rules of one moment over the tables: counts per rule, and every failing cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

import ennu_lib.rules.checks  # noqa: F401  registers every check
from ennu_lib.evidence import Status
from ennu_lib.rules.definition import Rule
from ennu_lib.rules.registry import CHECKS, Look
from ennu_lib.rules.tables import KEY, NotHere, Tables

ISSUES = {"rule": pl.String, "table": pl.String, "key": pl.String, "column": pl.String, "reason": pl.String}
AT_ONCE = 48  # plans collected together: enough to share scans, few enough for the thread pool


@dataclass(frozen=True)
class Result:
    """What one rule found: rows it counted over, rows that fail, and why it gave no result where it did not."""

    rule: Rule
    population: int = 0
    failing: int = 0
    status: Status = Status.NOT_APPLICABLE
    note: str = ""


@dataclass(frozen=True)
class RuleRun:
    """The results of all rules asked for, and every failing cell with the columns of ISSUES."""

    results: dict[str, Result]
    issues: pl.DataFrame


def run_rules(
    rules: Iterable[Rule], tables: Tables, progress: Callable[[int, int, str], None] | None = None
) -> RuleRun:
    """Run every rule. One that cannot run on these data ends in `error` with the kind of the failure, never a crash."""
    results, found = {}, []
    chosen = list(rules)
    for number, rule in enumerate(chosen, start=1):
        result, issues = run_rule(rule, tables)
        results[rule.id] = result
        found.append(issues)
        if progress:
            progress(number, len(chosen), rule.id)
    issues = pl.concat(found) if found else pl.DataFrame(schema=ISSUES)
    return RuleRun(results, issues)


def run_rule(rule: Rule, tables: Tables) -> tuple[Result, pl.DataFrame]:
    """The result of one rule and its failing cells."""
    none = pl.DataFrame(schema=ISSUES)
    try:
        looks = list(CHECKS[rule.id](tables, rule.settings))
        population, issues = _looked(rule, looks)
    except NotHere as missing:
        return Result(rule, note=f"{missing}."), none
    except (pl.exceptions.PolarsError, ValueError, TypeError) as error:
        return Result(rule, status=Status.ERROR, note=f"The check ended with {type(error).__name__}."), none
    return judged(rule, population, issues), issues


def judged(rule: Rule, population: int, issues: pl.DataFrame) -> Result:
    """The result of a rule from what it counted over and its failing cells.

    `failing` counts the rows that count against the threshold; the note says which reasons do not.
    """
    counting = issues.filter(~pl.col("reason").is_in(rule.settled))
    failing = _rows(counting)
    over = [of for of, limit in rule.limits.items() if _rows(_about(issues, of)) > limit * population]
    if population == 0:
        status = Status.NOT_APPLICABLE
    elif issues.is_empty():
        status = Status.PASS
    else:
        status = Status.FAIL if over or failing > rule.tolerated * population else Status.PASS_WITH_EXCEPTIONS
    settled = sorted(set(issues["reason"].to_list()) & set(rule.settled))
    notes = [f"over its own limit: {', '.join(over)}" if over else "", _settled(rule, settled)]
    return Result(rule, population, failing, status, "; ".join(filter(None, notes)))


def _settled(rule: Rule, reasons: list[str]) -> str:
    """What becomes of the rows that do not count against the threshold."""
    kinds = (
        ("kept from the load", rule.quarantine),
        ("repaired before the load", rule.automatic),
        ("reported and not counted", rule.listed),
    )
    said, left = [], list(reasons)
    for words, listed in kinds:
        if found := [reason for reason in left if reason in listed]:
            said.append(f"{', '.join(found)}: {words}")
        left = [reason for reason in left if reason not in listed]
    return "; ".join(said)


def _about(issues: pl.DataFrame, reason_or_column: str) -> pl.DataFrame:
    return issues.filter((pl.col("reason") == reason_or_column) | (pl.col("column") == reason_or_column))


def _rows(issues: pl.DataFrame) -> int:
    return issues.select(pl.struct("table", "key").n_unique()).item() if issues.height else 0


def _looked(rule: Rule, looks: list[Look]) -> tuple[int, pl.DataFrame]:
    """All looks of a rule in one go, so that those over one file share its scan."""
    plans: list[pl.LazyFrame] = []
    for look in looks:
        flags = [expr.fill_null(False).alias(str(n)) for n, expr in enumerate(look.fails.values())]
        counted = pl.len()
        if look.counts is not None:  # a row that fails was counted over, whatever the population says
            counted = pl.any_horizontal(look.counts.fill_null(False), *flags).sum()
        plans.append(look.frame.select(counted.cast(pl.Int64)))
        named = look.frame.select(pl.col(KEY).cast(pl.String).fill_null(""), *flags)
        plans.append(named.filter(pl.any_horizontal(pl.exclude(KEY))))
    collected: list[pl.DataFrame] = []
    for start in range(0, len(plans), AT_ONCE):
        collected += pl.collect_all(plans[start : start + AT_ONCE])
    population, parts = 0, [pl.DataFrame(schema=ISSUES)]
    for look, counted, flagged in zip(looks, collected[::2], collected[1::2], strict=True):
        population += counted.item() or 0
        for number, (column, reason) in enumerate(look.fails):
            # In an order of their own: rows of a join come as they come, and a second run must write the same file.
            keys = flagged.filter(pl.col(str(number)))[KEY].sort()
            if len(keys):
                parts.append(_issues(rule.id, look.table, keys, column, reason))
    return population, pl.concat(parts)


def _issues(rule: str, table: str, keys: pl.Series, column: str, reason: str) -> pl.DataFrame:
    return pl.select(rule=pl.lit(rule), table=pl.lit(table), key=keys, column=pl.lit(column), reason=pl.lit(reason))
