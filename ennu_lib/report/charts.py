"""The charts the phases use. Each takes plain numbers and gives a matplotlib figure for `figure()`.

Every value is written beside its mark where there is room, and shades come with patterns: colour never says it alone.
A value of None was withheld and is drawn as `*`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ennu_lib.report.accounts import ACCOUNTS
from ennu_lib.report.formats import duration, number
from ennu_lib.report.masking import MARK
from ennu_lib.report.plotstyle import ACCENT, FILLS, INK, LINE, MUTED, PALE, PAPER, canvas, row_axes, style, value_axis

LABELLED_CELLS = 160
FULLNESS = LinearSegmentedColormap.from_list("fullness", [PAPER, PALE, ACCENT])


def bars(values: Mapping[str, float | None], *, measure: str, highlight: Sequence[str] = ()) -> Figure:
    """Horizontal bars, one per name, each with its value. Those in `highlight` are dark, the others pale.

    Without `highlight` all are dark. `measure` names what is counted, with its unit.
    """
    _refuse_empty(values)
    names = list(values)
    sizes = [values[name] or 0 for name in names]
    with style():
        fig, axes = canvas(len(names))
        colours = [ACCENT if not highlight or name in highlight else PALE for name in names]
        axes.barh(range(len(names)), sizes, height=0.62, color=colours, edgecolor=ACCENT)
        for place, name in enumerate(names):
            _value(axes, sizes[place], place, max(map(abs, sizes)), values[name])
        _room_for_labels(axes, max(sizes), min(sizes))
        row_axes(axes, names)
        value_axis(axes, measure)
    return fig


def before_after(
    before: Mapping[str, float | None], after: Mapping[str, float | None], *, measure: str, words=("before", "after")
) -> Figure:
    """Two bars per name: an open one for before, a filled one for after. Both mappings have the same names."""
    _refuse_empty(before)
    if list(before) != list(after):
        raise ValueError("before and after need the same names in the same order")
    names = list(before)
    pairs = [([before[n] or 0 for n in names], before), ([after[n] or 0 for n in names], after)]
    largest = max(max(sizes) for sizes, _ in pairs)
    with style():
        fig, axes = canvas(len(names), row_height=0.5)
        looks = ({"facecolor": PAPER, "hatch": "////"}, {"facecolor": ACCENT})
        for (sizes, values), look, offset, word in zip(pairs, looks, (-0.19, 0.19), words, strict=True):
            rows = np.arange(len(names)) + offset
            axes.barh(rows, sizes, height=0.34, edgecolor=ACCENT, label=word, **look)
            for row, size, name in zip(rows, sizes, names, strict=True):
                _value(axes, size, row, largest, values[name])
        _room_for_labels(axes, largest)
        row_axes(axes, names)
        value_axis(axes, measure)
        fig.legend(loc="outside upper left", ncols=2)
    return fig


def histogram(edges: Sequence[float], counts: Sequence[int | None], *, measure: str, counted: str) -> Figure:
    """Bars over the intervals between `edges`; `counts` has one number fewer. The data are counted beforehand."""
    if len(edges) != len(counts) + 1 or not counts:
        raise ValueError("a histogram needs one edge more than it has counts")
    sizes = [c or 0 for c in counts]
    with style():
        fig, axes = canvas(0, least=2.6)
        axes.bar(edges[:-1], sizes, width=np.diff(edges), align="edge", color=PALE, edgecolor=ACCENT)
        for left, right, count in zip(edges, edges[1:], counts, strict=False):
            if count is None:
                axes.text((left + right) / 2, 0, MARK, ha="center", va="bottom", color=MUTED)
        axes.set_ylim(bottom=0, top=None if any(sizes) else 1)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.grid(axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(measure)
        axes.set_ylabel(counted)
    return fig


def completeness(shares: Mapping[str, Mapping[str, float | None]], *, measure: str = "filled, %") -> Figure:
    """A heat map of shares from 0 to 1: one row per outer name, one column per inner name, percentages in the cells.

    A missing or None share is hatched: there is no such column, or nobody looked.
    """
    _refuse_empty(shares)
    rows = list(shares)
    columns = list(dict.fromkeys(name for row in shares.values() for name in row))
    grid = np.array([[_share(shares[r].get(c)) for c in columns] for r in rows])
    with style():
        fig, axes = canvas(len(rows), row_height=0.27, least=2.2)
        axes.patch.set(facecolor=PAPER, edgecolor=LINE, hatch="////", linewidth=0)
        image = axes.imshow(grid, cmap=FULLNESS, vmin=0, vmax=1, aspect="auto", interpolation="none")
        if grid.size <= LABELLED_CELLS:
            _write_cells(axes, grid)
        axes.set_xticks(range(len(columns)), columns, rotation=45, ha="left", rotation_mode="anchor")
        axes.xaxis.tick_top()
        axes.set_yticks(range(len(rows)), rows)
        axes.spines[:].set_visible(False)
        scale = fig.colorbar(image, ax=axes, fraction=0.03, pad=0.02, format=lambda v, _: f"{v:.0%}")
        scale.set_label(measure)
        scale.outline.set_visible(False)
    return fig


def accounts(rows: Mapping[str, Mapping[str, int | None]], *, measure: str = "share of source rows, %") -> Figure:
    """One full-width bar per table, split by account; shares, so that small tables can be read beside large ones.

    An account has the same fill on every page.
    """
    _refuse_empty(rows)
    names = list(rows)
    used = [account for account in ACCOUNTS if any(row.get(account) for row in rows.values())]
    totals = np.array([max(1, sum(n or 0 for n in rows[name].values())) for name in names])
    left = np.zeros(len(names))
    with style():
        fig, axes = canvas(len(names), row_height=0.32)
        for account in used:
            colour, hatch = FILLS[ACCOUNTS.index(account)]
            widths = 100 * np.array([rows[name].get(account) or 0 for name in names]) / totals
            axes.barh(
                range(len(names)),
                widths,
                left=left,
                height=0.6,
                color=colour,
                hatch=hatch,
                edgecolor=PAPER,
                label=account.replace("_", " "),
            )
            left += widths
        row_axes(axes, names)
        value_axis(axes, measure)
        axes.set_xlim(0, 100)
        fig.legend(loc="outside upper left", ncols=min(4, max(1, len(used))))
    return fig


def schedule(spans: Mapping[str, tuple[float, float]], *, measure: str = "minutes since the start") -> Figure:
    """When each step began and how long it took: name to (start, length), both in minutes."""
    _refuse_empty(spans)
    names = list(spans)
    starts, lengths = zip(*spans.values(), strict=True)
    end = max(s + n for s, n in spans.values())
    with style():
        fig, axes = canvas(len(names))
        axes.barh(range(len(names)), lengths, left=starts, height=0.5, color=ACCENT, edgecolor=ACCENT)
        for place, (start, length) in enumerate(spans.values()):
            axes.text(start + length + end * 0.01, place, duration(length * 60), va="center", color=INK)
        _room_for_labels(axes, end)
        row_axes(axes, names)
        value_axis(axes, measure)
    return fig


def _value(axes, size: float, row: float, largest: float, value: float | None) -> None:
    text = MARK if value is None else number(value)
    side = -1 if size < 0 else 1
    place = size + side * (largest or 1) * 0.01
    axes.text(place, row, text, va="center", ha="right" if size < 0 else "left", color=INK)


def _room_for_labels(axes, largest: float, smallest: float = 0) -> None:
    span = max(largest, 0) - min(smallest, 0) or 1
    axes.set_xlim(min(smallest, 0) - (0.14 * span if smallest < 0 else 0), max(largest, 0) + 0.14 * span)


def _write_cells(axes, grid: np.ndarray) -> None:
    for (row, column), share in np.ndenumerate(grid):
        if np.isnan(share):
            axes.text(column, row, "–", ha="center", va="center", color=MUTED, fontsize=8)
        else:
            ink = PAPER if share > 0.72 else INK
            axes.text(column, row, f"{np.floor(share * 100):.0f}", ha="center", va="center", color=ink, fontsize=8)


def _share(value: float | None) -> float:
    return float("nan") if value is None else value


def _refuse_empty(values: Mapping[str, object]) -> None:
    if not values:
        raise ValueError("there is nothing to draw; say so in a note instead")
