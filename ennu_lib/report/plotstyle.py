"""How figures look: quiet axes, one accent, readable in print and in grey. No pyplot, so nothing is global."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ennu_lib.report.theme import LIGHT, SHADES

WIDTH = 7.6  # inches; fills the 42 rem measure of the page at 100 %

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ennu",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": LIGHT["ink"],
    "axes.labelcolor": LIGHT["muted"],
    "axes.edgecolor": LIGHT["strong-line"],
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.labelsize": 9,
    "axes.grid": False,
    "grid.color": LIGHT["line"],
    "grid.linewidth": 0.6,
    "xtick.color": LIGHT["muted"],
    "ytick.color": LIGHT["ink"],
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "hatch.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": LIGHT["paper"],
    "axes.facecolor": LIGHT["paper"],
    "patch.linewidth": 0.7,
}

ACCENT, MUTED, INK, LINE, PAPER = (LIGHT[name] for name in ("accent", "muted", "ink", "line", "paper"))
PALE = SHADES[2]
# Eight fills that differ by pattern as well as by shade, so that they part in grey and for colour-blind readers too.
FILLS = (
    (SHADES[0], ""),
    (SHADES[1], "////"),
    (SHADES[1], ""),
    (SHADES[0], "||||"),
    (SHADES[5], ""),
    (SHADES[4], "\\\\\\\\"),
    (SHADES[3], "xxxx"),
    (SHADES[4], "----"),
)


@contextmanager
def style() -> Iterator[None]:
    """The project's matplotlib settings, for the block only."""
    with mpl.rc_context(STYLE):
        yield


def canvas(rows: int, *, row_height: float = 0.3, least: float = 1.6) -> tuple[Figure, Axes]:
    """A figure as tall as `rows` horizontal rows need, with one plot in it."""
    figure = Figure(figsize=(WIDTH, max(least, rows * row_height + 0.75)), layout="constrained")
    return figure, figure.add_subplot()


def row_axes(axes: Axes, names: list[str]) -> None:
    """Names down the left, first on top, and no line beside them."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.spines["left"].set_visible(False)


def value_axis(axes: Axes, name: str) -> None:
    """A light grid behind horizontal bars, and the measure with its unit below."""
    axes.grid(axis="x")
    axes.spines["bottom"].set_visible(False)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if float(value).is_integer() else f"{value:,g}")
    axes.set_xlabel(name)
