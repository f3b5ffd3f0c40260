"""Phase 04: apply the declarative mappings, and account for every row of the tables they cover."""

from ennu_lib.mapping.build import Built, build_targets
from ennu_lib.mapping.checks import accounts_by_table, mapping_findings, rows_mapped
from ennu_lib.mapping.files import MappingSet, load_mappings
from ennu_lib.mapping.prepare import coverage, flow_steps, run_sources

__all__ = [
    "Built",
    "MappingSet",
    "accounts_by_table",
    "build_targets",
    "coverage",
    "flow_steps",
    "load_mappings",
    "mapping_findings",
    "rows_mapped",
    "run_sources",
]
