"""Phase 01: what is in the database, how complete it is, and how it differs from the catalogue."""

from ennu_lib.audit.completeness import by_table, completeness, heat_map
from ennu_lib.audit.exceptions import accepted_exceptions, extraction_findings, unread_tables
from ennu_lib.audit.inventory import (
    drift,
    excluded_tables,
    inventory,
    inventory_counts,
    inventory_findings,
    require_tables,
)

__all__ = [
    "accepted_exceptions",
    "by_table",
    "completeness",
    "drift",
    "excluded_tables",
    "extraction_findings",
    "heat_map",
    "inventory",
    "inventory_counts",
    "inventory_findings",
    "require_tables",
    "unread_tables",
]
