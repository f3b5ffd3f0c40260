"""The plan beside the portal: what room its limits endpoint says there is, and what the load came to in the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from statistics import median

import polars as pl

from ennu_lib.audit.capacity import CapacityParams, Plan, capacity_params
from ennu_lib.errors import EnnuError
from ennu_lib.evidence import Finding, Severity, check, read_evidence
from ennu_lib.hubspot import PortalClient
from ennu_lib.source import read_extracted
from ennu_lib.workspace import Workspace

# What a table of fewer rows takes is what any table takes beside its rows.
SMALL = 200
CUSTOM = "all custom objects together"
CAPS = {
    "what": pl.String,
    "planned": pl.Int64,
    "used": pl.Int64,
    "limit": pl.Int64,
    "after": pl.Float64,
    "verdict": pl.String,
}
CAME_TO = {"what": pl.String, "unit": pl.String, "forecast": pl.Float64, "actual": pl.Float64}


def portal_caps(
    opening: Callable[[], PortalClient], records: Mapping[str, int], params: CapacityParams
) -> tuple[pl.DataFrame, str]:
    """Records planned, used and allowed in the portal, see `CAPS`, and why it could not be asked, if it could not.

    `after` is the share of the limit that is used when all is loaded. That a portal does not answer yet is no reason
    to stop an audit: 07_load's preflight asks again and stops.
    """
    try:
        client = opening()
        found = client.limits("records")
        crowded = client.limits("associations", "records", "from").get("results", [])
        ids = {client.known_type_id(name): name for name in records}
    except EnnuError:
        return pl.DataFrame(schema=CAPS), "The portal did not answer, so its record and association caps are not shown."
    standard = {item["objectTypeId"]: item for item in found.get("hubspotDefinedObjectTypes", ())}
    rows = []
    for type_id, item in standard.items():
        if type_id in ids:
            rows.append(_cap(ids[type_id], records[ids[type_id]], item["usage"], item["limit"], params))
    custom = found.get("customObjectTypes", {})
    planned = sum(count for name, count in records.items() if name not in {row["what"] for row in rows})
    rows.append(_cap(CUSTOM, planned, custom.get("overallUsage", 0), custom.get("overallLimit", 0), params))
    rows.append(
        {
            "what": "object types with records near their association cap",
            "planned": None,
            "used": len(crowded),
            "limit": None,
            "after": None,
            "verdict": "tight" if crowded else "fits",
        }
    )
    return pl.DataFrame(rows, schema=CAPS), ""


def capacity_findings(caps: pl.DataFrame) -> list[Finding]:
    """Whether what is planned fits into the portal. Not applicable where the portal did not answer."""
    full = caps.filter(pl.col("verdict") == "does not fit")
    return [
        check(
            "CAP-01",
            "The planned records fit into the portal",
            full.height,
            caps.height,
            severity=Severity.WARN,
            note=", ".join(full["what"]),
        )
    ]


def forecast_against_actual(workspace: Workspace, plan: Plan | None = None) -> pl.DataFrame:
    """What was planned and what it came to: `what`, `unit`, `forecast`, `actual`, `share` of the forecast.

    `plan` is by default the one that 01_audit left. No row before the load has ended. Extraction time is the sum over
    the tables' own; the load's is from the start to the end of 07_load, which also brings the schema and may have been
    a second attempt.
    """
    load = read_evidence(workspace, "07_load") or {}
    planned = _tables_of(plan) if plan else (read_evidence(workspace, "01_audit") or {}).get("tables", {})
    rows = []
    if not load:
        return pl.DataFrame(rows, schema={**CAME_TO, "share": pl.Float64})
    loaded = {row["object"]: row["verified"] for row in load.get("tables", {}).get("records", ())}
    for row in planned.get("capacity", ()):
        rows.append((row["object"], "records", float(row["records"]), float(loaded.get(row["object"], 0))))
    pairs: dict[str, int] = {}
    for row in load.get("tables", {}).get("links", ()):
        pairs[row["association"]] = pairs.get(row["association"], 0) + row["verified"]
    for row in planned.get("capacity_links", ()):
        rows.append((row["association"], "links", float(row["links"]), float(pairs.get(row["association"], 0))))
    seconds = {"extract": 0.0, "load": 0.0}
    for row in planned.get("capacity_schedule", ()):
        seconds["extract" if row["step"].startswith("extract") else "load"] += row["seconds"]
    read = sum(table.seconds for table in read_extracted(workspace).values())
    rows.append(("extraction", "seconds", round(seconds["extract"], 1), round(read, 1)))
    if small := [table.seconds for table in read_extracted(workspace).values() if table.file and table.rows < SMALL]:
        each = 1000 * capacity_params().extraction_seconds_per_table
        rows.append(("extraction of a small table", "milliseconds", each, round(1000 * median(small), 1)))
    rows.append(("load", "seconds", round(seconds["load"], 1), round(_seconds(load), 1)))
    frame = pl.DataFrame(rows, schema=CAME_TO, orient="row")
    share = pl.when(pl.col("forecast") > 0).then((pl.col("actual") / pl.col("forecast")).round(3))
    return frame.with_columns(share.alias("share"))


def _tables_of(plan: Plan) -> dict[str, list[dict]]:
    frames = {"capacity": plan.objects, "capacity_links": plan.links, "capacity_schedule": plan.steps}
    return {name: frame.to_dicts() for name, frame in frames.items()}


def _cap(what: str, planned: int, used: int, limit: int, params: CapacityParams) -> dict:
    after = (planned + used) / limit if limit else None
    verdict = "no limit is told" if after is None else "fits"
    if after is not None and after >= params.tight_from:
        verdict = "does not fit" if after > 1 else "tight"
    return {"what": what, "planned": planned, "used": used, "limit": limit, "after": after, "verdict": verdict}


def _seconds(evidence: Mapping) -> float:
    if not evidence:
        return 0.0
    begun, ended = (dt.datetime.fromisoformat(evidence[name]) for name in ("started", "finished"))
    return (ended - begun).total_seconds()
