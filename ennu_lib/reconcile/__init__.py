"""Phase 08: read everything back, compare field by field, and account for every source row."""

from ennu_lib.reconcile.accounts import ACCOUNTS, balance, balance_finding, row_accounts
from ennu_lib.reconcile.compare import Compared, compare_object
from ennu_lib.reconcile.links import compare_links
from ennu_lib.reconcile.run_reconcile import (
    as_accounts,
    compare_all,
    difference_table,
    reasons,
    reconciliation_counts,
    reconciliation_findings,
    run_accounts,
)

__all__ = [
    "ACCOUNTS",
    "Compared",
    "as_accounts",
    "balance",
    "balance_finding",
    "compare_all",
    "compare_links",
    "compare_object",
    "difference_table",
    "reasons",
    "reconciliation_counts",
    "reconciliation_findings",
    "row_accounts",
    "run_accounts",
]
