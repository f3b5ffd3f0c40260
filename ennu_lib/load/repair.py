"""Carry out the repair that splitting or merging persons asks for: what an upsert cannot do, and read back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from ennu_lib.evidence import Finding, Phase, check
from ennu_lib.hubspot import PortalClient
from ennu_lib.hubspot.schema import EXTERNAL_ID
from ennu_lib.load.ledger import Ledger
from ennu_lib.load.loaded import Memory, repair_after
from ennu_lib.load.repair_plan import LINK_CHANGES, RECORDS

BATCH = 100
SCHEMA = {"step": pl.String, "planned": pl.Int64, "confirmed": pl.Int64}


def repair_portal(phase: Phase, client: PortalClient, ledger: Ledger) -> pl.DataFrame:
    """Clear values, take associations away and archive records: what splits and merges since the last load ask for.

    That is the repair which waits in the workspace, and what loads of other runs into this portal make necessary. Runs
    before records and associations are loaded, so that what is archived is not counted among them, and a link that
    stays under another label is put back. Returns step, planned, confirmed by reading back; the repair is over when all
    of it is confirmed. From then on what is about to be loaded is remembered. Raises StorageFull.
    """
    memory = Memory(phase.params.name, ledger.portal)
    records, links = _planned(phase, memory)
    cleared = records.filter((pl.col("action") == "update") & pl.col("after").is_null())
    removed = links.filter(pl.col("action") == "remove")
    archived = records.filter(pl.col("action") == "archive")
    done = [
        ("values cleared", cleared.height, _clear(client, cleared)),
        ("associations taken away", removed.height, _unlink(client, removed)),
        ("records archived", archived.height, _archive(client, ledger, archived)),
    ]
    if all(planned == confirmed for _, planned, confirmed in done) and phase.workspace.exists(RECORDS):
        _over(phase, records, links)
    memory.begin(phase.workspace)
    return pl.DataFrame(done, schema=SCHEMA, orient="row")


def _planned(phase: Phase, memory: Memory) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The whole repair, kept in the workspace until it is over: a load may be killed anywhere."""
    records, links = repair_after(memory.states(), phase.workspace, phase.keys)
    if phase.workspace.exists(RECORDS):
        records = pl.concat([phase.scan(RECORDS).collect(), records]).unique(maintain_order=True)
        links = pl.concat([phase.scan(LINK_CHANGES).collect(), links]).unique(maintain_order=True)
    elif records.is_empty() and links.is_empty():
        return records, links
    phase.workspace.write(RECORDS, records)
    phase.workspace.write(LINK_CHANGES, links)
    return records, links


def repair_finding(repaired: pl.DataFrame) -> Finding:
    """The check that everything a repair takes away is gone."""
    planned, confirmed = int(repaired["planned"].sum()), int(repaired["confirmed"].sum())
    return check("LOAD-04", "What was to be taken away is gone", planned - confirmed, planned)


def _over(phase: Phase, records: pl.DataFrame, links: pl.DataFrame) -> None:
    """Keep the repair as what was done, and forget what the portal held before it."""
    phase.write("load/repaired.records", records)
    phase.write("load/repaired.links", links)
    phase.workspace.empty("repair")


def _clear(client: PortalClient, cleared: pl.DataFrame) -> int:
    confirmed = 0
    for name, there, batch in _by_object(client, cleared):
        wanted = {
            there.ids[i]: names for i, names in batch.group_by("external_id").agg("property").iter_rows()
            if i in there.ids
        }  # fmt: skip
        confirmed += batch.filter(pl.col("external_id").is_in(there.missing)).height
        if not wanted:
            continue
        client.batch_update(name, {i: dict.fromkeys(names, "") for i, names in wanted.items()})
        every = sorted({n for names in wanted.values() for n in names})
        found = client.batch_read(name, None, list(wanted), every).found
        confirmed += sum(not found[i].properties.get(n) for i, names in wanted.items() if i in found for n in names)
    return confirmed


def _unlink(client: PortalClient, removed: pl.DataFrame) -> int:
    confirmed = 0
    for (near, far), rows in removed.group_by("from_object", "to_object", maintain_order=True):
        near_there, far_there = (_there(client, n, rows[c]) for n, c in ((near, "from_id"), (far, "to_id")))
        ends = rows.select("from_id", "to_id").rows()
        # A link to a record that is not in the portal is not there.
        confirmed += sum(a in near_there.missing or b in far_there.missing for a, b in ends)
        pairs = [(near_there.ids[a], far_there.ids[b]) for a, b in ends if a in near_there.ids and b in far_there.ids]
        for batch in _hundreds(pairs):
            client.dissociate(near, far, dict.fromkeys(batch))
            read = client.read_associations(near, far, list(dict.fromkeys(a for a, _ in batch)))
            confirmed += sum(b not in read.links.get(a, {}) for a, b in batch)
    return confirmed


def _archive(client: PortalClient, ledger: Ledger, archived: pl.DataFrame) -> int:
    confirmed = 0
    for name, there, batch in _by_object(client, archived):
        if there.ids:
            client.batch_archive(name, list(there.ids.values()))
        left = client.batch_read(name, EXTERNAL_ID, batch["external_id"].to_list(), []).missing
        away = [i for i in batch["external_id"] if i in left]
        ledger.forget(name, away)
        confirmed += len(away)
    return confirmed


@dataclass(frozen=True)
class _There:
    """Records of one object in the portal: HubSpot ids by external id, and those the portal says it has not."""

    ids: dict[str, str]
    missing: set[str]


def _there(client: PortalClient, name: str, external_ids: pl.Series) -> _There:
    """Ask the portal itself: the ledger of a new run knows nothing of what earlier ones brought there."""
    found = _There({}, set())
    for batch in _hundreds(external_ids.unique(maintain_order=True).to_list()):
        read = client.batch_read(name, EXTERNAL_ID, batch, [])
        found.ids.update({key: record.id for key, record in read.found.items()})
        found.missing.update(read.missing)
    return found


def _by_object(client: PortalClient, changes: pl.DataFrame) -> Iterator[tuple[str, _There, pl.DataFrame]]:
    """Object, what of it is in the portal, and the changes of up to 100 of its records at a time."""
    for (name,), rows in changes.group_by("object", maintain_order=True):
        for batch in _hundreds(rows["external_id"].unique(maintain_order=True).to_list()):
            changed = rows.filter(pl.col("external_id").is_in(batch))
            yield name, _there(client, name, changed["external_id"]), changed


def _hundreds(items: Sequence) -> Iterator[Sequence]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
