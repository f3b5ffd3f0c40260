"""The portal as it stands: its schema, the records of the objects that the load touches, and the links between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ennu_lib.errors import TargetUnreachable
from ennu_lib.hubspot import PortalClient
from ennu_lib.hubspot.live import snapshot
from ennu_lib.hubspot.outcomes import StoredRecord
from ennu_lib.hubspot.portal_schema import PortalSchema
from ennu_lib.workspace import Workspace, replacing

BASELINE = "backup/portal"
LEDGER = "load/ledger"
BATCH = 10_000
LINKED_BATCH = 500
RECORDS = pa.schema([("hubspot_id", pa.string()), ("properties", pa.string()), ("migrated", pa.string())])
LINK = ["from_object", "to_object", "from_id", "to_id", "category", "type_id"]
LINKS = pa.schema([(name, pa.int64() if name == "type_id" else pa.string()) for name in LINK])
Progress = Callable[[int, int, str], None]


def back_up_portal(
    client: PortalClient, schema: PortalSchema, workspace: Workspace, progress: Progress | None = None
) -> pl.DataFrame:
    """Write `backup/portal/schema.json`, one Parquet file of records per object, and one of the links between them.

    Returns `object`, `in_portal`, `records`, `repeated` (records listed more than once), `links` (from this object's
    records) and `file`. An object that the portal does not have yet is listed with no records. Records hold every
    property with a value, sensitive ones included, so the files stay in the private workspace. Once the run has begun
    to load, its baseline is kept as it is. Raises TargetRefused, and TargetUnreachable when no certain answer is to be
    had.
    """
    if workspace.exists(LEDGER, ".sqlite") and workspace.exists(f"{BASELINE}/baseline"):
        return workspace.scan(f"{BASELINE}/baseline").collect()
    found = json.dumps(asdict(snapshot(client, schema)), indent=1, sort_keys=True, default=str)
    workspace.write_bytes(f"{BASELINE}/schema", found.encode(), ".json")
    baseline = export_portal(client, schema, workspace, BASELINE, progress)
    workspace.write(f"{BASELINE}/baseline", baseline)
    return baseline


def export_portal(
    client: PortalClient, schema: PortalSchema, workspace: Workspace, folder: str, progress: Progress | None = None
) -> pl.DataFrame:
    """Write the records and links of the portal as it is now to `folder`; returns what `back_up_portal` does."""
    rows = []
    for number, name in enumerate(schema.objects, start=1):
        rows.append(_object(client, schema, workspace, folder, name))
        if progress:
            progress(number, len(schema.objects), name)
    links = _links(client, schema, workspace, folder, {row["object"] for row in rows if row["in_portal"]})
    linked = links.group_by(pl.col("from_object").alias("object")).agg(pl.len().cast(pl.Int64).alias("links"))
    frame = pl.DataFrame(rows).join(linked.collect(), on="object", how="left", maintain_order="left")
    return frame.select("object", "in_portal", "records", "repeated", pl.col("links").fill_null(0), "file")


def portal_files(baseline: pl.DataFrame, workspace: Workspace) -> list[Path]:
    """Paths of the files that `back_up_portal` wrote."""
    names = ["schema.json", "links.parquet", "baseline.parquet"]
    return [*(workspace.root / BASELINE / n for n in names), *(workspace.root / f for f in baseline["file"] if f)]


def _object(client: PortalClient, schema: PortalSchema, workspace: Workspace, folder: str, name: str) -> dict:
    if client.known_type_id(name) is None:
        return {"object": name, "in_portal": False, "records": 0, "repeated": 0, "file": ""}
    target = workspace.path(f"{folder}/{name}")
    ours = {found.name for found in schema.properties[name]}
    with replacing(target) as temporary, pq.ParquetWriter(temporary, RECORDS, compression="zstd") as writer:
        records = client.list_records(name, [str(p["name"]) for p in client.properties(name)])
        while batch := [_row(record, ours) for record in islice(records, BATCH)]:
            writer.write_table(pa.Table.from_pylist(batch, RECORDS))
    ids = pl.scan_parquet(target).select(pl.len(), pl.col("hubspot_id").n_unique().alias("distinct"))
    count, distinct = ids.collect(engine="streaming").row(0)
    file = target.relative_to(workspace.root).as_posix()
    return {"object": name, "in_portal": True, "records": count, "repeated": count - distinct, "file": file}


def _row(record: StoredRecord, ours: Collection[str]) -> dict[str, str]:
    """`properties` is the whole record; `migrated` only what the migration writes, and may therefore put back."""
    held = dict(record.properties)
    migrated = {name: value for name, value in held.items() if name in ours}
    return {
        "hubspot_id": record.id,
        "properties": json.dumps(held, sort_keys=True),
        "migrated": json.dumps(migrated, sort_keys=True),
    }


def _links(
    client: PortalClient, schema: PortalSchema, workspace: Workspace, folder: str, present: Collection[str]
) -> pl.LazyFrame:
    target = workspace.path(f"{folder}/links")
    pairs = dict.fromkeys((found.from_object, found.to_object) for found in schema.associations)
    with replacing(target) as temporary, pq.ParquetWriter(temporary, LINKS, compression="zstd") as writer:
        for pair in pairs:
            if set(pair) <= set(present):
                for rows in _links_of(client, workspace, folder, pair):
                    writer.write_table(pa.Table.from_pylist(rows, LINKS))
    return pl.scan_parquet(target)


def _links_of(client: PortalClient, workspace: Workspace, folder: str, pair: tuple[str, str]) -> Iterator[list[dict]]:
    ids = workspace.scan(f"{folder}/{pair[0]}").select("hubspot_id").unique().sort("hubspot_id")
    for batch in ids.collect(engine="streaming").iter_slices(LINKED_BATCH):
        read = client.read_associations(*pair, batch["hubspot_id"].to_list())
        if read.ambiguous:
            raise TargetUnreachable(f"the links of {pair[0]} to {pair[1]} could not be read; run the phase again")
        yield [
            dict(zip(LINK, (*pair, from_id, to_id, category, type_id), strict=True))
            for from_id, targets in read.links.items()
            for to_id, types in targets.items()
            for category, type_id in sorted(types)
        ]
