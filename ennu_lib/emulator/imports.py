"""Imports of CSV files: started by one request, carried out in the background.

One object type a file. The id of what a row became is told nowhere: it has to be read back by a unique property.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from ennu_lib.emulator import access
from ennu_lib.emulator.calls import Answer, Call, Portal
from ennu_lib.emulator.errors import ApiError, bad_request
from ennu_lib.emulator.import_work import (
    CONCURRENT,
    RUNNING,
    FilePlan,
    all_imports,
    carry_out,
    change_import,
    find_import,
    plan_file,
    running_imports,
)
from ennu_lib.emulator.multipart import form_parts
from ennu_lib.emulator.records import number_of
from ennu_lib.emulator.times import iso

FILE_ROWS = 1_048_576
DAILY_IMPORTS = 500
DAILY_ROWS, DAILY_ROWS_FREE = 80_000_000, 500_000
SCOPE = "crm.import"


def start(portal: Portal, call: Call) -> Answer:
    """POST …/imports: take the files and the request, and begin."""
    access.require(portal.settings, SCOPE)
    parts = form_parts(call.content_type, call.raw)
    contents = [part.content for part in parts if part.name == "files"]
    request = _request(next((part.content for part in parts if part.name == "importRequest"), b""))
    specs = request.get("files") or []
    if not contents or len(contents) != len(specs):
        raise bad_request("Invalid import: every file needs one entry in importRequest.files")
    files = [plan_file(portal, i, spec, contents[i - 1]) for i, spec in enumerate(specs, start=1)]
    body = _new_import(portal, request, files)
    with portal.store.transaction():
        _use_quota(portal, files)
        number = portal.store.take("import_id", 1, 3_000_001)
        portal.store.execute("INSERT INTO imports VALUES (?, ?)", (number, orjson.dumps(body)))
    task = asyncio.get_running_loop().create_task(carry_out(portal, number, files))
    portal.background.add(task)
    task.add_done_callback(portal.background.discard)
    return Answer(200, _shape(number, body))


def _request(raw: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(raw)
    except orjson.JSONDecodeError:
        request = None
    if not isinstance(request, dict) or not request.get("name"):
        raise bad_request("Invalid import: importRequest must be a JSON object with a name")
    return request


def _use_quota(portal: Portal, files: list[FilePlan]) -> None:
    today, rows = portal.limiter.today_key(), sum(len(file.rows) for file in files)
    day, count, used = portal.store.get("imports_today", [today, 0, 0])
    if day != today:
        count = used = 0
    limit = DAILY_ROWS_FREE if portal.settings.tier == "free" else DAILY_ROWS
    if max(len(file.rows) for file in files) > FILE_ROWS or used + rows > limit or count >= DAILY_IMPORTS:
        raise ApiError(
            429, "You have reached your import limit.", None, errorType="RATE_LIMIT", totalImportRowsLimit=limit
        )
    portal.store.put("imports_today", [today, count + 1, used + rows])


def _new_import(portal: Portal, request: dict[str, Any], files: list[FilePlan]) -> dict[str, Any]:
    return {
        "state": "DEFERRED" if running_imports(portal) >= CONCURRENT else "STARTED",
        "name": request["name"],
        "request": request,
        "type_ids": sorted({file.kind.type_id for file in files}),
        "created": portal.now(),
        "updated": portal.now(),
        "counters": {"TOTAL_ROWS": sum(len(file.rows) for file in files)},
        "files": [str(file.number) for file in files],
    }


def _shape(number: int, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(number),
        "state": body["state"],
        "createdAt": iso(body["created"]),
        "updatedAt": iso(body["updated"]),
        "metadata": {"counters": body["counters"], "fileIds": body["files"], "objectLists": []},
        "importRequestJson": body["request"],
        "importName": body["name"],
        "importSource": "API",
        "optOutImport": False,
        "mappedObjectTypeIds": body["type_ids"],
    }


def list_all(portal: Portal, call: Call) -> Answer:
    """GET …/imports: the newest first."""
    access.require(portal.settings, SCOPE)
    found = all_imports(portal)[: call.limit(100, 100)]
    return Answer(200, {"results": [_shape(number, body) for number, body in found]})


def get(portal: Portal, call: Call) -> Answer:
    """GET …/imports/{id}."""
    access.require(portal.settings, SCOPE)
    return Answer(200, _shape(*find_import(portal, call.path["import_id"])))


def cancel(portal: Portal, call: Call) -> Answer:
    """POST …/imports/{id}/cancel: rows that are in stay in."""
    access.require(portal.settings, SCOPE)
    number, body = find_import(portal, call.path["import_id"])
    if body["state"] not in (*RUNNING, "DEFERRED"):
        raise bad_request(f"Import {number} is {body['state']} and cannot be canceled")
    change_import(portal, number, state="CANCELED")
    now = iso(portal.now())
    return Answer(200, {"status": "COMPLETE", "startedAt": now, "completedAt": now})


def errors(portal: Portal, call: Call) -> Answer:
    """GET …/imports/{id}/errors: one entry per value that was refused."""
    access.require(portal.settings, SCOPE)
    number, _ = find_import(portal, call.path["import_id"])
    after, limit = number_of(call.first("after") or "0") or 0, call.limit(100, 500)
    rows = portal.store.execute(
        "SELECT id, body FROM import_errors WHERE import = ? AND id >= ? ORDER BY id LIMIT ?",
        (number, after, limit + 1),
    ).fetchall()
    body: dict[str, Any] = {"results": [{"id": str(row), **orjson.loads(text)} for row, text in rows[:limit]]}
    if len(rows) > limit:
        body["paging"] = {"next": {"after": str(rows[limit][0])}}
    return Answer(200, body)


def fail_interrupted(portal: Portal) -> None:
    """Imports that were under way when the emulator stopped have failed."""
    for number, body in all_imports(portal):
        if body["state"] in (*RUNNING, "DEFERRED"):
            change_import(portal, number, state="FAILED")
