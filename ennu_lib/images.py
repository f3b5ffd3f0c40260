"""The image of a record: exactly what the portal shall hold, as text, by external id."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

import orjson
import polars as pl

from ennu_lib.hubspot.schema import EXTERNAL_ID
from ennu_lib.workspace import Workspace

Image = dict[str, str]
BATCH = 10_000
FOLDERS = ("targets", "scores")
LINKS = ("targets/links", "scores/links")
# Referred-to objects come before those that refer to them.
ORDER = (
    "staff_management",
    "contacts",
    "lab_results",
    "measurement_history",
    "health_scores",
    "telehealth_sessions",
    "assessment_results",
)
# Says which run wrote a record last; it may differ without the record being another.
BATCH_ID = "migration_batch_id"


def record_frame(workspace: Workspace, name: str) -> pl.LazyFrame:
    """All records of object `name`: those of mapping, those of health scores, and patches to either."""
    parts = [workspace.scan(f"{folder}/{name}") for folder in FOLDERS if workspace.exists(f"{folder}/{name}")]
    frame = pl.concat(parts, how="diagonal") if parts else pl.LazyFrame(schema={EXTERNAL_ID: pl.String})
    if workspace.exists(_patch(name)):
        frame = frame.join(workspace.scan(_patch(name)), on=EXTERNAL_ID, how="left")
    return frame


def record_files(workspace: Workspace, name: str) -> list[Path]:
    """The files that `record_frame` reads."""
    names = [*(f"{folder}/{name}" for folder in FOLDERS), _patch(name)]
    return [workspace.path(each) for each in names if workspace.exists(each)]


def image_frame(workspace: Workspace, name: str, properties: Collection[str]) -> pl.LazyFrame:
    """The records of object `name` with the columns that are `properties` of the portal, and no others."""
    frame = record_frame(workspace, name)
    return frame.select(column for column in frame.collect_schema().names() if column in properties)


def link_files(workspace: Workspace) -> list[str]:
    """The workspace files of links between records: those of mapping and those of health scores."""
    return [name for name in LINKS if workspace.exists(name)]


def objects_to_load(workspace: Workspace) -> list[str]:
    """The objects that have records, in loading order."""
    return [name for name in ORDER if any(workspace.exists(f"{f}/{name}") for f in FOLDERS)]


def images(frame: pl.LazyFrame) -> Iterator[Image]:
    """The images one by one, without properties that have no value."""
    for batch in frame.collect_batches(chunk_size=BATCH):
        for row in batch.iter_rows(named=True):
            yield {name: value for name, value in row.items() if value is not None}


def fingerprint(image: Mapping[str, str]) -> bytes:
    """A hash by which the ledger knows whether an image has changed since it was loaded."""
    kept = {name: value for name, value in image.items() if name != BATCH_ID}
    return blake2b(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def _patch(name: str) -> str:
    return f"scores/patch.{name}"
