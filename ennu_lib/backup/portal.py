"""The portal as it was before the load: its schema, and the records of the objects the load will touch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, is_dataclass

import polars as pl

from ennu_lib.hubspot import PortalClient
from ennu_lib.hubspot.live import snapshot
from ennu_lib.hubspot.portal_schema import PortalSchema
from ennu_lib.workspace import Workspace

BATCH = 10_000
RECORDS = {"hubspot_id": pl.String, "properties": pl.String}


def back_up_portal(
    client: PortalClient,
    schema: PortalSchema,
    workspace: Workspace,
    progress: Callable[[int, int, str], None] | None = None,
) -> pl.DataFrame:
    """Write `backup/portal/schema.json` and one Parquet file of records per object; return `object`, `records`, `file`.

    An object that the portal does not have yet is listed with no records. Records hold every property with a value,
    sensitive ones included, so the files stay in the private workspace.
    """
    found = snapshot(client, schema)
    workspace.write_bytes("backup/portal/schema", _as_json(found), ".json")
    rows = []
    for number, name in enumerate(schema.objects, start=1):
        rows.append(_object(client, schema, workspace, name))
        if progress:
            progress(number, len(schema.objects), name)
    return pl.DataFrame(rows)


def _object(client: PortalClient, schema: PortalSchema, workspace: Workspace, name: str) -> dict:
    if client.known_type_id(name) is None:
        return {"object": name, "in_portal": False, "records": 0, "file": ""}
    properties = [str(p["name"]) for p in client.properties(name)]
    parts = []
    batch: list[tuple[str, str]] = []
    for record in client.list_records(name, properties):
        batch.append((record.id, json.dumps(dict(record.properties), sort_keys=True)))
        if len(batch) == BATCH:
            parts.append(pl.DataFrame(batch, schema=RECORDS, orient="row"))
            batch = []
    parts.append(pl.DataFrame(batch, schema=RECORDS, orient="row"))
    frame = pl.concat(parts)
    workspace.write(f"backup/portal/{name}", frame)
    return {"object": name, "in_portal": True, "records": frame.height, "file": f"backup/portal/{name}.parquet"}


def _as_json(found: object) -> bytes:
    data = asdict(found) if is_dataclass(found) and not isinstance(found, type) else found
    return json.dumps(data, indent=1, sort_keys=True, default=str).encode()


def portal_files(baseline: pl.DataFrame, workspace: Workspace) -> list:
    """Paths of the files that `back_up_portal` wrote."""
    return [workspace.root / "backup/portal/schema.json", *(workspace.root / f for f in baseline["file"] if f)]
