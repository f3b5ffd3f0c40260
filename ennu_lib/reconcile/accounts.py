"""Row accounts: every source row of every table ends in exactly one, and per table they sum to the source count."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.catalog import Catalogue
from ennu_lib.evidence import Finding, Severity, check
from ennu_lib.rules.quarantine import kept_out
from ennu_lib.source import Extracted
from ennu_lib.workspace import Workspace

FOLDER = "accounts"
ACCOUNTS = ("loaded", "merged", "derived", "looked_up", "archived", "quarantined", "rejected", "excluded")
# Where a table's rows go as a whole when no mapping decides row by row.
WHOLE_TABLE = {
    "lookup": ("looked_up", "REFERENCE_DATA"),
    "archive": ("archived", "ARCHIVE_ONLY"),
    "exclude": ("excluded", "NEVER_EXTRACTED"),
}
NOT_MAPPED = ("archived", "MAPPING_NOT_WRITTEN")


def row_accounts(
    extracted: Mapping[str, Extracted],
    catalogue: Catalogue,
    workspace: Workspace,
    unloaded: Mapping[str, pl.DataFrame] | None = None,
) -> pl.DataFrame:
    """One row per table, account and reason: `table`, `account`, `reason`, `rows`.

    `unloaded` holds, by table, the keys whose record did not get into the portal, with `account` and `reason`.
    """
    frames = [_of_table(table, catalogue, workspace, (unloaded or {}).get(name)) for name, table in extracted.items()]
    return pl.concat(frames).filter(pl.col("rows") > 0)


def balance(accounts: pl.DataFrame, extracted: Mapping[str, Extracted]) -> pl.DataFrame:
    """Per table: source rows, the sum of its accounts, and whether they are equal; one column per account."""
    source = pl.DataFrame(
        {"table": list(extracted), "source": [t.rows for t in extracted.values()]},
        schema={"table": pl.String, "source": pl.Int64},
    )
    wide = accounts.pivot("account", index="table", values="rows", aggregate_function="sum")
    missing = [pl.lit(0, dtype=pl.Int64).alias(a) for a in ACCOUNTS if a not in wide.columns]
    wide = source.join(wide.with_columns(missing), on="table", how="left").with_columns(
        pl.col(a).fill_null(0).cast(pl.Int64) for a in ACCOUNTS
    )
    return wide.select(
        "table",
        "source",
        *ACCOUNTS,
        pl.sum_horizontal(ACCOUNTS).alias("accounted"),
        (pl.sum_horizontal(ACCOUNTS) == pl.col("source")).alias("balanced"),
    )


def balance_finding(balanced: pl.DataFrame) -> Finding:
    """The conservation check: blocking, because a run that does not balance cannot be sealed."""
    wrong = balanced.filter(~pl.col("balanced"))
    return check(
        "REC-01",
        "Every source row is in exactly one account, and every table balances",
        wrong.height,
        balanced.height,
        severity=Severity.ERROR,
        note=", ".join(wrong["table"].to_list()[:20]),
    )


def _of_table(
    table: Extracted, catalogue: Catalogue, workspace: Workspace, unloaded: pl.DataFrame | None
) -> pl.DataFrame:
    if workspace.exists(f"{FOLDER}/{table.table}"):
        return _of_rows(table.table, workspace, unloaded)
    disposition = catalogue.table(table.table).disposition if table.table in catalogue else ""
    account, reason = WHOLE_TABLE.get(disposition, NOT_MAPPED)
    if table.unread:
        account, reason = "excluded", f"UNREAD_{table.unread.upper()}"
    schema = {"table": pl.String, "account": pl.String, "reason": pl.String, "rows": pl.Int64}
    held = kept_out(workspace, table.table) if account == "archived" else None
    kept = 0 if held is None else held.select(pl.len()).collect().item()
    rows = [(table.table, account, reason, table.rows - kept), (table.table, "quarantined", "KEPT_OUT_BY_RULE", kept)]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _of_rows(name: str, workspace: Workspace, unloaded: pl.DataFrame | None) -> pl.DataFrame:
    rows = workspace.scan(f"{FOLDER}/{name}")
    if unloaded is not None and unloaded.height:
        failed = unloaded.lazy().select("key", pl.col("account").alias("now"), pl.col("reason").alias("why"))
        rows = rows.join(failed, on="key", how="left").with_columns(
            pl.coalesce("now", "account").alias("account"), pl.coalesce("why", "reason").alias("reason")
        )
    counted = rows.group_by("account", "reason").agg(pl.len().cast(pl.Int64).alias("rows"))
    return counted.collect(engine="streaming").select(pl.lit(name).alias("table"), pl.all())
