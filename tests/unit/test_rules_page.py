"""Every rule has a section of its own on the page, with all that a reviewer decides from."""

import html
import re

import polars as pl
import pytest

from ennu_lib.config import params_dir
from ennu_lib.evidence import Finding
from ennu_lib.rules import ISSUES, load_rules, overview, rule_sections

RULES = load_rules(params_dir() / "rules")
RATES = pl.DataFrame(
    {
        "rule": list(RULES), "planted": 4, "killed": 3, "survivors": "a note cut off", "rate": 0.75, "not_tried": "",
    }
)  # fmt: skip


def findings():
    return [
        Finding(
            id=rule.id, title=rule.title, status="fail", severity=rule.severity, numerator=400, denominator=5000,
            threshold=rule.tolerated, threshold_reason=rule.reason,
        )
        for rule in RULES.values()
    ]  # fmt: skip


def issues(*counts):
    rows = [("CLN-06", "lab_orders", str(n), "c", reason) for reason, rows in counts for n in range(rows)]
    return pl.DataFrame(rows, schema=ISSUES, orient="row")


@pytest.mark.parametrize("rule", RULES.values(), ids=str)
def test_a_section_says_all_of_its_rule(rule):
    drawn = rule_sections(RULES, findings(), issues(), RATES).distributable
    section = next(part for part in drawn.split("<details")[1:] if f"<code>{rule.id}</code>" in part)
    text = re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", " ", section)))
    for said in (
        rule.title,
        rule.kahn,
        str(rule.severity),
        rule.action,
        "400 of 5,000",
        "3 of 4 found",
        "a note cut off",
    ):
        assert said in text, said
    for words in (rule.population, rule.reason, rule.staff, rule.data_team, *rule.limits, *rule.quarantine):
        assert re.sub(r"[\s`]+", "", words) in text.replace(" ", ""), words
    assert re.search(r"\(20\d\d-\d\d\)", text)


def test_there_is_one_section_per_rule_and_other_findings_have_none():
    other = Finding(id="REM-01", title="Something else", status="pass")
    drawn = rule_sections(RULES, [*findings(), other], issues(), RATES).markup
    assert drawn.count("<details") == len(RULES) == 73
    assert "Something else" not in drawn
    assert overview(RULES, [*findings(), other])["fail"].sum() == 73


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([("FUTURE", 45), ("LATE", 30)], "FUTURE 45, LATE 30"),
        ([("FUTURE", 45), ("LATE", 30), ("OUT_OF_ORDER", 3)], "FUTURE 45, LATE *, OUT_OF_ORDER *"),
        ([("FUTURE", 45), ("LATE", 4), ("OUT_OF_ORDER", 3)], "FUTURE 45, LATE *, OUT_OF_ORDER *"),
        ([("FUTURE", 4)], "FUTURE *"),
    ],
)
def test_a_small_count_is_withheld_and_the_total_does_not_give_it_away(counts, shown):
    drawn = rule_sections(RULES, findings(), issues(*counts), RATES)
    assert f"<dd>{shown}</dd>" in drawn.distributable
    assert "*" not in re.search(r"<dt>Reasons</dt><dd>([^<]*)</dd>", drawn.markup)[1]


def where(drawn):
    return re.search(r"<dt>Where</dt><dd>([^<]*)</dd>", drawn)[1]


def test_a_section_says_which_columns_fail_the_most_first():
    """Orphans are counted per reference."""
    cells = [("b", 30), ("a", 45), *((f"c{n:02}", 20) for n in range(12))]
    rows = [("GEN-01", "t", str(n), column, "ORPHAN") for column, count in cells for n in range(count)]
    drawn = rule_sections(RULES, findings(), pl.DataFrame(rows, schema=ISSUES, orient="row"), RATES)
    assert where(drawn.markup).startswith("t.a 45, t.b 30, t.c00 20")
    assert where(drawn.distributable).endswith("t.c09 20, and 2 other columns")


def test_columns_are_named_without_counts_where_a_count_of_the_reasons_is_withheld():
    rows = [("CLN-06", "lab_orders", str(n), "order_date", "FUTURE") for n in range(45)]
    rows += [("CLN-06", "lab_orders", str(n), "result_date", "LATE") for n in range(3)]
    drawn = rule_sections(RULES, findings(), pl.DataFrame(rows, schema=ISSUES, orient="row"), RATES)
    assert where(drawn.distributable) == "lab_orders.order_date, lab_orders.result_date"
    assert where(drawn.markup) == "lab_orders.order_date 45, lab_orders.result_date 3"
