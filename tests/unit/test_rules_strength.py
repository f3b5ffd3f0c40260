"""The rules are as strong as they were agreed: severities, and the shares that may fail at go-live."""

import polars as pl
import pytest

from ennu_lib.config import params_dir
from ennu_lib.evidence import Status
from ennu_lib.rules import load_rules
from ennu_lib.rules.engine import ISSUES, judged

RULES = load_rules(params_dir() / "rules")
# Agreed with the clinic; a rule may be stronger.
SEVERITIES = {
    "block": """
        PAT-01 PAT-15 CLN-17 CLN-20 FIN-07 FIN-09 GEN-02 GEN-03 GEN-07 GEN-08
    """,
    "error": """
        PAT-02 PAT-04 PAT-06 PAT-12 CLN-01 CLN-02 CLN-03 CLN-06 CLN-10 CLN-11 CLN-12 CLN-14 CLN-16 CLN-19 FIN-01
        FIN-02 FIN-03 FIN-05 FIN-11 STF-01 GEN-01 GEN-04 GEN-09
    """,
    "warn": """
        PAT-03 PAT-05 PAT-07 PAT-08 PAT-09 PAT-10 PAT-11 PAT-13 PAT-14 PAT-16 CLN-04 CLN-05 CLN-07 CLN-08 CLN-09
        CLN-13 CLN-15 CLN-21 CLN-22 FIN-04 FIN-06 FIN-08 FIN-10 FIN-12 FIN-13 FIN-14 SCH-01 SCH-02 STF-02 GEN-05
    """,
    "info": """
        CLN-18 GEN-06
    """,
}
# Rule: the largest share that may fail, of all or of one reason or column. `*` is the whole rule.
GATES = {
    "PAT-02": {"*": 0}, "PAT-03": {"NO_NAME": 0.005, "NO_BIRTH_DATE": 0.02, "NO_SEX": 0.03},
    "PAT-04": {"FUTURE": 0}, "PAT-06": {"*": 0}, "PAT-10": {"OTHER_STATE": 0.05}, "PAT-15": {"*": 0},
    "CLN-01": {"*": 0.005, "OF_THIS_TEST": 0}, "CLN-02": {"UNKNOWN_UNIT": 0.02}, "CLN-06": {"FUTURE": 0},
    "CLN-08": {"UNKNOWN_TEST": 0.02}, "CLN-09": {"*": 0.01}, "CLN-10": {"*": 0.01}, "CLN-11": {"*": 0.005},
    "CLN-12": {"*": 0}, "CLN-13": {"UNKNOWN_DRUG": 0.03}, "CLN-14": {"*": 0}, "CLN-16": {"*": 0.005},
    "CLN-17": {"*": 0}, "CLN-19": {"*": 0}, "CLN-20": {"*": 0}, "FIN-01": {"*": 0}, "FIN-02": {"*": 0.001},
    "FIN-03": {"*": 0.005}, "FIN-04": {"*": 0.01}, "FIN-07": {"*": 0}, "FIN-08": {"*": 0.02}, "FIN-09": {"*": 0},
    "FIN-11": {"*": 0.01}, "STF-01": {"*": 0.001}, "GEN-02": {"*": 0}, "GEN-03": {"*": 0},
    "GEN-05": {"UNKNOWN_CODE": 0.005}, "GEN-07": {"*": 0}, "GEN-08": {"*": 0}, "GEN-09": {"*": 0},
}  # fmt: skip
ORDER = ("info", "warn", "error", "block")


@pytest.mark.parametrize("severity", SEVERITIES)
def test_no_rule_weighs_less_than_agreed(severity):
    weaker = [id for id in SEVERITIES[severity].split() if ORDER.index(RULES[id].severity) < ORDER.index(severity)]
    assert weaker == []


def test_no_rule_tolerates_more_than_agreed():
    assert sum(len(ids.split()) for ids in SEVERITIES.values()) == 65
    for id, gates in GATES.items():
        rule = RULES[id]
        assert all((rule.tolerated if of == "*" else rule.limits[of]) <= share for of, share in gates.items()), id
    assert [id for id, rule in RULES.items() if rule.tolerated > 0.4] == []


def test_every_blocking_rule_either_tolerates_nothing_or_names_what_becomes_of_its_rows():
    assert [id for id, rule in RULES.items() if rule.severity == "block" and rule.tolerated] == []


@pytest.mark.parametrize(
    ("rule", "reason"), [("GEN-09", "DELETED_AND_THERE"), ("CLN-20", "LOCKED"), ("FIN-09", "CARD_NUMBER")]
)
def test_what_a_gate_stops_the_rule_of_the_source_has_kept_back_before(rule, reason):
    """Else a clinic that has such a row could never be loaded."""
    assert reason in RULES[rule].quarantine


def issues(rule, *reasons):
    rows = [(rule, "t", str(n), "c", reason) for n, reason in enumerate(reasons)]
    return pl.DataFrame(rows, schema=ISSUES, orient="row")


def test_a_blocking_rule_goes_on_over_rows_in_quarantine_and_ends_the_run_over_any_other():
    rule = RULES["CLN-20"]
    held = judged(rule, 10, issues("CLN-20", "LOCKED", "PART_2"))
    assert (held.status, held.failing) == (Status.PASS_WITH_EXCEPTIONS, 0)
    assert held.note == "LOCKED, PART_2: kept from the load"
    other = judged(rule, 10, issues("CLN-20", "LOCKED", "SOMETHING_NEW"))
    assert (other.status, other.failing) == (Status.FAIL, 1)


def test_a_reason_has_a_limit_of_its_own_and_so_has_a_column():
    within = judged(RULES["CLN-02"], 100, issues("CLN-02", *["SPELLING"] * 7))
    assert within.status is Status.PASS_WITH_EXCEPTIONS
    over = judged(RULES["CLN-02"], 100, issues("CLN-02", *["UNKNOWN_UNIT"] * 3))
    assert (over.status, over.note) == (Status.FAIL, "over its own limit: UNKNOWN_UNIT")
    of_column = RULES["PAT-03"].model_copy(update={"limits": {"first_name": 0.005}})
    column = issues("PAT-03", "NO_NAME").with_columns(column=pl.lit("first_name"))
    assert judged(of_column, 100, column).status is Status.FAIL


def test_what_is_only_listed_never_counts():
    found = judged(RULES["CLN-12"], 10, issues("CLN-12", *["MODERATE"] * 9))
    assert (found.status, found.failing) == (Status.PASS_WITH_EXCEPTIONS, 0)
    assert judged(RULES["CLN-12"], 10, issues("CLN-12", "MODERATE", "CONTRAINDICATED")).status is Status.FAIL
    assert judged(RULES["CLN-12"], 0, issues("CLN-12")).status is Status.NOT_APPLICABLE
