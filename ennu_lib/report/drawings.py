"""Drawings that explain a decision: why one pair was believed, what a threshold would do, who hangs together with whom.

Like `charts`, they take plain numbers and words, and colour never says it alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ennu_lib.report.formats import number
from ennu_lib.report.masking import MARK
from ennu_lib.report.plotstyle import ACCENT, INK, LINE, MUTED, PALE, PAPER, WIDTH, canvas, row_axes, style, value_axis

_ON_PAPER = {"facecolor": PAPER, "edgecolor": "none", "pad": 1}

Link = tuple[int, int, str, bool]  # two places, what stands on the line, whether the line is a weak one


def waterfall(steps: Sequence[tuple[str, float]], *, measure: str, total: str) -> Figure:
    """Terms that add up to a sum: each bar begins where the one above ended; the last bar is the sum from zero.

    Terms that add are filled, terms that take away are hatched.
    """
    if not steps:
        raise ValueError("there is nothing to draw; say so in a note instead")
    names = [name for name, _ in steps] + [total]
    sizes = np.array([size for _, size in steps])
    ends = np.cumsum(sizes)
    starts = np.concatenate([[0.0], ends[:-1]])
    span = max(ends.max(), 0) - min(ends.min(), 0) or 1
    with style():
        fig, axes = canvas(len(names), row_height=0.28)
        for row, (start, size) in enumerate(zip([*starts, 0.0], [*sizes, ends[-1]], strict=True)):
            last = row == len(sizes)
            look = {"facecolor": ACCENT if last or size >= 0 else PAPER, "hatch": "" if size >= 0 else "////"}
            axes.barh(row, size, left=start, height=0.6, edgecolor=ACCENT, **look)
            right = max(start, start + size)
            axes.text(right + span * 0.012, row, f"{size:+.1f}", va="center", color=INK)
            if not last:
                axes.plot([start + size] * 2, [row, row + 1], color=LINE, linewidth=0.7, zorder=0)
        axes.axvline(0, color=MUTED, linewidth=0.7)
        axes.set_xlim(min(ends.min(), 0) - 0.03 * span, max(ends.max(), 0) + 0.13 * span)
        row_axes(axes, names)
        value_axis(axes, measure)
    return fig


def panels(columns: Mapping[str, Sequence[float | None]], *, rows: Sequence[str], marked: str = "") -> Figure:
    """Several measures side by side, one bar per name of `rows` in each; the one called `marked` is dark, others pale.

    A value of None was withheld and is drawn as `*`.
    """
    if not rows or not columns:
        raise ValueError("there is nothing to draw; say so in a note instead")
    with style():
        fig = Figure(figsize=(WIDTH, max(1.8, len(rows) * 0.3 + 0.75)), layout="constrained")
        every = fig.subplots(1, len(columns), sharey=True, squeeze=False)[0]
        for place, (axes, (measure, values)) in enumerate(zip(every, columns.items(), strict=True)):
            sizes = [value or 0 for value in values]
            colours = [ACCENT if name == marked or not marked else PALE for name in rows]
            axes.barh(range(len(rows)), sizes, height=0.62, color=colours, edgecolor=ACCENT)
            largest = max(sizes) or 1
            for row, value in enumerate(values):
                text = MARK if value is None else number(value)
                axes.text((value or 0) + largest * 0.02, row, text, va="center", color=INK)
            axes.set_xlim(0, largest * 1.3)
            value_axis(axes, measure)
            axes.spines["left"].set_visible(False)
            if not place:
                row_axes(axes, list(rows))
    return fig


def groups(drawn: Sequence[tuple[str, int, Sequence[Link]]], *, across: int = 3) -> Figure:
    """Small networks: for each a title, its number of members and the links between them, members on a circle.

    Members are numbered from 1 within their group. A weak link is dashed.
    """
    if not drawn:
        raise ValueError("there is nothing to draw; say so in a note instead")
    down = -(-len(drawn) // across)
    with style():
        fig = Figure(figsize=(WIDTH, 2.5 * down), layout="constrained")
        every = fig.subplots(down, across, squeeze=False).ravel()
        for axes, (title, members, links) in zip(every, drawn, strict=False):
            angle = np.pi / 2 - 2 * np.pi * np.arange(members) / members
            x, y = np.cos(angle), np.sin(angle)
            for a, b, word, weak in links:
                axes.plot(
                    x[[a, b]], y[[a, b]], color=MUTED if weak else ACCENT, linestyle="--" if weak else "-", zorder=1
                )
                at = np.array([x[a], y[a]]) * 0.56 + np.array([x[b], y[b]]) * 0.44
                axes.text(*at, word, fontsize=7, ha="center", va="center", color=INK, bbox=_ON_PAPER)
            axes.scatter(x, y, s=180, color=PAPER, edgecolor=ACCENT, zorder=2)
            for place in range(members):
                axes.text(x[place], y[place], str(place + 1), ha="center", va="center", fontsize=8, color=INK)
            axes.set_title(title, fontsize=9, color=INK)
            axes.set_xlim(-1.35, 1.35)
            axes.set_ylim(-1.35, 1.35)
        for axes in every:
            axes.set_aspect("equal")
            axes.axis("off")
    return fig
