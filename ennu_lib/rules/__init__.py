"""The data-quality rules: what each one says is data in `params/rules`, what it looks at is one small function.

A lower room, because a rule runs when its data exist: most on the source in phase 02, some on the mapped records in
phase 04, a few on what was scored and loaded in phase 08.
"""

from ennu_lib.rules.definition import MOMENTS, Rule, load_rules
from ennu_lib.rules.engine import ISSUES, RuleRun, run_rules
from ennu_lib.rules.findings import later_findings, rule_findings
from ennu_lib.rules.tables import Tables, workspace_tables

__all__ = [
    "ISSUES",
    "MOMENTS",
    "Rule",
    "RuleRun",
    "Tables",
    "later_findings",
    "load_rules",
    "rule_findings",
    "run_rules",
    "workspace_tables",
]
