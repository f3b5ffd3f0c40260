"""The portal as it was before the load: its schema, and the records of the objects the load will touch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ennu_lib.hubspot import PortalClient
from ennu_lib.hubspot.live import snapshot
from ennu_lib.hubspot.outcomes import StoredRecord
from ennu_lib.hubspot.portal_schema import PortalSchema
from ennu_lib.workspace import Workspace, replacing

BATCH = 10_000
RECORDS = pa.schema([("hubspot_id", pa.string()), ("properties", pa.string())])


def back_up_portal(
    client: PortalClient,
    schema: PortalSchema,
    workspace: Workspace,
    progress: Callable[[int, int, str], None] | None = None,
) -> pl.DataFrame:
    """Write `backup/portal/schema.json` and one Parquet file of records per object.

    Returns `object`, `in_portal`, `records`, `repeated` (records listed more than once) and `file`. An object that the
    portal does not have yet is listed with no records. Records hold every property with a value,
    sensitive ones included, so the files stay in the private workspace.
    """
    found = json.dumps(asdict(snapshot(client, schema)), indent=1, sort_keys=True, default=str)
    workspace.write_bytes("backup/portal/schema", found.encode(), ".json")
    rows = []
    for number, name in enumerate(schema.objects, start=1):
        rows.append(_object(client, workspace, name))
        if progress:
            progress(number, len(schema.objects), name)
    return pl.DataFrame(rows)


def _object(client: PortalClient, workspace: Workspace, name: str) -> dict:
    if client.known_type_id(name) is None:
        return {"object": name, "in_portal": False, "records": 0, "repeated": 0, "file": ""}
    target = workspace.path(f"backup/portal/{name}")
    with replacing(target) as temporary, pq.ParquetWriter(temporary, RECORDS, compression="zstd") as writer:
        records = client.list_records(name, [str(p["name"]) for p in client.properties(name)])
        while batch := [_row(record) for record in islice(records, BATCH)]:
            writer.write_table(pa.Table.from_pylist(batch, RECORDS))
    ids = pl.scan_parquet(target).select(pl.len(), pl.col("hubspot_id").n_unique().alias("distinct"))
    count, distinct = ids.collect(engine="streaming").row(0)
    file = target.relative_to(workspace.root).as_posix()
    return {"object": name, "in_portal": True, "records": count, "repeated": count - distinct, "file": file}


def _row(record: StoredRecord) -> dict[str, str]:
    return {"hubspot_id": record.id, "properties": json.dumps(dict(record.properties), sort_keys=True)}


def portal_files(baseline: pl.DataFrame, workspace: Workspace) -> list[Path]:
    """Paths of the files that `back_up_portal` wrote."""
    return [workspace.root / "backup/portal/schema.json", *(workspace.root / f for f in baseline["file"] if f)]
