"""Phase 02: bring values into standard form, change nothing without an event, and count what was changed."""

from ennu_lib.quality.counted import by_rule, rules_by_count, undone_sentence, usual_shapes
from ennu_lib.quality.standard.declared import load_standardize
from ennu_lib.quality.tables import (
    Changes,
    changes_second_time,
    emptied_findings,
    standardize_tables,
    type_finding,
)
from ennu_lib.quality.undo import undone_rules

__all__ = [
    "Changes",
    "by_rule",
    "changes_second_time",
    "emptied_findings",
    "load_standardize",
    "rules_by_count",
    "standardize_tables",
    "type_finding",
    "undone_rules",
    "undone_sentence",
    "usual_shapes",
]
