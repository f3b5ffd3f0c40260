"""Phase 01: what is in the database, what hangs together, what is personal, and what is wrong with it."""

from ennu_lib.audit import blocks
from ennu_lib.audit.capacity import capacity_plan, spans
from ennu_lib.audit.capacity_links import link_findings, linked, links_per_record, record_limits
from ennu_lib.audit.capacity_portal import capacity_findings, forecast_against_actual, portal_caps
from ennu_lib.audit.codes import code_values
from ennu_lib.audit.declared import declared_relations
from ennu_lib.audit.details import details
from ennu_lib.audit.exceptions import accepted_exceptions, extraction_findings, unread_tables
from ennu_lib.audit.inventory import (
    drift,
    excluded_tables,
    inventory,
    inventory_counts,
    inventory_findings,
    require_tables,
)
from ennu_lib.audit.judging import key_findings, scan_findings
from ennu_lib.audit.params import AuditParams, load_audit_params
from ennu_lib.audit.personal import read_decisions
from ennu_lib.audit.quirks import quirk_findings, quirk_frame
from ennu_lib.audit.ranking import ranked
from ennu_lib.audit.scan import Scan, keep, scan
from ennu_lib.audit.sensitivity import check_sensitivity

__all__ = [
    "AuditParams",
    "Scan",
    "accepted_exceptions",
    "blocks",
    "capacity_findings",
    "capacity_plan",
    "check_sensitivity",
    "code_values",
    "declared_relations",
    "details",
    "drift",
    "excluded_tables",
    "extraction_findings",
    "forecast_against_actual",
    "inventory",
    "inventory_counts",
    "inventory_findings",
    "keep",
    "key_findings",
    "link_findings",
    "linked",
    "links_per_record",
    "load_audit_params",
    "portal_caps",
    "quirk_findings",
    "quirk_frame",
    "ranked",
    "read_decisions",
    "record_limits",
    "require_tables",
    "scan",
    "scan_findings",
    "spans",
    "unread_tables",
]
