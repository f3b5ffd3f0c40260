"""Load the associations: a second pass, because an upsert takes none. Linking is a set operation and safe to repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import polars as pl

from ennu_lib.hubspot import PortalClient
from ennu_lib.hubspot.association_types import association_type
from ennu_lib.hubspot.links import CREATE_INPUTS, READ_INPUTS
from ennu_lib.hubspot.outcomes import AssociationType, Link
from ennu_lib.hubspot.portal_schema import PortalSchema
from ennu_lib.load.at_once import at_once
from ennu_lib.load.ledger import Ledger

PAIR = ["association", "label", "from_object", "to_object"]


@dataclass
class Linked:
    """What loading the links of one association and label came to.

    `left_out` links have an end that did not get into the portal; `unsettled` ones could not be confirmed.
    """

    association: str
    label: str
    left_out: int = 0
    links: int = 0
    written: int = 0
    verified: int = 0
    unsettled: int = 0

    def add(self, part: Mapping[str, int]) -> None:
        """Count what one batch came to."""
        for name, count in part.items():
            setattr(self, name, getattr(self, name) + count)


def load_links(
    client: PortalClient,
    ledger: Ledger,
    portal: PortalSchema,
    links: pl.LazyFrame,
    progress: Callable[[int, int, str], None],
    workers: int = 4,
) -> list[Linked]:
    """Link every pair of verified records in `links`, adding to the labels that a pair has already.

    One association and label after the other: its batches, no two with a from-record in common, go side by side.
    """
    groups = links.select(PAIR).unique().sort(PAIR, nulls_last=False).collect(engine="streaming")
    total = _height(links)
    found, seen = [], 0
    for association, label, from_object, to_object in groups.iter_rows():
        type_id = association_type(client, portal, association, label, from_object, to_object)
        same = (pl.col("association") == association) & pl.col("label").eq_missing(pl.lit(label, dtype=pl.String))
        wanted = links.filter(same).select("from_id", "to_id").unique()
        pairs = _with_ids(wanted, ledger, from_object, to_object)
        linked = Linked(association, label or "", left_out=_height(wanted) - pairs.height)
        link = partial(_link, client, from_object, to_object, type_id)
        for part in at_once(workers, link, _by_source(pairs)):
            linked.add(part)
            progress(seen + linked.links, total, association)
        seen += linked.links
        found.append(linked)
    return found


def _with_ids(links: pl.LazyFrame, ledger: Ledger, from_object: str, to_object: str) -> pl.DataFrame:
    """Pairs of HubSpot ids, sorted by source; links to records that were not verified are left out."""
    near = ledger.verified_ids(from_object).lazy().rename({"external_id": "from_id", "hubspot_id": "from_hs"})
    far = ledger.verified_ids(to_object).lazy().rename({"external_id": "to_id", "hubspot_id": "to_hs"})
    pairs = links.join(near, on="from_id").join(far, on="to_id")
    return pairs.select("from_hs", "to_hs").sort("from_hs", "to_hs").collect(engine="streaming")


def _height(links: pl.LazyFrame) -> int:
    return links.select(pl.len()).collect(engine="streaming").item()


def _by_source(pairs: pl.DataFrame) -> Iterator[dict[str, list[str]]]:
    """Batches of at most 1,000 source records with all their targets, and of about 2,000 pairs: what one call takes."""
    batch: dict[str, list[str]] = {}
    size = 0
    for from_id, targets in pairs.group_by("from_hs", maintain_order=True).agg("to_hs").iter_rows():
        if batch and (len(batch) >= READ_INPUTS or size + len(targets) > CREATE_INPUTS):
            yield batch
            batch, size = {}, 0
        batch[from_id] = targets
        size += len(targets)
    if batch:
        yield batch


def _link(
    client: PortalClient, from_object: str, to_object: str, type_id: AssociationType, batch: dict[str, list[str]]
) -> dict[str, int]:
    """Deal with one batch; return what it came to."""
    pairs = sum(len(targets) for targets in batch.values())
    missing, unread = _missing(client, from_object, to_object, type_id, batch)
    for start in range(0, len(missing), CREATE_INPUTS):
        client.associate(from_object, to_object, missing[start : start + CREATE_INPUTS])
    left, unconfirmed = _missing(client, from_object, to_object, type_id, _targets(missing)) if missing else ([], 0)
    unsettled = unread + len(left) + unconfirmed
    return {"links": pairs, "written": len(missing), "verified": pairs - unsettled, "unsettled": unsettled}


def _targets(links: list[Link]) -> dict[str, list[str]]:
    targets: dict[str, list[str]] = {}
    for link in links:
        targets.setdefault(link.from_id, []).append(link.to_id)
    return targets


def _missing(
    client: PortalClient, from_object: str, to_object: str, type_id: AssociationType, batch: dict[str, list[str]]
) -> tuple[list[Link], int]:
    """The pairs that do not have this type yet, each with the types it has and this one; and how many are unread.

    Sending replaces a pair's set of types, so a pair whose types could not be read is not sent.
    """
    read = client.read_associations(from_object, to_object, list(batch))
    missing = []
    for from_id, targets in batch.items():
        if from_id in read.ambiguous:
            continue
        known = read.links.get(from_id, {})
        for to_id in targets:
            types = known.get(to_id, set())
            if type_id not in types:
                missing.append(Link(from_id, to_id, (*sorted(_kept(types)), type_id)))
    return missing, sum(len(batch[from_id]) for from_id in batch.keys() & read.ambiguous)


def _kept(types: set[AssociationType]) -> set[AssociationType]:
    """Types that a request may name; HubSpot adds the unlabelled one by itself."""
    return {each for each in types if each[0] == "USER_DEFINED"}
