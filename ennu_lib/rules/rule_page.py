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
from ennu_lib.rules.tables import KEY

PLACES = 12  # columns that a section lists, those with the most failing cells
Counted = tuple[str, int]
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
    planted = {row["rule"]: row for row in kill_rates.iter_rows(named=True)}
    reasons = _counted(issues, pl.col("reason"))
    places = _counted(issues, pl.format("{}.{}", "table", pl.col("column").replace({KEY: "key"})))
    sections = [
        _section(rules[one.id], one, reasons.get(one.id, []), places.get(one.id, []), planted.get(one.id))
        for one in ranked
    ]
    return Html(
        block("rules", *(exact for exact, _ in sections)).markup,
        block("rules", *(masked for _, masked in sections)).markup,
    )


def _section(
    rule: Rule, one: Finding, reasons: list[Counted], places: list[Counted], planted: Mapping | None
) -> tuple[Html, Html]:
    result = outcome(one)
    exact = [", ".join(f"{name} {cells:,}" for name, cells in counted) for counted in (reasons, places[:PLACES])]
    masked = [_withheld(counted, shown) for counted, shown in ((reasons, len(reasons)), (places, PLACES))]
    if MARK in masked[0]:  # two sums of the same cells side by side could give away what one of them withholds
        masked[1] = ", ".join(name for name, _ in places[:PLACES])
    more = f", and {len(places) - PLACES} other columns" if len(places) > PLACES else ""
    exact[1], masked[1] = exact[1] + more, masked[1] + more
    drawn = _drawn(rule, one, Html(result.markup), exact, planted)
    return drawn, _drawn(rule, one, Html(result.distributable or result.markup), masked, planted)


def _withheld(counted: list[Counted], shown: int) -> str:
    """The first `shown` counts. Small ones are withheld; where it is one alone the next smallest is, too, or the total
    would give it away."""
    small = {name for name, cells in counted if 1 <= cells <= LIMIT}
    others = sorted((cells, name) for name, cells in counted if name not in small)
    if len(small) == 1 and others:
        small.add(others[0][1])
    return ", ".join(f"{name} {MARK if name in small else f'{cells:,}'}" for name, cells in counted[:shown])


def _drawn(rule: Rule, one: Finding, result: Html, counts: list[str], planted: Mapping | None) -> Html:
    limits = ", ".join(f"{of}: {percent(share) if share else 'none tolerated'}" for of, share in rule.limits.items())
    lines = [
        ("Limits of single reasons", limits),
        ("Reasons", counts[0]),
        ("Where", counts[1]),
        ("Counts over", rule.population),
        ("Tables", ", ".join(rule.tables)),
        ("Kahn category", rule.kahn),
        ("Severity", str(rule.severity)),
        ("Action", rule.action),
        ("Kept from the load", ", ".join(rule.quarantine)),
        ("Repaired before the load", ", ".join(r for r in rule.automatic if r not in rule.quarantine)),
        ("Reported and not counted", ", ".join(r for r in rule.listed if r not in (*rule.quarantine, *rule.automatic))),
        ("Planted defects", _planted(planted)),
        ("Repaired by", rule.repaired_by),
        ("For the clinic's staff", rule.staff),
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


def _counted(issues: pl.DataFrame, by: pl.Expr) -> dict[str, list[Counted]]:
    """Per rule, how many cells fail by what, the most first."""
    named = issues.group_by("rule", by.alias("name")).agg(cells=pl.len())
    found: dict[str, list[Counted]] = {}
    for rule, name, cells in named.sort("rule", "cells", "name", descending=[False, True, False]).iter_rows():
        found.setdefault(rule, []).append((name, cells))
    return found
