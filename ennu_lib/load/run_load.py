"""Phase 07 as a whole: schema, records, associations, and what the page says about them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from ennu_lib.errors import GateFailed, OutOfOrder
from ennu_lib.evidence import Finding, Phase, Severity, check
from ennu_lib.hubspot import (
    PortalClient,
    Snapshot,
    apply_plan,
    make_plan,
    preflight,
    read_portal,
    require_preflight,
    snapshot_of,
)
from ennu_lib.hubspot.opening import portal_url
from ennu_lib.hubspot.plan import Plan
from ennu_lib.hubspot.portal_schema import PortalSchema
from ennu_lib.hubspot.schema import EXTERNAL_ID
from ennu_lib.images import image_frame, link_files, objects_to_load, record_files
from ennu_lib.load.ledger import QUARANTINED, REJECTED, VERIFIED, Ledger
from ennu_lib.load.links import load_links
from ennu_lib.load.loaded import Memory
from ennu_lib.load.records import RecordLoader
from ennu_lib.load.repair_plan import RECORDS

LEDGER = "load/ledger"
REFUSED_TOLERATED = 0.001
REFUSED_REASON = "one record in a thousand may wait for a person without holding up the load (2026-11)"


def bring_schema(phase: Phase, client: PortalClient, portal: PortalSchema) -> pl.DataFrame:
    """Check the portal, compare its schema, and in a rehearsal apply what is missing; return the plan in counts.

    The schema as it stands afterwards is kept with its hash. Raises TargetRefused naming everything the preflight
    found (sensitive data off, scopes missing, limits too small), and GateFailed when the plan has conflicts, or in
    production when anything of it is left to do.
    """
    live = read_portal(client, portal)
    plan = make_plan(portal, live)
    expected = {
        name: _rows(image_frame(phase.workspace, name, {EXTERNAL_ID})) for name in objects_to_load(phase.workspace)
    }
    url = portal_url(phase.params)
    require_preflight(preflight(client, portal, phase.params.environment, url, plan, expected))
    steps = [*plan.create, *plan.change]
    if plan.conflicts:
        raise GateFailed(f"the portal's schema has {len(plan.conflicts)} conflicts; `ennu portal plan` names each cure")
    if steps and phase.params.environment == "production":
        raise GateFailed(f"the portal's schema lacks {len(steps)} steps; review and apply `ennu portal plan` first")
    allowed = {name for step in steps for names in step.needs for name in names}
    found = apply_plan(plan, client, portal, allowed, phase.progress) if steps else snapshot_of(live)
    _keep_snapshot(phase, found)
    return _step_counts(plan)


def _keep_snapshot(phase: Phase, found: Snapshot) -> None:
    content = json.dumps(found.content, indent=1, sort_keys=True, default=str).encode()
    phase.wrote(phase.workspace.write_bytes("load/schema", content, ".json"))
    phase.table("schema_snapshot", [{"sha256": found.sha256}])


def _step_counts(plan: Plan) -> pl.DataFrame:
    steps = [(step.kind, step.action) for step in (*plan.create, *plan.change)]
    frame = pl.DataFrame(steps, schema={"kind": pl.String, "action": pl.String}, orient="row")
    done = frame.group_by("kind", "action").agg(pl.len().alias("steps")).sort("kind", "action")
    kept = pl.DataFrame({"kind": ["all"], "action": ["keep"], "steps": [len(plan.keep)]}, schema=done.schema)
    return pl.concat([done, kept])


def _rows(frame: pl.LazyFrame) -> int:
    return frame.select(pl.len()).collect(engine="streaming").item()


def open_ledger(phase: Phase, client: PortalClient) -> Ledger:
    """The run's ledger. Raises OutOfOrder when it belongs to another portal."""
    ledger = Ledger(phase.workspace.path(LEDGER, ".sqlite"))
    portal = str(client.account().get("portalId"))
    if not ledger.belongs_to(portal):
        raise OutOfOrder("this run's ledger belongs to another portal; start a new run for this one")
    return ledger


