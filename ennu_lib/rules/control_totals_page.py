"""The control totals on a page. To outsiders an amount is withheld as the count of the people behind it would be.

Both tables share the sums per kind: what one of them withholds there, the other does as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from ennu_lib.report import either, note, show, table
from ennu_lib.report.html import Html, element
from ennu_lib.report.masking import LIMIT, SafeCounts, withheld_cells
from ennu_lib.rules.control_totals import ALL, CONTACTS, ControlTotals

MONTHS_SHOWN = 240
NOTE = "An amount is treated as the count of the people whom it stands for."
Cells = frozenset[tuple[int, str]]


@dataclass(frozen=True)
class _Amounts:
    """A table of amounts with a row and a column of totals, and the people behind each cell (null totals)."""

    frame: pl.DataFrame
    people: list[list[int]]
    columns: list[str]


def control_total_tables(totals: ControlTotals) -> Html:
    """Per kind: source, mapped, Contacts, what was kept back and why; per month and kind, newest first: payments."""
    if totals.months.is_empty():
        return note("No payment counts by the day of the extract.")
    kinds, months = _per_kind(totals), _per_month(totals)
    hidden = _together(kinds, _hidden(kinds), months, _hidden(months))
    reasons = [name for name in kinds.columns if name not in (CONTACTS, "source")]
    labels = {"contacts": "In Contacts", "staged": "Mapped"} | {name: f"Kept back: {name}" for name in reasons}
    captions = (
        "Payments net of refunds, by kind: source = mapped = Contacts + what was kept back",
        "Payments net of refunds, by month and kind, and how far source and mapped are apart",
    )
    exact, safe = _drawn(kinds.frame, hidden[0], captions[0], labels)
    exact_months, safe_months = (_folded(each) for each in _drawn(months.frame, hidden[1], captions[1], {ALL: "All"}))
    return either(show(exact, exact_months), show(safe, safe_months))


def _folded(by_month: Html) -> Html:
    return element("details", element("summary", "Month by month"), by_month)


def _per_kind(totals: ControlTotals) -> _Amounts:
    parts = [name for name in totals.people.columns if name != "kind"]
    people = [list(row) for row in totals.people.select(parts).iter_rows()]
    frame = totals.kinds.select("kind", "source", "staged", *parts, "difference")
    return _Amounts(_in_dollars(frame), people, [*parts, "source"])


def _per_month(totals: ControlTotals) -> _Amounts:
    kinds = totals.kinds["kind"].to_list()[:-1]
    amounts, people = (
        totals.months.pivot("kind", index="month", values=values, aggregate_function="sum").sort(
            "month", descending=True
        )
        for values in ("source", "people")
    )
    apart = totals.months.group_by("month").agg(pl.col("difference").abs().sum())
    frame = amounts.select("month", pl.col(kinds), pl.sum_horizontal(kinds).alias(ALL))
    frame = frame.join(apart, on="month", how="left", maintain_order="left")
    frame = pl.concat([frame, frame.select(pl.lit(ALL).alias("month"), pl.exclude("month").sum())])
    counts = [list(row) for row in people.select(pl.col(kinds).fill_null(0)).iter_rows()]
    return _Amounts(_in_dollars(frame), counts, [*kinds, ALL])


def _in_dollars(frame: pl.DataFrame) -> pl.DataFrame:
    """Cents as dollars, exactly."""
    amounts = [
        pl.Series(c, [None if v is None else Decimal(v).scaleb(-2) for v in frame[c]], pl.Decimal(38, 2))
        for c in frame.columns[1:]
    ]
    return frame.with_columns(amounts)


def _hidden(amounts: _Amounts) -> Cells:
    """The cells that stand for few people, and those from which they could be worked out."""
    rows = [[*row, sum(row)] for row in amounts.people]
    rows.append([sum(column) for column in zip(*rows, strict=True)] if rows else [0] * len(amounts.columns))
    places = withheld_cells(rows, row_totals=True, column_totals=True)
    return frozenset((row, amounts.columns[column]) for row, column in places)


def _together(kinds: _Amounts, of_kinds: Cells, months: _Amounts, of_months: Cells) -> tuple[Cells, Cells]:
    """What both withhold: the total of a kind stands in both, and so does that of all kinds."""
    few = {row for row, counts in enumerate(kinds.people) if 1 <= sum(counts) <= LIMIT}
    last = months.frame.height - 1
    shared = {row for row, column in of_kinds if column == "source"} | few
    shared |= {months.columns.index(column) for row, column in of_months if row == last}
    in_months = {(last, months.columns[row]) for row in shared}
    in_kinds = {(row, name) for row in shared for name in ("source", "staged")}
    return frozenset(of_kinds | in_kinds), frozenset(of_months | in_months)


def _drawn(frame: pl.DataFrame, hidden: Cells, caption: str, labels: dict[str, str]) -> tuple[Html, Html]:
    """The exact table, and the one for outside readers."""
    amounts = frame.columns[1:]
    kept = [
        pl.Series(c, [None if (row, c) in hidden else value for row, value in enumerate(frame[c])], frame[c].dtype)
        for c in amounts
    ]
    options = {
        "caption": caption,
        "units": dict.fromkeys(amounts, "USD"),
        "formats": dict.fromkeys(amounts, "decimal:2"),
        "labels": {name: text for name, text in labels.items() if name in amounts},
        "total_row": True,
        "rows": MONTHS_SHOWN,
    }
    safe = SafeCounts(frame.with_columns(kept), hidden)
    return table(frame, **options), table(safe, note=NOTE if hidden else None, **options)
