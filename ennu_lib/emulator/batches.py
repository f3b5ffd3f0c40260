"""The batch endpoints of records: create, read, update, upsert, archive."""

from __future__ import annotations

from typing import Any

from ennu_lib.emulator import access
from ennu_lib.emulator.calls import Answer, Call, Portal, batch_answer
from ennu_lib.emulator.errors import bad_request, not_unique, objects_not_found, too_many_inputs
from ennu_lib.emulator.inline import link_created, plan_links
from ennu_lib.emulator.inputs import CREATE, UPDATE, UPSERT, Input
from ennu_lib.emulator.links import unlink
from ennu_lib.emulator.model import ObjectType
from ennu_lib.emulator.records import Record, Records, number_of
from ennu_lib.emulator.settings import BATCH_INPUTS, HISTORY_INPUTS
from ennu_lib.emulator.shapes import read_shape
from ennu_lib.emulator.writes import BatchWrite


def create(portal: Portal, call: Call) -> Answer:
    """POST …/batch/create; the only batch that takes associations."""
    return _write(portal, call, CREATE)


def update(portal: Portal, call: Call) -> Answer:
    """POST …/batch/update, by record id or by a unique property."""
    return _write(portal, call, UPDATE)


def upsert(portal: Portal, call: Call) -> Answer:
    """POST …/batch/upsert, by a unique property."""
    return _write(portal, call, UPSERT)


def _write(portal: Portal, call: Call, operation: str) -> Answer:
    kind = portal.registry.find(call.path["object_type"])
    access.require_objects(portal.settings, kind, access.WRITE)
    inputs = batch_inputs(call)
    items = [parse_input(position, body, operation) for position, body in enumerate(inputs)]
    access.require_named(portal.settings, kind, {name for i in items for name in i.properties}, access.WRITE)
    started = portal.now()
    with portal.store.transaction():
        plan_links(portal, kind, items)
        outcome = BatchWrite(portal, kind, operation, items, call.version).run()
        link_created(portal, kind, items)
    status = 201 if operation == CREATE else 200
    return batch_answer(portal, call, started, portal.shuffled(outcome.results), outcome.errors, status)


def batch_inputs(call: Call, limit: int = BATCH_INPUTS, history: bool = False) -> list[dict[str, Any]]:
    """The inputs of a batch of at most `limit`."""
    inputs = call.inputs()
    if len(inputs) > limit:
        raise too_many_inputs(limit, history)
    return inputs


def parse_input(position: int, body: dict[str, Any], operation: str) -> Input:
    """One input of a write. Raises a 400 when it lacks what its operation needs."""
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise bad_request("Invalid input JSON: properties must be an object")
    item = Input(position, properties, trace=_text(body, "objectWriteTraceId"))
    if operation == CREATE:
        item.associations = body.get("associations") or []
        return item
    item.id, item.id_property = _text(body, "id"), _text(body, "idProperty")
    if not item.id:
        raise bad_request("Invalid input JSON: id must not be empty")
    if operation == UPSERT and not item.id_property:
        raise bad_request("Invalid input JSON: idProperty is required to upsert")
    return item


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    return None if value is None else str(value)


def read(portal: Portal, call: Call) -> Answer:
    """POST …/batch/read, by record id or by a unique property; unknown ids come back as one error in a 207."""
    kind = portal.registry.find(call.path["object_type"])
    access.require_objects(portal.settings, kind, access.READ)
    names, history = call.json.get("properties") or [], call.json.get("propertiesWithHistory") or []
    access.require_named(portal.settings, kind, [*names, *history], access.READ)
    inputs = batch_inputs(call, HISTORY_INPUTS if history else BATCH_INPUTS, bool(history))
    wanted = list(dict.fromkeys(str(item.get("id", "")) for item in inputs))
    started = portal.now()
    found = find_records(portal, kind, wanted, call.json.get("idProperty"), call.flag("archived"))
    results = [read_shape(portal, kind, record, names, history) for record in found.values()]
    missing = [key for key in wanted if key not in found]
    errors = [objects_not_found(kind.noun, missing)] if missing else []
    return batch_answer(portal, call, started, portal.shuffled(results), errors)


def find_records(
    portal: Portal, kind: ObjectType, keys: list[str], id_property: str | None = None, archived: bool = False
) -> dict[str, Record]:
    """Records by id, by an id merged into them, or by a unique property; keyed by what was asked for."""
    records = portal.records(kind)
    if id_property and id_property != "hs_object_id":
        definition = kind.properties.get(id_property)
        if definition is None or not definition.identifies:
            raise not_unique(kind.type_id, id_property, portal.settings.portal_id)
        spelled = {key: definition.spelled(key) for key in keys}
        holders = records.holders(definition, spelled.values())
        ids = {key: holders.get(spelling) for key, spelling in spelled.items()}
    else:
        ids = {key: number_of(key) for key in keys}
    stored = records.fetch(number for number in ids.values() if number is not None)
    if len(stored) < len(ids):
        ids, stored = _follow_merges(records, ids, stored)
    return {
        key: stored[number]
        for key, number in ids.items()
        if number in stored and (stored[number].archived is not None) == archived
    }


def _follow_merges(
    records: Records, ids: dict[str, int | None], stored: dict[int, Record]
) -> tuple[dict[str, int | None], dict[int, Record]]:
    led = records.led_to(number for number in ids.values() if number is not None and number not in stored)
    if not led:
        return ids, stored
    moved = {key: led.get(number, number) if number is not None else None for key, number in ids.items()}
    return moved, stored | records.fetch(led.values())


def archive(portal: Portal, call: Call) -> Answer:
    """POST …/batch/archive: to the recycle bin; ids that are not there do no harm."""
    kind = portal.registry.find(call.path["object_type"])
    access.require_objects(portal.settings, kind, access.WRITE)
    keys = [str(item.get("id", "")) for item in batch_inputs(call)]
    with portal.store.transaction():
        found = find_records(portal, kind, keys)
        archive_records(portal, kind, list(found.values()))
    return Answer(204)


def archive_records(portal: Portal, kind: ObjectType, records: list[Record]) -> None:
    """To the recycle bin, without their associations."""
    portal.records(kind).archive(records, portal.now(), portal.settings.archived_record_keeps_unique_value)
    unlink(portal, kind, [record.id for record in records])
