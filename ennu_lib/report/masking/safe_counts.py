"""Counts about people in the form in which they may leave the circle of those who need to know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from ennu_lib.report.formats import ratio
from ennu_lib.report.masking.suppression import LIMIT, withheld_cells

MARK = "*"


@dataclass(frozen=True)
class SafeCounts:
    """A frame whose withheld cells are null, and the places of those cells as (row number, column name)."""

    frame: pl.DataFrame
    withheld: frozenset[tuple[int, str]]
    limit: int = LIMIT

    @property
    def footnote(self) -> str:
        """What the mark means; empty when nothing is withheld. It does not tell the two reasons apart on purpose."""
        return footnote(self.limit) if self.withheld else ""


def footnote(limit: int = LIMIT) -> str:
    """What the mark means."""
    return f"{MARK} Withheld: a count of people from 1 to {limit}, or one from which such a count could be worked out."


def suppress(
    frame: pl.DataFrame,
    counts: Sequence[str],
    *,
    total_row: bool = False,
    total_column: str | None = None,
    shares: Mapping[str, str] | None = None,
    limit: int = LIMIT,
) -> SafeCounts:
    """Withhold small counts about people from `frame`, and whatever would give them away.

    `counts` names the columns that count people. `total_row`: the last row sums up the others. `total_column` names the
    column that sums up `counts`. `shares` maps a column of percentages to the count it is computed from.
    Raises ValueError when a column is missing, a count is negative, or a total does not add up.
    """
    columns = [c for c in counts if c != total_column] + ([total_column] if total_column else [])
    shares = dict(shares or {})
    missing = sorted({*columns, *shares, *shares.values()} - set(frame.columns))
    if missing:
        raise ValueError(f"the table has no column {', '.join(missing)}")
    rows = frame.select(pl.col(columns).fill_null(0)).rows()
    places = withheld_cells(rows, row_totals=bool(total_column), column_totals=total_row, limit=limit)
    withheld = {(row, columns[column]) for row, column in places}
    withheld |= {(row, share) for share, base in shares.items() for row, column in withheld if column == base}
    return SafeCounts(_without(frame, withheld), frozenset(withheld), limit)


def masked_count(count: int, limit: int = LIMIT) -> str:
    """A single count about people as text."""
    return MARK if 1 <= count <= limit else f"{count:,}"


def masked_ratio(numerator: int, denominator: int, limit: int = LIMIT) -> str:
    """`numerator of denominator` as text; those that hold and those that do not are both people."""
    rest = denominator - numerator
    if withheld_cells([[numerator, rest, denominator]], row_totals=True, limit=limit):
        return f"{MARK} of {masked_count(denominator, limit)}"
    return ratio(numerator, denominator)


def _without(frame: pl.DataFrame, withheld: set[tuple[int, str]]) -> pl.DataFrame:
    columns = sorted({column for _, column in withheld})
    blanked = [
        pl.Series(c, [None if (row, c) in withheld else value for row, value in enumerate(frame[c])], frame[c].dtype)
        for c in columns
    ]
    return frame.with_columns(blanked)
