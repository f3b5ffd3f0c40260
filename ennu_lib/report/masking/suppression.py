"""Which cells of a table of counts about people must be withheld.

The rule is the cell-size policy of the US Centers for Medicare & Medicaid Services: no count from 1 to 10 is shown, nor
anything from which one can be worked out. Zero may be shown. Where totals are shown, one withheld cell would follow by
subtraction, so others are withheld with it (complementary suppression) until this holds:

    whoever knows every shown cell and every total still finds each value from 1 to the limit possible
    for each withheld small count.

In one dimension that takes two withheld cells with a sum above the limit. In two dimensions each small count gets the
corners of rectangles of withheld cells around which counts could be shifted without touching any total (the hypercube
method of Repsilber, as in tau-Argus).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LIMIT = 10

Cell = tuple[int, int]


def withheld_cells(
    counts: Sequence[Sequence[int]], *, row_totals: bool = False, column_totals: bool = False, limit: int = LIMIT
) -> set[Cell]:
    """The (row, column) places of `counts` that may not be shown.

    `row_totals`: the last column holds the sum of each row. `column_totals`: the last row holds the sum of each column.
    Raises ValueError when a count is negative or a total does not add up.
    """
    table = np.asarray(counts, dtype=np.int64)
    if table.size == 0:
        return set()
    _refuse_wrong(table, row_totals, column_totals)
    small = (table >= 1) & (table <= limit)
    if row_totals and column_totals:
        withheld = _two_dimensions(table, small, limit)
    elif row_totals:
        withheld = np.stack([_one_line(row, hidden, limit) for row, hidden in zip(table, small, strict=True)])
    elif column_totals:
        lines = zip(table.T, small.T, strict=True)
        withheld = np.stack([_one_line(column, hidden, limit) for column, hidden in lines], axis=1)
    else:
        withheld = small
    return {(int(row), int(column)) for row, column in np.argwhere(withheld)}


def _one_line(line: np.ndarray, small: np.ndarray, limit: int) -> np.ndarray:
    """The withheld places of parts followed by their total; a total that is withheld itself gives nothing away."""
    withheld = small.copy()
    if withheld[-1] or not withheld.any():
        return withheld
    others = [i for i in np.argsort(line[:-1], kind="stable") if line[i] > limit]
    while withheld.sum() < 2 or line[withheld].sum() <= limit:
        withheld[others.pop(0)] = True
    return withheld


def _two_dimensions(table: np.ndarray, small: np.ndarray, limit: int) -> np.ndarray:
    withheld = small.copy()
    for row, column in np.argwhere(small):
        count = int(table[row, column])
        _allow_shift(table, withheld, (row, column), 1, limit - count)
        _allow_shift(table, withheld, (row, column), -1, count - 1)
    return withheld


def _allow_shift(table: np.ndarray, withheld: np.ndarray, cell: Cell, direction: int, shift: int) -> None:
    """Withhold rectangles through `cell` around which its count can move by `shift` while every sum still holds.

    The cheapest one that goes all the way is taken, or else the cheapest that goes part of it, and then the next. There
    always is one: what remains is a table that adds up, and a rectangle over its totals moves any count that is left.
    """
    row, column = cell
    moved = table.copy()
    # Totals enter their sums with the opposite sign, so a corner in a total row or column moves the other way.
    sign = np.ones_like(table)
    sign[-1, :] *= -1
    sign[:, -1] *= -1
    moves = sign * sign[row, column] * direction
    while shift > 0:
        reach = _reach(moved, moves, cell)
        candidates = reach >= shift if (reach >= shift).any() else reach > 0
        price = _price(table, withheld)
        cost = price + price[row, :][None, :] + price[:, column][:, None]
        cost[~candidates] = np.iinfo(np.int64).max
        across, along = np.unravel_index(int(cost.argmin()), cost.shape)
        step = min(shift, int(reach[across, along]))
        for corner, side in (((row, column), 1), ((across, along), 1), ((row, along), -1), ((across, column), -1)):
            moved[corner] += side * moves[corner] * step
            withheld[corner] = True
        shift -= step


def _reach(table: np.ndarray, moves: np.ndarray, cell: Cell) -> np.ndarray:
    """How far the rectangle between `cell` and each opposite corner can move before one of its counts is zero."""
    row, column = cell
    endless = np.iinfo(np.int64).max
    as_corner = np.where(moves > 0, endless, table)
    as_neighbour = np.where(moves < 0, endless, table)
    reach = np.minimum(as_corner, np.minimum(as_neighbour[row, :][None, :], as_neighbour[:, column][:, None]))
    reach[row, :] = reach[:, column] = 0
    return reach


def _price(table: np.ndarray, withheld: np.ndarray) -> np.ndarray:
    """What withholding each cell costs the reader: totals dearest, then the number of cells, then their size."""
    price = np.minimum(table, 10**9) + 10**10
    price[-1, :] += 10**15
    price[:, -1] += 10**15
    return np.where(withheld, 0, price)


def _refuse_wrong(table: np.ndarray, row_totals: bool, column_totals: bool) -> None:
    if (table < 0).any():
        raise ValueError("a count of people cannot be negative")
    if row_totals and (table[:, :-1].sum(axis=1) != table[:, -1]).any():
        raise ValueError("a row does not add up to its total, so suppression cannot be planned for this table")
    if column_totals and (table[:-1, :].sum(axis=0) != table[-1, :]).any():
        raise ValueError("a column does not add up to its total, so suppression cannot be planned for this table")
