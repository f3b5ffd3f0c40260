"""What is known of each table that was looked at: one small JSON file per table, beside its Parquet file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ennu_lib.workspace import Workspace

FOLDER = "source"


@dataclass(frozen=True)
class Extracted:
    """What is known of one table. `digest` is keyed and independent of row order.

    `file` is None for a table that was only counted, and for one that could not be read: then `unread` says why, and
    `rows` is what the snapshot counted, or 0 where it could not even be counted. `seconds` is what counting and copying
    took, waiting for the cap included.
    """

    table: str
    rows: int
    digest: str
    file: str | None
    bytes: int
    key: tuple[str, ...]
    columns: Mapping[str, str]
    kept_as_text: tuple[str, ...]
    snapshot: str
    unread: str = ""
    seconds: float = 0.0


def save(found: Extracted, workspace: Workspace) -> None:
    """Record what is known of a table: only now is it extracted."""
    workspace.write_bytes(f"{FOLDER}/{found.table}", json.dumps(asdict(found)).encode(), ".json")


def known(workspace: Workspace, name: str) -> Extracted | None:
    """What was recorded of a table, if its Parquet file is still there."""
    path = workspace.root / FOLDER / f"{name}.json"
    if not path.is_file():
        return None
    record = json.loads(path.read_bytes())
    if record["file"] and not (workspace.root / record["file"]).is_file():
        return None
    return Extracted(
        **{**record, "key": tuple(record["key"]), "kept_as_text": tuple(record["kept_as_text"])},
    )


def read_extracted(workspace: Workspace) -> dict[str, Extracted]:
    """What `extract` recorded in this workspace, by table."""
    return {name: found for name in workspace.names(FOLDER, ".json") if (found := known(workspace, name))}


def files_of(extracted: Iterable[Extracted], workspace: Workspace) -> list[Path]:
    """The Parquet and JSON files that belong to `extracted`."""
    files = []
    for table in extracted:
        files.append(workspace.root / FOLDER / f"{table.table}.json")
        if table.file:
            files.append(workspace.root / table.file)
    return files
