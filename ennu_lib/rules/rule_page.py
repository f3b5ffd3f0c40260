"""The rules on a page: one overview, then a folded section per rule with what it means and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from ennu_lib.evidence import Finding, Status
from ennu_lib.report.findings import outcome
from ennu_lib.report.formats import percent
from ennu_lib.report.html import Html, block, element, inline
from ennu_lib.report.masking import LIMIT, MARK
from ennu_lib.report.status import look, mark
from ennu_lib.rules.definition import Rule

WEIGHTS = {"block": 0, "error": 1, "warn": 2, "info": 3}


def overview(rules: Mapping[str, Rule], findings: Sequence[Finding]) -> pl.DataFrame:
    """How many rules of each severity came to which result."""
    rows = [(str(rules[one.id].severity), str(one.status)) for one in findings if one.id in rules]
    frame = pl.DataFrame(rows, schema=["severity", "status"], orient="row")
    counts = [
        {"severity": severity, "rules": part.height}
        | {str(status): part.filter(pl.col("status") == status).height for status in Status}
        for severity in WEIGHTS
        if (part := frame.filter(pl.col("severity") == severity)).height
    ]
    return pl.DataFrame(counts)


def rule_sections(
    rules: Mapping[str, Rule], findings: Sequence[Finding], issues: pl.DataFrame, kill_rates: pl.DataFrame
) -> Html:
    """A folded section per rule, the worst first, with all that a reader needs to judge it and to act upon it.

    Findings that are of no rule are left out.
    """
    mine = [one for one in findings if one.id in rules]
    ranked = sorted(mine, key=lambda f: (-look(f.status).rank, WEIGHTS[str(rules[f.id].severity)], f.id))
    reasons, planted = _reasons(issues), {row["rule"]: row for row in kill_rates.iter_rows(named=True)}
    sections = [_section(rules[one.id], one, reasons.get(one.id, []), planted.get(one.id)) for one in ranked]
    return Html(
        block("rules", *(exact for exact, _ in sections)).markup,
        block("rules", *(masked for _, masked in sections)).markup,
    )


def _section(rule: Rule, one: Finding, reasons: list[tuple[str, int]], planted: Mapping | None) -> tuple[Html, Html]:
    result = outcome(one)
    exact = ", ".join(f"{reason} {rows:,}" for reason, rows in reasons)
    drawn = _drawn(rule, one, Html(result.markup), exact, planted)
    return drawn, _drawn(rule, one, Html(result.distributable or result.markup), _withheld(reasons), planted)


def _withheld(reasons: list[tuple[str, int]]) -> str:
    """Small counts are withheld; where it is one alone the next smallest is, too, or the total would give it away."""
    small = {reason for reason, rows in reasons if 1 <= rows <= LIMIT}
    others = sorted((rows, reason) for reason, rows in reasons if reason not in small)
    if len(small) == 1 and others:
        small.add(others[0][1])
    return ", ".join(f"{reason} {MARK if reason in small else f'{rows:,}'}" for reason, rows in reasons)


def _drawn(rule: Rule, one: Finding, result: Html, counts: str, planted: Mapping | None) -> Html:
    limits = ", ".join(f"{of}: {percent(share) if share else 'none'}" for of, share in rule.limits.items())
    lines = [
        ("Limits of its own", limits),
        ("Reasons", counts),
        ("Counts over", rule.population),
        ("Tables", ", ".join(rule.tables)),
        ("Kahn category", rule.kahn),
        ("Severity and action", f"{rule.severity}; {rule.action}"),
        ("Kept from the load", ", ".join(rule.quarantine)),
        ("Repaired before the load", ", ".join(r for r in rule.automatic if r not in rule.quarantine)),
        ("Planted defects", _planted(planted)),
        (f"For the clinic's staff ({rule.repaired_by})", rule.staff),
        ("For the data team", rule.data_team),
    ]
    head = element("summary", mark(one.status), " ", element("code", rule.id), " ", rule.title)
    listed = (element("div", element("dt", name), element("dd", inline(text))) for name, text in lines if text)
    return element("details", head, result, element("dl", *listed))


def _planted(row: Mapping | None) -> str:
    if row is None:
        return ""
    if not row["planted"]:
        return f"not applicable: {row['not_tried']}"
    missed = f"; missed: {row['survivors']}" if row["survivors"] else ""
    return f"{row['killed']} of {row['planted']} found{missed}"


def _reasons(issues: pl.DataFrame) -> dict[str, list[tuple[str, int]]]:
    counted = (
        issues.group_by("rule", "reason").agg(pl.len()).sort("rule", "len", "reason", descending=[False, True, False])
    )
    found: dict[str, list[tuple[str, int]]] = {}
    for rule, reason, rows in counted.iter_rows():
        found.setdefault(rule, []).append((reason, rows))
    return found
