"""The figures of the audit: what points at what, how the tables grew. Each is also in words and in a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import polars as pl
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from ennu_lib.audit.graph import FOUNDATION
from ennu_lib.audit.scan import Scan
from ennu_lib.report.plotstyle import ACCENT, INK, LINE, MUTED, PALE, PAPER, WIDTH, style

ROW = 0.46
BOX = 0.285
GROUPS_DRAWN = 14
SMALL = 11
YEARS = 10


def relation_graph(scan: Scan, rows: Mapping[str, int]) -> Figure:
    """Groups of tables as boxes and the relations between them as arrows from child to parent, counted.

    Left: what the patients' data point at (lists, staff, organizations). Middle: the patients. Right: the groups that
    move together, the one with the most rows on top. Single tables and small groups share a box.
    """
    box_of, members = _boxes(scan, rows)
    links = Counter(
        (box_of[t], box_of[p])
        for t, p in scan.relations.select("table", "parent").iter_rows()
        if box_of.get(t) and box_of.get(p) and box_of[t] != box_of[p]
    )
    left = sorted((b for b in members if b.startswith(_ABOUT)), key=lambda b: -len(members[b]))
    right = sorted((b for b in members if b not in left and b != scan.patients), key=lambda b: -_rows(members[b], rows))
    height = max(len(left) * 1.7, len(right), 3) * ROW + 0.5
    with style():
        figure = Figure(figsize=(WIDTH, height), layout=None)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(0, height))
        axes.axis("off")
        places = _column(left, 0.05, 1.7, height) | _column(right, WIDTH - 2.5, 2.45, height)
        if scan.patients in members:
            places[scan.patients] = (2.55, height / 2 - 0.25, 1.2, 0.5)
        for (child, parent), count in sorted(links.items(), key=lambda item: item[1]):
            if child in places and parent in places:
                _arrow(axes, places[child], places[parent], count, parent == scan.patients)
        for box, place in places.items():
            _box(axes, place, _label(box, members[box], scan.patients), box == scan.patients)
    return figure


_ABOUT = "about "


def _boxes(scan: Scan, rows: Mapping[str, int]) -> tuple[dict[str, str], dict[str, list[str]]]:
    moves = dict(scan.groups.iter_rows())
    sizes = Counter(moves.values())
    large = [
        g
        for g in sorted(sizes, key=lambda g: (-sizes[g], g))
        if sizes[g] > 1 and g != FOUNDATION and g != scan.patients
    ][:GROUPS_DRAWN]
    box_of: dict[str, str] = {}
    for table, group in moves.items():
        if table == scan.patients:
            box_of[table] = table
        elif group == FOUNDATION:
            box_of[table] = _ABOUT + scan.subjects.get(table, "other")
        else:
            box_of[table] = group if group in large else SINGLES
    members: dict[str, list[str]] = {}
    for table, box in box_of.items():
        members.setdefault(box, []).append(table)
    return box_of, members


SINGLES = "other tables of patients"
_WORDS = {"about reference": "lists and codes", "about staff": "staff", "about organizations": "organizations",
          "about system": "system", "about other": "other lists", "about persons": "persons"}  # fmt: skip


def _label(box: str, tables: list[str], patients: str | None) -> str:
    if box == patients:
        return box
    name = _WORDS.get(box, box if len(box) <= 28 else f"{box[:26]}…")
    return f"{name} · {len(tables)}" if len(tables) > 1 else name


def _rows(tables: list[str], rows: Mapping[str, int]) -> int:
    return sum(rows.get(t, 0) for t in tables)


def _column(names: list[str], x: float, width: float, height: float) -> dict[str, tuple[float, float, float, float]]:
    step = height / max(1, len(names))
    return {n: (x, height - (i + 0.5) * step - BOX / 2, width, BOX) for i, n in enumerate(names)}


def _box(axes, place: tuple[float, float, float, float], text: str, hub: bool) -> None:
    x, y, width, height = place
    axes.add_patch(
        FancyBboxPatch(
            (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=ACCENT if hub else PAPER, edgecolor=ACCENT, linewidth=0.9, zorder=3,
        )
    )  # fmt: skip
    axes.text(
        x + width / 2, y + height / 2, text, ha="center", va="center", zorder=4,
        color=PAPER if hub else INK, fontsize=9 if hub else 8, fontweight="bold" if hub else "normal",
    )  # fmt: skip


def _arrow(axes, child, parent, count: int, to_patients: bool) -> None:
    rightward = child[0] < parent[0]
    start = (child[0] + (child[2] if rightward else 0), child[1] + child[3] / 2)
    end = (parent[0] + (0 if rightward else parent[2]), parent[1] + parent[3] / 2)
    if child[0] == parent[0]:
        side = child[0] + (child[2] if child[0] < 1 else 0)
        start, end = (side, start[1]), (side, end[1])
    bend = 0.35 if child[0] == parent[0] else 0.0
    if child[0] == parent[0] and (child[1] > parent[1]) == (child[0] < 1):
        bend = -bend
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=6, connectionstyle=f"arc3,rad={bend}",
            linewidth=0.5 + 0.35 * min(count, 12) ** 0.75, color=ACCENT if to_patients else LINE,
            zorder=2 if to_patients else 1, shrinkA=0, shrinkB=1,
        )
    )  # fmt: skip
    if to_patients:
        middle = (start[0] * 0.8 + end[0] * 0.2, start[1] * 0.8 + end[1] * 0.2)
        axes.text(*middle, str(count), fontsize=7, color=MUTED, ha="center", va="center", zorder=5,
                  bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6})  # fmt: skip


def growth_chart(growth: pl.DataFrame, tables: list[str], today: str) -> Figure:
    """Rows per month of each of `tables`, a panel each, for ten years; months of 1 to 10 rows are left out."""
    if not tables:
        raise ValueError("there is nothing to draw; say so in a note instead")
    first = f"{int(today[:4]) - YEARS}{today[4:7]}"
    months = [m for m in _months(first, today[:7]) if m < today[:7]]
    columns = 3
    lines = -(-len(tables) // columns)
    with style():
        figure = Figure(figsize=(WIDTH, 1.15 * lines + 0.35), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False, sharex=True)
        for panel in panels.flat:
            panel.set_visible(False)
        for table, panel in zip(tables, panels.flat, strict=False):
            panel.set_visible(True)
            counts = dict(growth.filter(pl.col("table") == table).select("month", "rows").iter_rows())
            heights = [c if (c := counts.get(month, 0)) >= SMALL else 0 for month in months]
            panel.fill_between(range(len(months)), heights, color=PALE, step="mid", linewidth=0)
            panel.step(range(len(months)), heights, where="mid", color=ACCENT, linewidth=0.8)
            panel.set_title(table, fontsize=8, loc="left", color=INK)
            top = max(heights) or 1
            panel.set_yticks([0, top], ["0", f"{top:,}"], fontsize=7)
            panel.set_ylim(0, top * 1.15)
            at = [i for i, month in enumerate(months) if month.endswith("-01") and int(month[:4]) % 3 == 0]
            panel.set_xticks(at, [months[i][:4] for i in at], fontsize=7)
        figure.supylabel("rows a month", fontsize=8, color=MUTED)
    return figure


def _months(first: str, last: str) -> list[str]:
    year, month = int(first[:4]), int(first[5:7])
    found = []
    while (here := f"{year:04d}-{month:02d}") <= last:
        found.append(here)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found
