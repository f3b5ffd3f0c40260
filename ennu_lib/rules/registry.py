"""A check: from the tables to looks, each a frame with the columns and reasons for which its rows fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ennu_lib.rules.tables import Tables


@dataclass(frozen=True)
class Look:
    """One frame under a rule. `frame` has `__key`, one row per row of `table`.

    `fails` maps (column, reason) to an expression that is true where the row fails; null counts as holding. `counts`
    is true for the rows that the rule speaks about; None means all.
    """

    table: str
    frame: pl.LazyFrame
    fails: Mapping[tuple[str, str], pl.Expr]
    counts: pl.Expr | None = None


Check = Callable[[Tables, Mapping[str, Any]], Iterable[Look]]
CHECKS: dict[str, Check] = {}


def checks(rule: str) -> Callable[[Check], Check]:
    """Registers a function as the check of rule `rule`."""

    def register(check: Check) -> Check:
        if rule in CHECKS:
            raise ValueError(f"{rule} has two checks")
        CHECKS[rule] = check
        return check

    return register
