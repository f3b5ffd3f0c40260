"""Phase 02: bring values into standard form, change nothing without an event, and count what was changed."""

from ennu_lib.quality.counted import by_rule, rules_by_count, undone_sentence, usual_shapes
from ennu_lib.quality.remediation import Remediation, outcomes, remediate
from ennu_lib.quality.standard.declared import load_standardize
from ennu_lib.quality.tables import (
    Changes,
    changes_second_time,
    emptied_findings,
    standardize_tables,
    type_finding,
)
from ennu_lib.quality.undo import undone_rules
from ennu_lib.quality.worklists import effect_table, quarantine_table, write_worklists

__all__ = [
    "Changes",
    "Remediation",
    "by_rule",
    "changes_second_time",
    "effect_table",
    "emptied_findings",
    "load_standardize",
    "outcomes",
    "quarantine_table",
    "remediate",
    "rules_by_count",
    "standardize_tables",
    "type_finding",
    "undone_rules",
    "undone_sentence",
    "usual_shapes",
    "write_worklists",
]