def load_records(phase: Phase, client: PortalClient, ledger: Ledger, portal: PortalSchema) -> pl.DataFrame:
    """Load every object; return per object what was written, verified, and refused."""
    rows = []
    for name in objects_to_load(phase.workspace):
        phase.used(*record_files(phase.workspace, name))
        properties = {p.name: p for p in portal.properties[name]}
        frame = image_frame(phase.workspace, name, properties)
        total = _rows(frame)
        loader = RecordLoader(client, ledger, name, properties, phase.workspace.run_id, phase.params.target.workers)
        done = loader.load(frame, total, phase.progress)
        states = dict(ledger.counts().filter(pl.col("object") == name).select("state", "records").iter_rows())
        rows.append(
            {
                "object": name,
                "records": total,
                "written": done.written,
                "unchanged": done.unchanged,
                "verified": states.get(VERIFIED, 0),
                "rejected": states.get(REJECTED, 0),
                "quarantined": states.get(QUARANTINED, 0),
            }
        )
    return pl.DataFrame(rows)


def load_associations(phase: Phase, client: PortalClient, ledger: Ledger, portal: PortalSchema) -> pl.DataFrame:
    """Load every association; return per association and label what was written and confirmed."""
    found = load_links(client, ledger, portal, _all_links(phase), phase.progress, phase.params.target.workers)
    counts = ("left_out", "links", "written", "verified", "unsettled")
    schema = {"association": pl.String, "label": pl.String, **dict.fromkeys(counts, pl.Int64)}
    return pl.DataFrame([vars(linked) for linked in found], schema=schema)


def _all_links(phase: Phase) -> pl.LazyFrame:
    """Links of mapping and of health scores."""
    return pl.concat([phase.scan(name) for name in link_files(phase.workspace)])


def close_ledger(phase: Phase, ledger: Ledger) -> list[Path]:
    """Close the ledger; write the ids of what is in the portal and the reasons of what is not; return the files.

    Earlier loads are forgotten, unless a repair after them is not over.
    """
    written = []
    for name in objects_to_load(phase.workspace):
        left = ledger.unverified_ids(name)
        written.append(phase.workspace.write(f"load/unloaded.{name}", left))
        written.append(phase.workspace.write(f"load/ids.{name}", ledger.verified_ids(name)))
    if not phase.workspace.exists(RECORDS):
        Memory(phase.params.name, ledger.portal).finish()
    ledger.close()
    return [phase.workspace.path(LEDGER, ".sqlite"), *written]


def load_counts(loaded: pl.DataFrame, links: pl.DataFrame) -> dict[str, int]:
    """The counts of the phase."""
    return {
        "rows": int(loaded["records"].sum()),
        "written": int(loaded["written"].sum()),
        "unchanged": int(loaded["unchanged"].sum()),
        "verified": int(loaded["verified"].sum()),
        "not_loaded": int(loaded["rejected"].sum() + loaded["quarantined"].sum()),
        "links": int(links["links"].sum()),
        "links_written": int(links["written"].sum()),
        "links_verified": int(links["verified"].sum()),
        "links_left_out": int(links["left_out"].sum()),
    }


def load_findings(loaded: pl.DataFrame, links: pl.DataFrame) -> list[Finding]:
    """Checks that decide whether the load may be believed."""
    refused = int(loaded["rejected"].sum() + loaded["quarantined"].sum())
    total = int(loaded["records"].sum())
    verified = int(loaded["verified"].sum())
    return [
        check(
            "LOAD-01",
            "Every record was read back and equals its image",
            total - verified,
            total,
            tolerated=REFUSED_TOLERATED,
            reason=REFUSED_REASON,
        ),
        check("LOAD-02", "No record is left in doubt", total - verified - refused, total, severity=Severity.BLOCK),
        check(
            "LOAD-03",
            "Every association was confirmed by reading it back",
            int(links["unsettled"].sum()),
            int(links["links"].sum()),
        ),
    ]
