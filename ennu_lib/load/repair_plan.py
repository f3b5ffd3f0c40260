"""The repair of a portal after persons were split or merged: what it holds against what it shall hold, exactly.

An upsert adds and changes. What has to go as well (values, associations, whole records) is known only by comparison
with what was loaded before; so that is kept until the repair has been carried out.
"""

from __future__ import annotations

import polars as pl

from ennu_lib.hubspot.schema import EXTERNAL_ID
from ennu_lib.images import BATCH_ID, ORDER, link_files, objects_to_load, record_frame
from ennu_lib.workspace import Workspace

BEFORE, RECORDS, LINK_CHANGES = "repair/before", "repair/records", "repair/links"
RECORD_SCHEMA = {c: pl.String for c in ("object", "external_id", "action", "property", "before", "after")}
LINK_KEY = ["association", "label", "from_object", "from_id", "to_object", "to_id"]


def keep_before(workspace: Workspace) -> None:
    """Keep what the portal holds now, unless it is kept already: several decisions make one repair."""
    if workspace.exists(f"{BEFORE}.links"):
        return
    for name in objects_to_load(workspace):
        workspace.write(f"{BEFORE}.{name}", record_frame(workspace, name))
    workspace.write(f"{BEFORE}.links", _links(workspace))


def write_repair(workspace: Workspace) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Compare what was kept with the targets as they are now; write and return the changes.

    Records: object, external_id, action (create, update, archive), property, before, after; one row per value, and one
    without a property for a record that is archived. Links: action (add, remove) and what a link is made of.
    """
    objects = [n for n in ORDER if workspace.exists(f"{BEFORE}.{n}") or n in objects_to_load(workspace)]
    parts = [
        record_changes(
            name, as_values(_kept(workspace, f"{BEFORE}.{name}")), as_values(record_frame(workspace, name).collect())
        )
        for name in objects
    ]
    records = pl.concat([pl.DataFrame(schema=RECORD_SCHEMA), *parts])
    links = link_changes(workspace.scan(f"{BEFORE}.links").collect(), _links(workspace).collect())
    workspace.write(RECORDS, records)
    workspace.write(LINK_CHANGES, links)
    return records, links


def repair_lines(records: pl.DataFrame, links: pl.DataFrame) -> list[str]:
    """The repair in words, without a value: per record what is done and to which properties; links one by one."""
    told = records.group_by("object", "external_id", "action", maintain_order=True).agg(pl.col("property").drop_nulls())
    lines = [
        f"{row['action']:<8} {row['object']} {row['external_id']}"
        + (f": {', '.join(sorted(row['property']))}" if row["property"] else "")
        for row in told.iter_rows(named=True)
    ]
    for row in links.iter_rows(named=True):
        label = f" ({row['label']})" if row["label"] else ""
        ends = f"{row['from_object']} {row['from_id']} - {row['to_object']} {row['to_id']}"
        lines.append(f"{row['action']:<8} {row['association']}{label}: {ends}")
    return lines


def record_changes(name: str, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """What makes records of object `name` of what they were; both frames as `as_values` gives them."""
    old, new = (frame.select("external_id").unique() for frame in (before, after))
    values = before.join(after, on=["external_id", "property"], how="full", coalesce=True, suffix="_after")
    changed = values.filter(pl.col("value").ne_missing(pl.col("value_after")))
    changed = changed.join(old.with_columns(was=True), on="external_id", how="left")
    changed = changed.join(new.with_columns(stays=True), on="external_id", how="left")
    action = pl.when(pl.col("was").is_null()).then(pl.lit("create")).when(pl.col("stays").is_null()).then(
        pl.lit("archive")).otherwise(pl.lit("update"))  # fmt: skip
    rows = changed.select(
        pl.lit(name).alias("object"),
        "external_id",
        action.alias("action"),
        "property",
        before="value",
        after="value_after",
    )
    gone = rows.filter(pl.col("action") == "archive").unique("external_id").with_columns(
        pl.lit(None, pl.String).alias(c) for c in ("property", "before", "after")
    )  # fmt: skip
    kept = rows.filter((pl.col("action") != "archive") & (pl.col("property") != EXTERNAL_ID))
    return pl.concat([kept, gone]).sort("action", "external_id", "property")


def link_changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The links to remove and to add, and what each is made of."""
    parts = [
        frame.join(other, on=LINK_KEY, how="anti", nulls_equal=True).select(pl.lit(action).alias("action"), *LINK_KEY)
        for action, frame, other in (("remove", before, after), ("add", after, before))
    ]
    return pl.concat(parts).sort("action", *LINK_KEY)


def as_values(frame: pl.DataFrame) -> pl.DataFrame:
    """external_id, property, value of every value, as text; the id itself too, so that an empty record is one."""
    named = frame.select(pl.exclude(BATCH_ID).cast(pl.String)).with_columns(external_id=pl.col(EXTERNAL_ID))
    return named.unpivot(index="external_id", variable_name="property").drop_nulls("value")


def _kept(workspace: Workspace, name: str) -> pl.DataFrame:
    there = workspace.exists(name)
    return workspace.scan(name).collect() if there else pl.DataFrame(schema={EXTERNAL_ID: pl.String})


def _links(workspace: Workspace) -> pl.LazyFrame:
    return pl.concat([workspace.scan(name).select(LINK_KEY) for name in link_files(workspace)]).unique()
