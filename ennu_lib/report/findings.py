"""Checks and their outcome, for a reader who decides from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ennu_lib.report.formats import DASH, percent, ratio
from ennu_lib.report.grid import Column, grid
from ennu_lib.report.html import NOTHING, Html, block, element, inline, join
from ennu_lib.report.masking import LIMIT, MARK, footnote, masked_count, masked_ratio
from ennu_lib.report.status import look, mark

SEVERITIES = {"info": "for information", "warn": "warning", "error": "error", "block": "stops the run"}
CAPTION = "Checks, those that did not pass first"
UNSOUND = ("fail", "error")

Findings = Sequence[Any]


def finding(found: Any, *, limit: int = LIMIT) -> Html:
    """One check in full: its outcome, the count behind it, what is tolerated and why."""
    one = _plain(found)
    return Html(_one(one, None).markup, _one(one, limit).markup)


def outcome(found: Any, *, limit: int = LIMIT) -> Html:
    """`finding` for a place that has its title and status already."""
    one = _plain(found)
    return Html(block("finding", *_body(one, None)).markup, block("finding", *_body(one, limit)).markup)


def findings_table(
    findings: Findings, *, caption: str = "Checks, those that did not pass first", limit: int = LIMIT
) -> Html:
    """All checks in one table, those that did not pass first. Takes `Finding` models or their dictionaries.

    The distributable page gets counts of 1 to `limit`, and their complements, withheld.
    """
    rows = sorted(map(_plain, findings), key=lambda one: -look(one["status"]).rank)
    if not rows:
        return block("findings", element("p", "No check was made.", class_="ennu-note-line"))
    return Html(_table(rows, caption, None).markup, _table(rows, caption, limit).markup)


def failures(findings: Findings, *, limit: int | None = None) -> Html:
    """The checks that failed, for the top of a page; nothing when there are none."""
    failed = [one for one in map(_plain, findings) if one["status"] in UNSOUND]
    if not failed:
        return NOTHING
    items = (element("li", element("strong", one["title"]), ": ", _result(one, limit), _note(one)) for one in failed)
    return join([element("p", "What did not pass", class_="ennu-title"), element("ul", *items)])


def tally(findings: Findings) -> dict[str, int]:
    """How many checks passed, passed with exceptions, failed (errors included), and did not apply."""
    statuses = [_plain(one)["status"] for one in findings]
    return {
        "passed": statuses.count("pass"),
        "with_exceptions": statuses.count("pass_with_exceptions"),
        "failed": sum(statuses.count(s) for s in UNSOUND),
        "not_applicable": statuses.count("not_applicable"),
    }


def _table(rows: Sequence[Mapping[str, Any]], caption: str, limit: int | None) -> Html:
    columns = [Column("Check"), Column("Outcome"), Column("Did not hold", align="right"), Column("Tolerated")]
    cells = [[_name(one, limit), mark(one["status"]), _result(one, limit), _tolerated(one)] for one in rows]
    masked = limit is not None and any(str(row[2]).startswith(MARK) for row in cells)
    return block("findings", grid(caption, columns, cells, notes=[footnote(limit) if masked else ""]))


def _one(one: Mapping[str, Any], limit: int | None) -> Html:
    title = element("p", mark(one["status"]), " ", element("strong", one["title"]))
    return block("finding", title, *_body(one, limit))


def _body(one: Mapping[str, Any], limit: int | None) -> list[Html | None]:
    return [
        element("p", "Did not hold: ", _result(one, limit), ". Tolerated: ", _tolerated(one)),
        element("p", inline(one["note"])) if one.get("note") else None,
        element("p", inline(said)) if (said := _rows(one, limit)) else None,
    ]


def _name(one: Mapping[str, Any], limit: int | None) -> Html:
    severity = SEVERITIES.get(one.get("severity") or "", "")
    small = " · ".join(filter(None, [one["id"], severity]))
    remark = element("span", inline(one["note"]), class_="ennu-remark") if one.get("note") else None
    said = _rows(one, limit)
    rows = element("span", inline(said), class_="ennu-remark") if said else None
    return join([one["title"], element("span", small, class_="ennu-small"), remark, rows])


def _rows(one: Mapping[str, Any], limit: int | None) -> str:
    """How many rows the finding refers to, and how somebody with access to the workspace finds them."""
    total = (one.get("rows") or {}).get("total")
    if not total:
        return ""
    withheld = limit is not None and _result(one, limit).startswith(MARK)
    count = MARK if withheld else f"{total:,}" if limit is None else masked_count(total, limit)
    return f"Row references: {count}; `ennu quality rows {one['id']} --run-id …` resolves them in the workspace."


def _result(one: Mapping[str, Any], limit: int | None) -> str:
    numerator, denominator = one.get("numerator"), one.get("denominator")
    if numerator is None:
        return DASH
    if denominator is None:
        return f"{numerator:,}" if limit is None or not 1 <= numerator <= limit else f"{1}–{limit}"
    if not denominator:
        return "nothing to check"
    return ratio(numerator, denominator) if limit is None else masked_ratio(numerator, denominator, limit)


def _tolerated(one: Mapping[str, Any]) -> Html:
    threshold = one.get("threshold")
    if threshold is None:
        return join([DASH])
    amount = "none" if threshold == 0 else percent(threshold) if threshold <= 1 else f"{threshold:,.0f}"
    reason = one.get("threshold_reason")
    return join([amount, element("span", inline(reason), class_="ennu-remark") if reason else None])


def _note(one: Mapping[str, Any]) -> Html:
    return join([". ", inline(one["note"])]) if one.get("note") else NOTHING


def _plain(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else found.model_dump(mode="json")
