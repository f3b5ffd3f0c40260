"""The rules on the page: one overview, then a folded section per rule with what it means and what to do."""

from __future__ import annotations

import polars as pl

from ennu_lib.evidence import Finding, Status
from ennu_lib.quality.remediation import Remediation
from ennu_lib.report.findings import finding
from ennu_lib.report.html import Html, block, element, inline
from ennu_lib.report.masking import LIMIT, masked_count
from ennu_lib.report.status import look, mark
from ennu_lib.rules import Rule

WEIGHTS = {"block": 0, "error": 1, "warn": 2, "info": 3}


def overview(found: Remediation, findings: list[Finding]) -> pl.DataFrame:
    """How many rules of each severity came to which result."""
    rows = [(str(found.rules[one.id].severity), str(one.status)) for one in findings]
    frame = pl.DataFrame(rows, schema=["severity", "status"], orient="row")
    counts = [
        {"severity": severity, "rules": part.height}
        | {str(status): part.filter(pl.col("status") == status).height for status in Status}
        for severity in WEIGHTS
        if (part := frame.filter(pl.col("severity") == severity)).height
    ]
    return pl.DataFrame(counts)


def rule_sections(found: Remediation, findings: list[Finding]) -> Html:
    """A folded section per rule, the worst first: result, reasons, population, action, and advice for both readers."""
    ranked = sorted(findings, key=lambda f: (-look(f.status).rank, WEIGHTS[str(found.rules[f.id].severity)], f.id))
    reasons = _reasons(found.issues)
    sections = [_section(found.rules[one.id], one, reasons.get(one.id, [])) for one in ranked]
    return Html(
        block("rules", *(exact for exact, _ in sections)).markup,
        block("rules", *(masked for _, masked in sections)).markup,
    )


def _section(rule: Rule, one: Finding, reasons: list[tuple[str, int]]) -> tuple[Html, Html]:
    result = finding(one)
    shown = Html(result.markup), Html(result.distributable or result.markup)
    counts = ", ".join(f"{reason} {n:,}" for reason, n in reasons)
    masked = ", ".join(f"{reason} {masked_count(n, LIMIT)}" for reason, n in reasons)
    return _drawn(rule, one, shown[0], counts), _drawn(rule, one, shown[1], masked)


def _drawn(rule: Rule, one: Finding, result: Html, counts: str) -> Html:
    lines = [
        ("Reasons", counts),
        ("Counts over", rule.population),
        ("Tables", ", ".join(rule.tables)),
        ("Kind and weight", f"{rule.kahn}; {rule.severity}; action: {rule.action}"),
        ("For the clinic's staff", f"{rule.repaired_by}: {rule.staff}"),
        ("For the data team", rule.data_team),
    ]
    head = element("summary", mark(one.status), " ", element("code", rule.id), " ", rule.title)
    listed = (element("div", element("dt", name), element("dd", inline(text))) for name, text in lines if text)
    return element("details", head, result, element("dl", *listed))


def _reasons(issues: pl.DataFrame) -> dict[str, list[tuple[str, int]]]:
    counted = (
        issues.group_by("rule", "reason").agg(pl.len()).sort("rule", "len", "reason", descending=[False, True, False])
    )
    found: dict[str, list[tuple[str, int]]] = {}
    for rule, reason, rows in counted.iter_rows():
        found.setdefault(rule, []).append((reason, rows))
    return found
