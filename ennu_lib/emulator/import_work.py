"""The work of an import: which column becomes which property, and the rows written 100 at a time."""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import dataclass
from typing import Any

import orjson

from ennu_lib.emulator import access
from ennu_lib.emulator.calls import Portal, Version
from ennu_lib.emulator.errors import bad_request, not_found
from ennu_lib.emulator.inputs import CREATE, UPDATE, UPSERT, Input, Outcome
from ennu_lib.emulator.model import ObjectType
from ennu_lib.emulator.records import number_of
from ennu_lib.emulator.settings import BATCH_INPUTS
from ennu_lib.emulator.writes import BatchWrite

CONCURRENT = 3
RUNNING = ("STARTED", "PROCESSING")
ALTERNATE_ID, OBJECT_ID = "HUBSPOT_ALTERNATE_ID", "HUBSPOT_OBJECT_ID"
WAIT_SECONDS = 0.02
ERROR_TYPES = {
    "INVALID_OPTION": "INVALID_ENUMERATION_OPTION",
    "INVALID_EMAIL": "INVALID_EMAIL",
    "INVALID_INTEGER": "COULD_NOT_PARSE_NUMBER",
    "INVALID_DATE": "COULD_NOT_PARSE_DATE",
    "INVALID_LONG": "COULD_NOT_PARSE_DATE",
    "CONFLICTING_UNIQUE_VALUE": "DUPLICATE_UNIQUE_PROPERTY_VALUE",
    "PROPERTY_DOESNT_EXIST": "PROPERTY_DEFINITION_NOT_FOUND",
}


@dataclass(frozen=True)
class Column:
    """One mapped column of a file."""

    index: int
    property: str | None
    role: str | None


@dataclass(frozen=True)
class FilePlan:
    """One file of an import: its rows, and what they become."""

    number: int
    kind: ObjectType
    columns: tuple[Column, ...]
    rows: list[list[str]]
    first_line: int

    @property
    def operation(self) -> str:
        """Upserts by a unique property, updates by record id, or creates."""
        roles = {column.role for column in self.columns}
        return UPSERT if ALTERNATE_ID in roles else UPDATE if OBJECT_ID in roles else CREATE

    def input_of(self, offset: int, row: list[str]) -> Input:
        """A row as one input of a batch write; empty cells are left out."""
        item = Input(offset, {}, trace=str(offset))
        for column in self.columns:
            value = row[column.index] if column.index < len(row) else ""
            if column.role in (OBJECT_ID, ALTERNATE_ID):
                item.id, item.id_property = value, column.property if column.role == ALTERNATE_ID else None
            if column.role != OBJECT_ID and value != "":
                item.properties[column.property or ""] = value
        return item


def plan_file(portal: Portal, number: int, spec: dict[str, Any], content: bytes) -> FilePlan:
    """Read a file by its entry in the import request. Raises a 400 when the two do not fit."""
    page = spec.get("fileImportPage") or {}
    mappings = page.get("columnMappings") or []
    kinds = {str(mapping.get("columnObjectTypeId")) for mapping in mappings}
    if len(kinds) != 1:
        raise bad_request("Invalid import: a file must map to exactly one object type")
    kind = portal.registry.find(kinds.pop())
    access.require_objects(portal.settings, kind, access.WRITE)
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    has_header = bool(page.get("hasHeader", True))
    header = rows.pop(0) if rows and has_header else [mapping.get("columnName") for mapping in mappings]
    if unknown := [str(m.get("columnName")) for m in mappings if m.get("columnName") not in header]:
        raise bad_request(f"Invalid import: columns not in the file: {', '.join(unknown)}")
    columns = tuple(
        Column(header.index(m.get("columnName")), m.get("propertyName"), m.get("columnType") or m.get("idColumnType"))
        for m in mappings
    )
    return FilePlan(number, kind, columns, rows, 2 if has_header else 1)


def all_imports(portal: Portal) -> list[tuple[int, dict[str, Any]]]:
    """Every import, the newest first."""
    rows = portal.store.execute("SELECT id, body FROM imports ORDER BY id DESC").fetchall()
    return [(number, orjson.loads(body)) for number, body in rows]


