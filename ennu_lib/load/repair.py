"""Carry out the repair that splitting or merging persons asks for: what an upsert cannot do, and read back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from ennu_lib.evidence import Finding, Phase, check
from ennu_lib.hubspot import PortalClient
from ennu_lib.load.ledger import Ledger
from ennu_lib.load.repair_plan import LINK_CHANGES, RECORDS

BATCH = 100
SCHEMA = {"step": pl.String, "planned": pl.Int64, "confirmed": pl.Int64}


def repair_portal(phase: Phase, client: PortalClient, ledger: Ledger) -> pl.DataFrame:
    """Clear values, take associations away and archive records as the workspace's repair says; nothing without one.

    Runs before records and associations are loaded, so that what is archived is not counted among them, and a link that
    stays under another label is put back. Returns step, planned, confirmed by reading back; the repair is over when all
    of it is confirmed.
    """
    if not phase.workspace.exists(RECORDS):
        return pl.DataFrame(schema=SCHEMA)
    records, links = phase.scan(RECORDS).collect(), phase.scan(LINK_CHANGES).collect()
    cleared = records.filter((pl.col("action") == "update") & pl.col("after").is_null())
    removed = links.filter(pl.col("action") == "remove")
    archived = records.filter(pl.col("action") == "archive")
    done = [
        ("values cleared", cleared.height, _clear(client, ledger, cleared)),
        ("associations taken away", removed.height, _unlink(client, ledger, removed)),
        ("records archived", archived.height, _archive(client, ledger, archived)),
    ]
    if all(planned == confirmed for _, planned, confirmed in done):
        _over(phase, records, links)
    return pl.DataFrame(done, schema=SCHEMA, orient="row")


def repair_finding(repaired: pl.DataFrame) -> Finding:
    """The check that everything a repair takes away is gone."""
    planned, confirmed = int(repaired["planned"].sum()), int(repaired["confirmed"].sum())
    return check("LOAD-04", "What was to be taken away is gone", planned - confirmed, planned)


def _over(phase: Phase, records: pl.DataFrame, links: pl.DataFrame) -> None:
    """Keep the repair as what was done, and forget what the portal held before it."""
    phase.write("load/repaired.records", records)
    phase.write("load/repaired.links", links)
    phase.workspace.empty("repair")


def _clear(client: PortalClient, ledger: Ledger, cleared: pl.DataFrame) -> int:
    confirmed = 0
    for name, ids, batch in _by_object(cleared, ledger):
        wanted = {ids[i]: names for i, names in batch.group_by("external_id").agg("property").iter_rows() if i in ids}
        client.batch_update(name, {i: dict.fromkeys(names, "") for i, names in wanted.items()})
        every = sorted({n for names in wanted.values() for n in names})
        found = client.batch_read(name, None, list(wanted), every).found
        confirmed += sum(not found[i].properties.get(n) for i, names in wanted.items() if i in found for n in names)
    return confirmed


def _unlink(client: PortalClient, ledger: Ledger, removed: pl.DataFrame) -> int:
    confirmed = 0
    for (near, far), rows in removed.group_by("from_object", "to_object", maintain_order=True):
        near_ids, far_ids = (dict(ledger.verified_ids(name).iter_rows()) for name in (near, far))
        pairs = [(near_ids.get(a), far_ids.get(b)) for a, b in rows.select("from_id", "to_id").iter_rows()]
        # A link to a record that never got into the portal is not there.
        confirmed += sum(None in pair for pair in pairs)
        for batch in _hundreds([pair for pair in pairs if None not in pair]):
            client.dissociate(near, far, dict.fromkeys(batch))
            read = client.read_associations(near, far, list(dict.fromkeys(a for a, _ in batch)))
            confirmed += sum(b not in read.links.get(a, {}) for a, b in batch)
    return confirmed


def _archive(client: PortalClient, ledger: Ledger, archived: pl.DataFrame) -> int:
    confirmed = 0
    for name, ids, batch in _by_object(archived, ledger):
        gone = {i: ids[i] for i in batch["external_id"] if i in ids}
        client.batch_archive(name, list(gone.values()))
        left = client.batch_read(name, None, list(gone.values()), []).found
        away = [i for i in batch["external_id"] if gone.get(i) not in left]
        ledger.forget(name, away)
        confirmed += len(away)
    return confirmed


def _by_object(changes: pl.DataFrame, ledger: Ledger) -> Iterator[tuple[str, dict[str, str], pl.DataFrame]]:
    """Object, its HubSpot ids by external id, and the changes of up to 100 of its records at a time."""
    for (name,), rows in changes.group_by("object", maintain_order=True):
        ids = dict(ledger.verified_ids(name).iter_rows())
        for batch in _hundreds(rows["external_id"].unique(maintain_order=True).to_list()):
            yield name, ids, rows.filter(pl.col("external_id").is_in(batch))


def _hundreds(items: Sequence) -> Iterator[Sequence]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
