"""Count the associations that a portal holds, beside those that should be there."""

from __future__ import annotations

import polars as pl

from ennu_lib.evidence import Phase
from ennu_lib.hubspot import PortalClient
from ennu_lib.hubspot.association_types import association_type
from ennu_lib.hubspot.outcomes import AssociationType
from ennu_lib.hubspot.portal_schema import PortalSchema
from ennu_lib.images import link_files

READ_BATCH = 500
KIND = ["association", "label", "from_object", "to_object"]


def compare_links(phase: Phase, client: PortalClient, portal: PortalSchema) -> pl.DataFrame:
    """Per association and label: pairs expected between loaded records, and how many the portal does not have."""
    links = pl.concat([phase.scan(name) for name in link_files(phase.workspace)])
    kinds = links.select(KIND).unique().sort(KIND).collect(engine="streaming")
    rows = []
    for association, label, from_object, to_object in kinds.iter_rows():
        same = (pl.col("association") == association) & pl.col("label").eq_missing(pl.lit(label, dtype=pl.String))
        pairs = _pairs(phase, links.filter(same), from_object, to_object)
        type_id = association_type(client, portal, association, label, from_object, to_object)
        missing = _missing(client, from_object, to_object, type_id, pairs)
        rows.append({"association": association, "label": label or "", "expected": pairs.height, "missing": missing})
        phase.progress(len(rows), kinds.height, association)
    schema = {"association": pl.String, "label": pl.String, "expected": pl.Int64, "missing": pl.Int64}
    return pl.DataFrame(rows, schema=schema)


def _pairs(phase: Phase, links: pl.LazyFrame, from_object: str, to_object: str) -> pl.DataFrame:
    near = phase.scan(f"load/ids.{from_object}").select(pl.col("external_id").alias("from_id"), near="hubspot_id")
    far = phase.scan(f"load/ids.{to_object}").select(pl.col("external_id").alias("to_id"), far="hubspot_id")
    pairs = links.select("from_id", "to_id").join(near, on="from_id").join(far, on="to_id")
    return pairs.select("near", "far").unique().sort("near", "far").collect(engine="streaming")


def _missing(
    client: PortalClient, from_object: str, to_object: str, type_id: AssociationType, pairs: pl.DataFrame
) -> int:
    sources = pairs.group_by("near", maintain_order=True).agg("far")
    missing = 0
    for batch in sources.iter_slices(READ_BATCH):
        there = client.read_associations(from_object, to_object, batch["near"].to_list()).links
        for near, targets in batch.iter_rows():
            known = there.get(near, {})
            missing += sum(1 for far in targets if type_id not in known.get(far, set()))
    return missing
