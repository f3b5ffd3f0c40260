"""The data-quality rules: what each one says is data in `params/rules`, what it looks at is one small function.

A lower room, because a rule runs when its data exist: most on the source in phase 02, some on the mapped records in
phase 04, two on the scores in phase 05, a few on what was loaded in phase 08.
"""

from ennu_lib.rules.control_totals import read_control_totals
from ennu_lib.rules.control_totals_page import control_total_tables
from ennu_lib.rules.definition import MOMENTS, Rule, load_rules
from ennu_lib.rules.engine import ISSUES, RuleRun, run_rules
from ennu_lib.rules.findings import ISSUES_FILES, Outcomes, later_rules, rule_findings
from ennu_lib.rules.kill_rate_page import kill_rate_tables, survivors
from ennu_lib.rules.rule_page import overview, rule_sections
from ennu_lib.rules.tables import Tables, workspace_tables
from ennu_lib.rules.trial import amber, kill_findings, try_rules

__all__ = [
    "ISSUES",
    "ISSUES_FILES",
    "MOMENTS",
    "Outcomes",
    "Rule",
    "RuleRun",
    "Tables",
    "amber",
    "control_total_tables",
    "kill_findings",
    "kill_rate_tables",
    "later_rules",
    "load_rules",
    "overview",
    "read_control_totals",
    "rule_findings",
    "rule_sections",
    "run_rules",
    "survivors",
    "try_rules",
    "workspace_tables",
]
