"""Row accounts: where every source row of every table ended, and whether they add up."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.report.html import Html, block, element
from ennu_lib.report.masking import LIMIT
from ennu_lib.report.tables import table

ACCOUNTS = ("loaded", "merged", "derived", "looked_up", "archived", "quarantined", "rejected", "excluded")
SOURCE = "source_rows"


def accounts_table(
    accounts: Mapping[str, Mapping[str, int]],
    *,
    caption: str = "Row accounts: where every source row ended",
    limit: int = LIMIT,
) -> Html:
    """One line per table with the accounts in use, the source count under `source_rows`, and whether both agree.

    Without `source_rows` the accounts are only added up. Tables that do not balance come first. The distributable page
    gets counts of 1 to `limit` withheld, with what would give them away. Raises ValueError for an unknown account.
    """
    unknown = sorted({name for row in accounts.values() for name in row} - {*ACCOUNTS, SOURCE})
    if unknown:
        raise ValueError(f"there is no account {', '.join(unknown)}; the accounts are {', '.join(ACCOUNTS)}")
    if not accounts:
        return block("accounts", element("p", "No row has been accounted for yet.", class_="ennu-note-line"))
    used = [name for name in ACCOUNTS if any(row.get(name) for row in accounts.values())]
    rows = [_line(name, row, used) for name, row in sorted(accounts.items())]
    rows.sort(key=lambda line: line["balance"] == "pass")
    drawn = _table(rows, used, caption, limit)
    return Html(_as_accounts(drawn.markup), _as_accounts(drawn.distributable or drawn.markup))


def _line(name: str, row: Mapping[str, int], used: list[str]) -> dict[str, object]:
    counts = {account: row.get(account, 0) for account in used}
    total = sum(counts.values())
    source = row.get(SOURCE, total)
    return {"table": name, **counts, "accounted": total, SOURCE: source, "balance": _balance(total == source)}


def _balance(holds: bool) -> str:
    return "pass" if holds else "fail"


def _table(rows: list[dict[str, object]], used: list[str], caption: str, limit: int) -> Html:
    sums = {account: sum(row[account] for row in rows) for account in [*used, "accounted", SOURCE]}
    balance = _balance(all(row["balance"] == "pass" for row in rows))
    frame = pl.DataFrame([*rows, {"table": "All tables", **sums, "balance": balance}], infer_schema_length=None)
    return table(
        frame,
        caption=caption,
        shares={SOURCE: "accounted"},
        status_column="balance",
        formats=dict.fromkeys(used, "sparse"),
        total_row=True,
        total_column="accounted",
        people=used,
        suppress_below=limit + 1,
        rows=len(rows) + 1,
    )


def _as_accounts(markup: str) -> str:
    return markup.replace('data-ennu="table"', 'data-ennu="accounts"', 1)
