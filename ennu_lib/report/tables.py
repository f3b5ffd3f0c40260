"""Tables of counts for a report, out of a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from ennu_lib.report.formats import align_of, form_of, label, shown
from ennu_lib.report.grid import Column, grid
from ennu_lib.report.html import Html, block
from ennu_lib.report.masking import LIMIT, MARK, WITHHELD, SafeCounts, refuse_identifiers, suppress, withhold_values

if TYPE_CHECKING:
    import pandas as pd

ALIGNMENTS = ("left", "right", "center")
SHOWN_ROWS = 60

Rows = Sequence[Mapping[str, Any]]


def table(
    frame: pl.DataFrame | pd.DataFrame | SafeCounts | Rows,
    *,
    caption: str,
    units: Mapping[str, str] | None = None,
    formats: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    align: Mapping[str, str] | None = None,
    row_header: str | None = None,
    status_column: str | None = None,
    note: str | None = None,
    total_row: bool = False,
    total_column: str | None = None,
    people: Sequence[str] = (),
    shares: Mapping[str, str] | None = None,
    suppress_below: int = LIMIT + 1,
    rows: int = SHOWN_ROWS,
) -> Html:
    """A table with a caption, units in the headers, and row headers (the first column unless `row_header` names one).

    `formats` maps columns to one of `formats.FORMATS`; without it the type of the column decides. `status_column` holds
    status words and is shown as shape and word. Past `rows` rows the table is cut, and a line says so.

    `people` names columns that count persons. The distributable page then gets this table with counts from 1 up to
    `suppress_below - 1` withheld, and with them whatever would give them away: `total_row` and `total_column` say which
    totals stand in the table, `shares` which percentages follow from which count. A `SafeCounts` is shown as it is.

    Cells that hold a value of a column whose class is an identifier are withheld (see masking/values.py).

    Raises GateFailed when a column would show persons, ValueError for an unknown column, format or alignment.
    """
    whole, identifying = withhold_values(_frame(frame))
    forms = _forms(whole, formats or {}, status_column)
    notes = " ".join(part for part in (note, _withheld(identifying)) if part)
    options = _Options(caption, units or {}, labels or {}, align or {}, row_header, notes, total_row, rows)
    options.refuse_unknown([*forms, *people], whole.columns)
    refuse_identifiers(whole, f"table {caption!r}")
    withheld = replace(frame, frame=whole) if isinstance(frame, SafeCounts) else SafeCounts(whole, frozenset())
    exact = block("table", _draw(withheld, forms, options)).markup
    if not people:
        return Html(exact)
    masked = suppress(
        whole, people, total_row=total_row, total_column=total_column, shares=shares, limit=suppress_below - 1
    )
    return Html(exact, distributable=block("table", _draw(masked, forms, options)).markup)


def _withheld(cells: int) -> str:
    """Why cells show no value."""
    word = "cell is" if cells == 1 else "cells are"
    return f"{cells:,} {word} {WITHHELD}: the audit classed the column of the value as an identifier." if cells else ""


@dataclass(frozen=True)
class _Options:
    """How a table is drawn, apart from its values."""

    caption: str
    units: Mapping[str, str]
    labels: Mapping[str, str]
    align: Mapping[str, str]
    row_header: str | None
    note: str
    total_row: bool
    rows: int

    def refuse_unknown(self, named: Sequence[str], columns: Sequence[str]) -> None:
        asked = {*named, *self.units, *self.labels, *self.align, *([self.row_header] if self.row_header else [])}
        unknown = sorted(asked - set(columns))
        if unknown:
            raise ValueError(f"table {self.caption!r} has no column {', '.join(unknown)}; it has {', '.join(columns)}")
        if not set(self.align.values()) <= set(ALIGNMENTS):
            raise ValueError(f"a column is aligned {', '.join(ALIGNMENTS)}")


def _draw(counts: SafeCounts, forms: Mapping[str, str], options: _Options) -> Html:
    frame = counts.frame
    columns = [
        Column(options.labels.get(c, label(c)), options.units.get(c, ""), options.align.get(c, align_of(forms[c])))
        for c in frame.columns
    ]
    kept = _kept(frame.height, options)
    cells = [[MARK if (i, c) in counts.withheld else shown(frame[c][i], forms[c]) for c in frame.columns] for i in kept]
    header = frame.columns.index(options.row_header) if options.row_header else 0
    nothing = "" if frame.height else "Nothing to list."
    notes = [nothing, options.note, counts.footnote, _cut(len(kept), frame.height, options.total_row)]
    return grid(
        options.caption, columns, cells, header_column=header, total_row=options.total_row and bool(kept), notes=notes
    )


def _kept(height: int, options: _Options) -> list[int]:
    """Row numbers that are shown: the first ones, and always the totals."""
    if height <= options.rows:
        return list(range(height))
    return [*range(options.rows), *([height - 1] if options.total_row else [])]


def _cut(kept: int, height: int, total_row: bool) -> str:
    if kept == height:
        return ""
    totals = 1 if total_row else 0
    first, rows = kept - totals, height - totals
    return f"Shown: the first {first:,} of {rows:,} rows. All of them are in the evidence of this phase."


def _forms(frame: pl.DataFrame, formats: Mapping[str, str], status_column: str | None) -> dict[str, str]:
    forms = {c: form_of(frame[c].dtype.to_python()) for c in frame.columns}
    forms |= formats
    return forms | ({status_column: "status"} if status_column else {})


def _frame(frame: pl.DataFrame | pd.DataFrame | SafeCounts | Rows) -> pl.DataFrame:
    if isinstance(frame, SafeCounts):
        return frame.frame
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, Sequence):
        return pl.DataFrame(list(frame), infer_schema_length=None)
    return pl.from_pandas(frame)
