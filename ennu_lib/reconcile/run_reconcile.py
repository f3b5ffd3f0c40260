"""Phase 08 as a whole: records, associations, row accounts, and the checks on all three."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.catalog import Catalogue
from ennu_lib.evidence import Finding, Phase, check
from ennu_lib.hubspot import PortalClient
from ennu_lib.hubspot.portal_schema import PortalSchema
from ennu_lib.images import image_frame, objects_to_load, record_files, record_frame
from ennu_lib.reconcile.accounts import ACCOUNTS, FOLDER, balance_finding, row_accounts
from ennu_lib.reconcile.compare import DIFFERENCES, compare_object
from ennu_lib.source import Extracted, files_of

STATES = {"rejected": "rejected", "quarantined": "quarantined"}


def compare_all(phase: Phase, client: PortalClient, portal: PortalSchema) -> pl.DataFrame:
    """Compare every object; write `reconcile/differences`; return counts per object.

    Records that the load already reported as not loaded are left out: they are accounted for there.
    """
    rows, differences = [], [pl.DataFrame(schema=DIFFERENCES)]
    for name in objects_to_load(phase.workspace):
        phase.used(*record_files(phase.workspace, name))
        refused = phase.scan(f"load/unloaded.{name}").select(pl.col("external_id").alias("ennu_external_id"))
        properties = {p.name: p for p in portal.properties[name]}
        images = image_frame(phase.workspace, name, properties).join(refused, on="ennu_external_id", how="anti")
        found = compare_object(client, name, images, properties, phase.progress, phase.params.target.workers)
        differences.append(found.differences())
        counts = ("expected", "equal", "missing", "different", "fields")
        rows.append({"object": name, **{count: getattr(found, count) for count in counts}})
    phase.write("reconcile/differences", pl.concat(differences).sort(list(DIFFERENCES)))
    return pl.DataFrame(rows)


def difference_table(phase: Phase) -> pl.DataFrame:
    """Differences by object, property and kind, without any value."""
    rows = phase.workspace.scan("reconcile/differences")
    return (
        rows.group_by("object", "property", "what")
        .agg(pl.len().alias("records"))
        .sort("object", "property", "what")
        .collect()
    )


def run_accounts(phase: Phase, extracted: Mapping[str, Extracted], catalogue: Catalogue) -> pl.DataFrame:
    """The row accounts of the run, with rows whose record was refused moved to rejected or quarantined."""
    phase.used(*files_of(extracted.values(), phase.workspace))
    phase.used(*(phase.workspace.path(f"{FOLDER}/{name}") for name in phase.workspace.names(FOLDER)))
    return row_accounts(extracted, catalogue, phase.workspace, _unloaded(phase))


def as_accounts(balanced: pl.DataFrame, source: bool = True) -> dict[str, dict[str, int]]:
    """The balance as the page wants it: table to account to rows, with `source_rows` when asked for."""
    rows = {}
    for row in balanced.iter_rows(named=True):
        rows[row["table"]] = {a: row[a] for a in ACCOUNTS} | ({"source_rows": row["source"]} if source else {})
    return rows


def reasons(accounts: pl.DataFrame) -> pl.DataFrame:
    """Rows by account and reason over all tables, and in how many tables each occurs."""
    return (
        accounts.group_by("account", "reason")
        .agg(pl.col("rows").sum(), pl.col("table").n_unique().alias("tables"))
        .sort("account", "reason")
    )


def reconciliation_counts(compared: pl.DataFrame, balanced: pl.DataFrame) -> dict[str, int]:
    """The counts of the phase."""
    return {
        "rows": int(balanced["source"].sum()),
        "records": int(compared["expected"].sum()),
        "equal": int(compared["equal"].sum()),
        "missing": int(compared["missing"].sum()),
        "different": int(compared["different"].sum()),
        "fields": int(compared["fields"].sum()),
        "tables": balanced.height,
        "tables_balanced": int(balanced["balanced"].sum()),
    }


def reconciliation_findings(compared: pl.DataFrame, links: pl.DataFrame, balanced: pl.DataFrame) -> list[Finding]:
    """The checks a reviewer decides from."""
    expected = int(compared["expected"].sum())
    return [
        balance_finding(balanced),
        check("REC-02", "Every loaded record is in the portal", int(compared["missing"].sum()), expected),
        check("REC-03", "Every loaded record equals its image", int(compared["different"].sum()), expected),
        check(
            "REC-04", "Every association is in the portal", int(links["missing"].sum()), int(links["expected"].sum())
        ),
    ]


def _unloaded(phase: Phase) -> dict[str, pl.DataFrame]:
    """Source keys whose record did not get in, by table: an external id leads back to its row through the image."""
    parts = []
    for name in objects_to_load(phase.workspace):
        left = phase.workspace.scan(f"load/unloaded.{name}")
        records = record_frame(phase.workspace, name).select("ennu_external_id", "source_table", "source_pk")
        parts.append(left.join(records, left_on="external_id", right_on="ennu_external_id", how="inner"))
    rows = pl.concat(parts).select(
        pl.col("source_table").alias("table"),
        pl.col("source_pk").alias("key"),
        pl.col("state").replace_strict(STATES, default="quarantined").alias("account"),
        pl.when(pl.col("code") == "").then(pl.lit("NOT_CONFIRMED")).otherwise("code").alias("reason"),
    )
    return {table[0]: frame for table, frame in rows.collect().partition_by("table", as_dict=True).items()}
