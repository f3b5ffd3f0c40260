"""Phase 02: bring values into standard form, change nothing without an event, and count what was changed."""

from ennu_lib.quality.standardize import Standardized, load_standardize, reasons, standardize, summarize
from ennu_lib.quality.tables import (
    changes_second_time,
    emptied_findings,
    rows_standardized,
    rule_table,
    standardize_tables,
)

__all__ = [
    "Standardized",
    "changes_second_time",
    "emptied_findings",
    "load_standardize",
    "reasons",
    "rows_standardized",
    "rule_table",
    "standardize",
    "standardize_tables",
    "summarize",
]
