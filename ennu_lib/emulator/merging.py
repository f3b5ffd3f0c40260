"""Contacts that turn out to be one, and contacts that must be forgotten."""

from __future__ import annotations

from ennu_lib.emulator import access
from ennu_lib.emulator.batches import find_records
from ennu_lib.emulator.calls import Answer, Call, Portal
from ennu_lib.emulator.errors import ApiError, bad_request, objects_not_found
from ennu_lib.emulator.links import move_links, unlink
from ennu_lib.emulator.model import ObjectType
from ennu_lib.emulator.records import Record
from ennu_lib.emulator.shapes import read_shape
from ennu_lib.emulator.writes import FIRST_RECORD

IDENTITIES = 250


def merge(portal: Portal, call: Call) -> Answer:
    """POST …/{type}/merge: two records become a third with a new id; the old ids lead to it."""
    kind = portal.registry.find(call.path["object_type"])
    access.require_objects(portal.settings, kind, access.WRITE)
    ids = [str(call.json.get(name, "")) for name in ("primaryObjectId", "objectIdToMerge")]
    with portal.store.transaction():
        found = find_records(portal, kind, ids)
        missing = [key for key in ids if key not in found]
        if missing:
            error = objects_not_found(kind.noun, missing)
            raise ApiError(404, error["message"], error["category"], context=error["context"])
        if found[ids[0]].id == found[ids[1]].id:
            raise bad_request("A record cannot be merged with itself")
        merged = _merge(portal, kind, found[ids[0]], found[ids[1]])
    return Answer(200, read_shape(portal, kind, merged, list(merged.values)))


def _merge(portal: Portal, kind: ObjectType, primary: Record, other: Record) -> Record:
    records, number = portal.records(kind), portal.store.take("record_id", 1, FIRST_RECORD)
    former = _led_to(portal, kind, primary, other)
    if len(former) + 2 > IDENTITIES:
        raise ApiError(414, f"Cannot have more than {IDENTITIES} identities on a profile")
    old = [*former, primary.id, other.id]
    values = _values(primary, other) | {"hs_merged_object_ids": ";".join(map(str, old))}
    records.remove([primary, other])
    merged = Record.of(number, min(primary.created, other.created), portal.now(), values)
    records.insert([(merged.id, merged.created, merged.updated, merged.body)])
    records.claim([(prop, value, merged.id) for prop, value in records.unique_values([merged])])
    portal.store.executemany(
        "INSERT OR REPLACE INTO merged VALUES (?, ?, ?)", [(kind.number, record_id, number) for record_id in old]
    )
    move_links(portal, kind, [primary.id, other.id], number)
    return merged


def _led_to(portal: Portal, kind: ObjectType, primary: Record, other: Record) -> list[int]:
    """The ids that were merged into one of the two before."""
    rows = portal.store.execute(
        "SELECT old FROM merged WHERE type = ? AND new IN (?, ?) ORDER BY old", (kind.number, primary.id, other.id)
    )
    return [record_id for (record_id,) in rows]


def _values(primary: Record, other: Record) -> dict[str, str]:
    """What the primary record holds, completed by the other; a second address becomes an additional one."""
    values = {**other.values, **primary.values}
    address = other.values.get("email")
    if address and address != values["email"]:
        present = values.get("hs_additional_emails")
        values["hs_additional_emails"] = f"{present};{address}" if present else address
    return values


def forget(portal: Portal, call: Call) -> Answer:
    """POST …/contacts/gdpr-delete: gone for good, and the address never to return."""
    kind = portal.registry.find(call.path.get("object_type", "contacts"))
    access.require_objects(portal.settings, kind, access.WRITE)
    key, id_property = str(call.json.get("objectId", "")), call.json.get("idProperty")
    with portal.store.transaction():
        found = find_records(portal, kind, [key], id_property) or find_records(
            portal, kind, [key], id_property, archived=True
        )
        if id_property == "email":
            _block(portal, key)
        for record in found.values():
            _block(portal, record.values.get("email", ""))
            portal.records(kind).remove([record])
            unlink(portal, kind, [record.id])
    return Answer(204)


def _block(portal: Portal, email: str) -> None:
    if email:
        portal.store.execute("INSERT OR IGNORE INTO blocked_emails VALUES (?)", (email.strip().lower(),))