def find_import(portal: Portal, text: str) -> tuple[int, dict[str, Any]]:
    """An import by its id. Raises the 404."""
    row = portal.store.execute("SELECT id, body FROM imports WHERE id = ?", (number_of(text) or 0,)).fetchone()
    if row is None:
        raise not_found(f"No import {text} exists")
    return row[0], orjson.loads(row[1])


def change_import(portal: Portal, number: int, **changes: Any) -> None:
    """Keep new values of an import's fields."""
    _, body = find_import(portal, str(number))
    with portal.store.transaction():
        portal.store.execute(
            "UPDATE imports SET body = ? WHERE id = ?",
            (orjson.dumps({**body, **changes, "updated": portal.now()}), number),
        )


def running_imports(portal: Portal) -> int:
    """How many imports are being carried out."""
    return sum(body["state"] in RUNNING for _, body in all_imports(portal))


async def carry_out(portal: Portal, number: int, files: list[FilePlan]) -> None:
    """Write the rows of an import, giving way to requests after every 100; stop when it is cancelled."""
    while _state(portal, number) == "DEFERRED":
        if running_imports(portal) < CONCURRENT:
            change_import(portal, number, state="STARTED")
        await asyncio.sleep(WAIT_SECONDS)
    for file in files:
        for first in range(0, len(file.rows), BATCH_INPUTS):
            if _state(portal, number) == "CANCELED":
                return
            with portal.store.transaction():
                _write_rows(portal, number, file, first)
            await asyncio.sleep(0)
    if _state(portal, number) != "CANCELED":
        change_import(portal, number, state="DONE")


def _state(portal: Portal, number: int) -> str:
    return find_import(portal, str(number))[1]["state"]


def _write_rows(portal: Portal, number: int, file: FilePlan, first: int) -> None:
    rows = file.rows[first : first + BATCH_INPUTS]
    by_key = {}
    for offset, row in enumerate(rows):
        item = file.input_of(offset, row)
        by_key[item.id or f"row {offset}"] = item
    items = list(by_key.values())
    outcome = BatchWrite(portal, file.kind, file.operation, items, Version.LEGACY).run()
    refused = [item for item in items if not item.good or (file.operation == UPDATE and item.record is None)]
    counters = find_import(portal, str(number))[1]["counters"]
    for name, count in _counts(items, outcome, len(refused)).items():
        counters[name] = counters.get(name, 0) + count
    for item in refused:
        _note_errors(portal, number, file, first, item)
    change_import(portal, number, state="PROCESSING", counters=counters)


def _counts(items: list[Input], outcome: Outcome, refused: int) -> dict[str, int]:
    written, created = len(outcome.results), outcome.created
    return {
        "CREATED_OBJECTS": created,
        "UPDATED_OBJECTS": written - created,
        "UNIQUE_OBJECTS_WRITTEN": written,
        "PROPERTY_VALUES_EMITTED": sum(len(item.values) for item in items if item.good),
        "ERRORS": refused,
    }


def _note_errors(portal: Portal, number: int, file: FilePlan, first: int, item: Input) -> None:
    row = file.rows[first + item.position]
    for problem in item.problems or [{"error": "UNKNOWN_ERROR", "name": None}]:
        column = next((c.index for c in file.columns if c.property == problem["name"]), 0)
        body = {
            "createdAt": portal.now(),
            "errorType": ERROR_TYPES.get(problem["error"], "UNKNOWN_ERROR"),
            "objectTypeId": file.kind.type_id,
            "invalidValue": row[column] if column < len(row) else None,
            "knownColumnNumber": column,
            "sourceData": {
                "rowData": row,
                "lineNumber": first + item.position + file.first_line,
                "fileId": file.number,
                "containsEncryptedProperties": False,
            },
        }
        portal.store.execute("INSERT INTO import_errors (import, body) VALUES (?, ?)", (number, orjson.dumps(body)))
