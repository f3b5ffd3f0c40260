"""How many links single records would get: a provider of all orders may pass what the portal allows for one record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ennu_lib.audit.capacity import CapacityParams, mapping_files
from ennu_lib.audit.profile import Source
from ennu_lib.errors import EnnuError
from ennu_lib.evidence import Finding, Severity, check
from ennu_lib.hubspot import PortalClient
from ennu_lib.hubspot.portal_schema import PortalSchema
from ennu_lib.source import Extracted
from ennu_lib.workspace import Workspace

LINKS = {
    "association": pl.String,
    "a_record_of": pl.String,
    "records": pl.Int64,
    "most_links": pl.Int64,
    "limit": pl.Int64,
    "limit_from": pl.String,
    "near": pl.Int64,
    "over": pl.Int64,
    "verdict": pl.String,
}
PORTAL, FILE = "the portal", "params/audit/capacity.yml"


@dataclass(frozen=True)
class Linked:
    """Rows of `table` become records of `object`, each linked to the record of the row that `column` points at."""

    table: str
    object: str
    association: str
    column: str
    parent: str


def linked(folder: Path | None = None) -> list[Linked]:
    """The links of the mapping files."""
    found = []
    for mapping in mapping_files(folder):
        target = (mapping.get("records") or {}).get("object", "contacts")
        for link in mapping.get("links", ()):
            found.append(Linked(mapping["table"], target, link["association"], link["column"], link["table"]))
    return found


def links_per_record(
    extracted: Mapping[str, Extracted],
    workspace: Workspace,
    links: Iterable[Linked],
    portal: PortalSchema,
    params: CapacityParams,
    told: Mapping[str, int],
) -> pl.DataFrame:
    """Per association, how many links the busiest record at its far end gets, against the limit for one record.

    `near` records use `tight_from` of the limit or more, `over` go past it: their last links would be refused. `told`
    are the limits that the portal gave; for the others that of params/audit/capacity.yml stands. Rows are counted as
    they are: people are merged later, which adds up their links, and what is refused takes some away.
    """
    together: dict[tuple[str, str], list[Linked]] = defaultdict(list)
    for link in links:
        if link.table in extracted and extracted[link.table].file:
            together[link.association, _far_end(link, portal)].append(link)
    rows = []
    for (association, far), group in sorted(together.items()):
        counts = _counts(group, extracted, workspace)
        limit = told.get(association, params.links_per_record)
        most, near, over = _measure(counts, limit, params.tight_from)
        rows.append(
            {
                "association": association,
                "a_record_of": far,
                "records": len(counts),
                "most_links": most,
                "limit": limit,
                "limit_from": PORTAL if association in told else FILE,
                "near": near,
                "over": over,
                "verdict": "does not fit" if over else "tight" if near else "fits",
            }
        )
    return pl.DataFrame(rows, schema=LINKS)


def record_limits(opening: Callable[[], PortalClient], portal: PortalSchema, links: Iterable[Linked]) -> dict[str, int]:
    """What the portal's limits endpoint allows one record, by association; without those that it does not know yet.

    Empty where the portal does not answer: that stops no audit.
    """
    ends = {link.association: (_far_end(link, portal), link.object) for link in links}
    found = {}
    try:
        client = opening()
        for association, (far, near) in ends.items():
            types = client.known_type_id(far), client.known_type_id(near)
            if all(types):
                limit = client.limits("associations", "records", *types).get("limit")
                found |= {association: limit} if limit else {}
    except EnnuError:
        return {}
    return found


def link_findings(links: pl.DataFrame) -> list[Finding]:
    """Whether every record can carry its links."""
    full = links.filter(pl.col("over") > 0)
    return [
        check(
            "CAP-02",
            "No record gets more links of an association than the portal allows one record",
            full.height,
            links.height,
            severity=Severity.WARN,
            note=", ".join(f"{name} ({far})" for name, far in full.select("association", "a_record_of").iter_rows()),
        )
    ]


def _far_end(link: Linked, portal: PortalSchema) -> str:
    """The object whose records many rows may point at."""
    known = next((a for a in portal.associations if a.name == link.association), None)
    if known is None:
        return "unknown"
    return known.from_object if known.to_object == link.object else known.to_object


def _counts(group: list[Linked], extracted: Mapping[str, Extracted], workspace: Workspace) -> pl.Series:
    """Links by record, of all tables that bring links of the same association."""
    pointing = [
        Source.of(extracted[link.table], workspace).frame.select(
            pl.lit(link.parent).alias("parent"), pl.col(link.column).cast(pl.String).alias("row")
        )
        for link in group
    ]
    counted = pl.concat(pointing).drop_nulls("row").group_by("parent", "row").len("links")
    return counted.select("links").collect(engine="streaming")["links"]


def _measure(counts: pl.Series, limit: int, tight_from: float) -> tuple[int, int, int]:
    over = int((counts > limit).sum())
    return int(counts.max() or 0), int((counts >= tight_from * limit).sum()) - over, over
