"""Bring the portal back to its baseline: undo what a run wrote, and nothing that others wrote since.

Records that the run created go to the recycle bin, where HubSpot keeps them for 90 days; values and links that it
changed are set back. Records that somebody else made since, and records that somebody else removed, are counted and
left alone. The portal's schema stays: properties without values harm nobody, and deleting one cannot be undone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import polars as pl

from ennu_lib.backup.portal import BASELINE, Progress, export_portal
from ennu_lib.errors import DataLost
from ennu_lib.hubspot import Link, PortalClient
from ennu_lib.hubspot.batches import BATCH_INPUTS
from ennu_lib.hubspot.links import ARCHIVE_INPUTS, CREATE_INPUTS
from ennu_lib.hubspot.portal_schema import PortalSchema
from ennu_lib.images import BATCH_ID
from ennu_lib.workspace import Workspace

NOW = "backup/portal_now"
PAIR = ["from_object", "to_object", "from_id", "to_id"]


@dataclass(frozen=True)
class Steps:
    """What is to be undone in one object (or, for links, between two), and what is left alone."""

    what: str
    archive: int = 0
    set_back: int = 0
    made_by_others: int = 0
    removed_by_others: int = 0


class PortalRestore:
    """Undoes one run in one portal. `plan` reads and changes nothing; `apply` does what it says."""

    def __init__(self, client: PortalClient, schema: PortalSchema, workspace: Workspace):
        self._client = client
        self._schema = schema
        self._workspace = workspace
        self._objects = [name for name in schema.objects if workspace.exists(f"{BASELINE}/{name}")]

    def plan(self, progress: Progress | None = None) -> pl.DataFrame:
        """Compare the portal with the baseline: `what`, `archive`, `set_back` and what others have done since.

        Raises OutOfOrder when the run has no baseline, TargetRefused and TargetUnreachable.
        """
        self._workspace.scan(f"{BASELINE}/baseline")
        found = export_portal(self._client, self._schema, self._workspace, NOW, progress)
        self._objects = found.filter("in_portal")["object"].to_list()
        steps = [self._object_steps(name) for name in self._objects]
        return pl.DataFrame([asdict(step) for step in (*steps, self._link_steps())])

    def apply(self, progress: Progress | None = None) -> pl.DataFrame:
        """Do what `plan` says, and plan again. Raises DataLost when something is still to be undone then."""
        for number, name in enumerate(self._objects, start=1):
            for batch in _slices(self._created(name), BATCH_INPUTS):
                self._client.batch_archive(name, batch["hubspot_id"].to_list())
            for batch in _slices(self._changed(name), BATCH_INPUTS):
                self._client.batch_update(name, dict(map(_values, batch.iter_rows(named=True))))
            if progress:
                progress(number, len(self._objects), name)
        self._set_links_back()
        left = self.plan(progress)
        still = left.select(pl.sum_horizontal("archive", "set_back").sum()).item()
        if still:
            raise DataLost(f"{still:,} steps of the restore did not take effect in the portal; run it again")
        return left

    def _object_steps(self, name: str) -> Steps:
        new = _count(self._new(name))
        created = _count(self._created(name))
        gone = self._baseline(name).join(self._now(name), on="hubspot_id", how="anti")
        return Steps(name, created, _count(self._changed(name)), new - created, _count(gone))

    def _link_steps(self) -> Steps:
        differing = self._differing_links()
        extra = _count(differing.filter(pl.col("types").is_null()))
        return Steps("links", extra, _count(differing) - extra)

    def _baseline(self, name: str) -> pl.LazyFrame:
        if not self._workspace.exists(f"{BASELINE}/{name}"):
            return self._now(name).clear()
        return self._workspace.scan(f"{BASELINE}/{name}").unique("hubspot_id")

    def _now(self, name: str) -> pl.LazyFrame:
        return self._workspace.scan(f"{NOW}/{name}").unique("hubspot_id")

    def _new(self, name: str) -> pl.LazyFrame:
        return self._now(name).join(self._baseline(name), on="hubspot_id", how="anti")

    def _created(self, name: str) -> pl.LazyFrame:
        """Records of which the last to write was this run."""
        batch = pl.col("migrated").str.json_path_match(f"$.{BATCH_ID}")
        return self._new(name).filter(batch == self._workspace.run_id).select("hubspot_id").sort("hubspot_id")

    def _changed(self, name: str) -> pl.LazyFrame:
        pairs = self._baseline(name).join(self._now(name), on="hubspot_id", suffix="_now")
        return pairs.filter(pl.col("migrated") != pl.col("migrated_now")).sort("hubspot_id")

    def _differing_links(self) -> pl.LazyFrame:
        """Pairs of records that stay, whose set of association types is not that of the baseline."""
        staying = pl.concat(
            [
                self._now(name).join(self._created(name), on="hubspot_id", how="anti").select(_end(name), "hubspot_id")
                for name in self._objects
            ]
        )
        before, now = (
            self._workspace.scan(f"{folder}/links").group_by(PAIR).agg(_types()) for folder in (BASELINE, NOW)
        )
        both = before.join(now, on=PAIR, how="full", suffix="_now", coalesce=True)
        for side in ("from", "to"):
            on = [f"{side}_object", f"{side}_id"]
            both = both.join(staying, left_on=on, right_on=["object", "hubspot_id"], how="semi")
        return both.filter(pl.col("types").ne_missing(pl.col("types_now"))).sort(PAIR)

    def _set_links_back(self) -> None:
        differing = self._differing_links().collect(engine="streaming")
        for (from_object, to_object), pairs in differing.group_by("from_object", "to_object", maintain_order=True):
            extra = pairs.filter(pl.col("types").is_null())
            for batch in extra.iter_slices(ARCHIVE_INPUTS):
                self._client.dissociate(from_object, to_object, batch.select("from_id", "to_id").iter_rows())
            for batch in pairs.filter(pl.col("types").is_not_null()).iter_slices(CREATE_INPUTS):
                links = [_link(row) for row in batch.iter_rows(named=True)]
                self._client.associate(from_object, to_object, links)


def _end(name: str) -> pl.Expr:
    return pl.lit(name).alias("object")


def _types() -> pl.Expr:
    """The association types of a pair as one sorted text."""
    each = pl.concat_str("category", pl.lit(" "), pl.col("type_id").cast(pl.String))
    return each.unique().sort().str.join(",").alias("types")


def _link(row: dict) -> Link:
    """The pair with the types it had. A request names its own types where there are any; HubSpot adds the plain one."""
    types = [(category, int(number)) for category, number in (each.split(" ") for each in row["types"].split(","))]
    own = [each for each in types if each[0] == "USER_DEFINED"]
    return Link(row["from_id"], row["to_id"], tuple(own or types))


def _values(row: dict) -> tuple[str, dict[str, str]]:
    """A record's id and the values it had; what had no value is cleared."""
    before, now = json.loads(row["migrated"]), json.loads(row["migrated_now"])
    return row["hubspot_id"], {name: before.get(name, "") for name in before | now if before.get(name) != now.get(name)}


def _count(frame: pl.LazyFrame) -> int:
    return frame.select(pl.len()).collect(engine="streaming").item()


def _slices(frame: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
    return frame.collect(engine="streaming").iter_slices(size)
