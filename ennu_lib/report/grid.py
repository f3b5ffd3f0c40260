"""A table as HTML: from columns and finished cells to `<table>`, with the scopes a screen reader needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ennu_lib.report.html import Html, element, inline, join

# About what fits beside the margins of a 380 px screen, in characters.
NARROW = 40
MANY_COLUMNS = 7


@dataclass(frozen=True)
class Column:
    """The head of a column: its label, the unit of its values, and `left`, `right` or `center`."""

    label: str
    unit: str = ""
    align: str = "left"


def grid(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[object]],
    *,
    header_column: int | None = 0,
    total_row: bool = False,
    notes: Sequence[str] = (),
) -> Html:
    """`<table>` with a caption, column headers, and the cells of `header_column` as row headers.

    `total_row` sets the last row apart as the foot. Notes stand below. A table too wide for a narrow screen scrolls
    within a labelled region that the keyboard reaches. Raises ValueError without a caption.
    """
    if not caption.strip():
        raise ValueError("a table needs a caption that says what it counts")
    body, foot = (rows[:-1], rows[-1:]) if total_row else (rows, ())
    drawn = element(
        "table",
        element("caption", element("span", inline(caption))),
        element("thead", element("tr", *(_head(column) for column in columns))),
        element("tbody", *(_row(columns, row, header_column) for row in body)),
        element("tfoot", *(_row(columns, row, header_column) for row in foot)) if foot else None,
        class_="ennu-dense" if len(columns) >= MANY_COLUMNS else None,
    )
    if _width(columns, rows) > NARROW:
        drawn = element("div", drawn, class_="ennu-scroll", role="region", aria_label=f"Table: {caption}", tabindex="0")
    return join([drawn, *(element("p", inline(note), class_="ennu-note-line") for note in notes if note)])


def _head(column: Column) -> Html:
    unit = element("span", f" ({column.unit})", class_="ennu-unit") if column.unit else None
    return element("th", column.label, unit, scope="col", class_=_side(column))


def _row(columns: Sequence[Column], cells: Sequence[object], header_column: int | None) -> Html:
    drawn = [
        element("th", cell, scope="row", class_=_side(column))
        if place == header_column
        else element("td", cell, class_=_side(column))
        for place, (column, cell) in enumerate(zip(columns, cells, strict=True))
    ]
    return element("tr", *drawn)


def _side(column: Column) -> str | None:
    return None if column.align == "left" else column.align


def _width(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> int:
    """Characters that the widest cells take side by side, when long texts wrap at 24."""
    widths = [
        max([_longest_word(column.label), *(min(_length(row[place]), 24) for row in rows)])
        for place, column in enumerate(columns)
    ]
    return sum(widths) + 3 * len(columns)


def _length(cell: object) -> int:
    return len(cell.text) if isinstance(cell, Html) else len(str(cell))


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)
