"""Phase 08: read everything back, compare field by field, and account for every source row."""

from ennu_lib.reconcile.accounts import ACCOUNTS, balance, balance_finding, row_accounts
from ennu_lib.reconcile.compare import Compared, compare_object

__all__ = ["ACCOUNTS", "Compared", "balance", "balance_finding", "compare_object", "row_accounts"]
