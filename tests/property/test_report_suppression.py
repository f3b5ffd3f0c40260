"""Whoever subtracts cleverly learns nothing: the range of every withheld small count, by linear programming."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from ennu_lib.report.masking import LIMIT, masked_ratio, withheld_cells

COUNT = st.sampled_from([0, 0, 1, 2, 5, 9, 10, 11, 12, 30, 250, 4000])


@st.composite
def tables(draw, rows: bool, columns: bool) -> np.ndarray:
    height, width = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    body = np.array(draw(st.lists(st.lists(COUNT, min_size=width, max_size=width), min_size=height, max_size=height)))
    if rows:
        body = np.hstack([body, body.sum(axis=1, keepdims=True)])
    return np.vstack([body, body.sum(axis=0, keepdims=True)]) if columns else body


def constraints(shape: tuple[int, int], rows: bool, columns: bool) -> np.ndarray:
    """One equation per total: parts minus total is zero."""
    height, width = shape
    equations = []
    for row in range(height) if rows else ():
        equation = np.zeros(shape)
        equation[row, :] = 1
        equation[row, -1] = -1
        equations.append(equation.ravel())
    for column in range(width) if columns else ():
        equation = np.zeros(shape)
        equation[:, column] = 1
        equation[-1, column] = -1
        equations.append(equation.ravel())
    return np.array(equations)


def possible(table: np.ndarray, withheld: set, cell: tuple[int, int], equations: np.ndarray) -> tuple[float, float]:
    """The smallest and largest value that the shown cells leave to `cell`."""
    bounds = [(None, None)] * table.size
    for index, value in np.ndenumerate(table):
        place = np.ravel_multi_index(index, table.shape)
        bounds[place] = (0, None) if index in withheld else (value, value)
    target = np.zeros(table.size)
    target[np.ravel_multi_index(cell, table.shape)] = 1
    ends = []
    for sign in (1, -1):
        equal = {"A_eq": equations, "b_eq": np.zeros(len(equations))} if len(equations) else {}
        solved = linprog(sign * target, bounds=bounds, **equal)
        ends.append(np.inf if solved.status == 3 else sign * solved.fun)
    return ends[0], ends[1]


def assert_protected(table: np.ndarray, rows: bool, columns: bool) -> None:
    withheld = withheld_cells(table.tolist(), row_totals=rows, column_totals=columns)
    small = {tuple(map(int, cell)) for cell in np.argwhere((table >= 1) & (table <= LIMIT))}
    assert small <= withheld
    if not small:
        assert not withheld
    equations = constraints(table.shape, rows, columns)
    for cell in small:
        least, most = possible(table, withheld, cell, equations)
        assert least <= 1 + 1e-6 and most >= LIMIT - 1e-6, (cell, least, most)


@given(tables(rows=True, columns=False))
@settings(max_examples=40, deadline=None)
def test_row_totals_give_no_small_count_away(table):
    assert_protected(table, True, False)


@given(tables(rows=False, columns=True))
@settings(max_examples=40, deadline=None)
def test_column_totals_give_no_small_count_away(table):
    assert_protected(table, False, True)


@example(np.array([[5, 5, 10], [0, 11, 11], [5, 16, 21]]))  # a small total that no single rectangle can shift
@given(tables(rows=True, columns=True))
@settings(max_examples=60, deadline=None)
def test_totals_both_ways_give_no_small_count_away(table):
    assert_protected(table, True, True)


@given(COUNT, COUNT)
def test_a_ratio_shows_neither_a_small_part_nor_a_small_rest(part, rest):
    shown = masked_ratio(part, part + rest)
    numbers = {int(word.replace(",", "")) for word in shown.split("(")[0].split(" of ") if word.strip() != "*"}
    assert not any(1 <= n <= LIMIT for n in numbers)
    if 1 <= rest <= LIMIT or 1 <= part <= LIMIT:
        assert len(numbers) <= 1
