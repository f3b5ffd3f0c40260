"""The endpoints of single records: list, get, create, patch, archive."""

from __future__ import annotations

from ennu_lib.emulator import access
from ennu_lib.emulator.batches import archive_records, find_records, parse_input
from ennu_lib.emulator.calls import Answer, Call, Portal
from ennu_lib.emulator.errors import bad_request, not_found
from ennu_lib.emulator.inline import associations_of, link_created, plan_links
from ennu_lib.emulator.inputs import CREATE, UPDATE
from ennu_lib.emulator.model import ObjectType
from ennu_lib.emulator.records import Record, number_of
from ennu_lib.emulator.settings import BATCH_INPUTS, HISTORY_INPUTS
from ennu_lib.emulator.shapes import read_shape
from ennu_lib.emulator.writes import BatchWrite


def list_page(portal: Portal, call: Call) -> Answer:
    """GET …/{type}: records in the order of their ids, `limit` at a time."""
    kind, names, history = _asked(portal, call)
    limit = call.limit(10, HISTORY_INPUTS if history else BATCH_INPUTS)
    after = number_of(call.first("after") or "0")
    if after is None:
        raise bad_request("Invalid paging: after must be a record id")
    page = portal.records(kind).page(after, limit + 1, call.flag("archived"))
    results = [read_shape(portal, kind, record, names, history) for record in page[:limit]]
    if wanted := call.names("associations"):
        associations_of(portal, kind, results, wanted)
    body: dict[str, object] = {"results": results}
    if len(page) > limit:
        link = f"https://api.hubapi.com/crm/v3/objects/{kind.type_id}?limit={limit}&after={page[limit].id}"
        body["paging"] = {"next": {"after": str(page[limit].id), "link": link}}
    return Answer(200, body)


def get(portal: Portal, call: Call) -> Answer:
    """GET …/{type}/{id}, by record id or by the unique property that idProperty names."""
    kind, names, history = _asked(portal, call)
    record = _one(portal, kind, call, call.flag("archived"))
    shape = read_shape(portal, kind, record, names, history)
    if wanted := call.names("associations"):
        associations_of(portal, kind, [shape], wanted)
    return Answer(200, shape)


def create(portal: Portal, call: Call) -> Answer:
    """POST …/{type}: one record, with its associations."""
    kind = portal.registry.find(call.path["object_type"])
    access.require_objects(portal.settings, kind, access.WRITE)
    item = parse_input(0, call.json, CREATE)
    item.trace = None
    access.require_named(portal.settings, kind, item.properties, access.WRITE)
    with portal.store.transaction():
        plan_links(portal, kind, [item])
        outcome = BatchWrite(portal, kind, CREATE, [item], call.version).run()
        link_created(portal, kind, [item])
    return Answer(201, outcome.results[0])


def patch(portal: Portal, call: Call) -> Answer:
    """PATCH …/{type}/{id}: change properties of one record."""
    kind = portal.registry.find(call.path["object_type"])
    access.require_objects(portal.settings, kind, access.WRITE)
    record = _one(portal, kind, call)
    item = parse_input(0, {**call.json, "id": str(record.id), "objectWriteTraceId": None}, UPDATE)
    item.id_property = None
    access.require_named(portal.settings, kind, item.properties, access.WRITE)
    with portal.store.transaction():
        outcome = BatchWrite(portal, kind, UPDATE, [item], call.version).run()
    return Answer(200, outcome.results[0])


def archive(portal: Portal, call: Call) -> Answer:
    """DELETE …/{type}/{id}: to the recycle bin."""
    kind = portal.registry.find(call.path["object_type"])
    access.require_objects(portal.settings, kind, access.WRITE)
    with portal.store.transaction():
        found = find_records(portal, kind, [call.path["object_id"]])
        archive_records(portal, kind, list(found.values()))
    return Answer(204)


def _asked(portal: Portal, call: Call) -> tuple[ObjectType, list[str], list[str]]:
    kind = portal.registry.find(call.path["object_type"])
    access.require_objects(portal.settings, kind, access.READ)
    names, history = call.names("properties"), call.names("propertiesWithHistory")
    access.require_named(portal.settings, kind, [*names, *history], access.READ)
    return kind, names, history


def _one(portal: Portal, kind: ObjectType, call: Call, archived: bool = False) -> Record:
    key = call.path["object_id"]
    found = find_records(portal, kind, [key], call.first("idProperty"), archived)
    if key not in found:
        raise not_found("Object not found.  objectId are usually numeric.")
    return found[key]
