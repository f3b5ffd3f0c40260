"""Contacts that turn out to be one, and contacts that must be forgotten."""

from __future__ import annotations

from ennu_lib.emulator import access
from ennu_lib.emulator.batches import find_records
from ennu_lib.emulator.calls import Answer, Call, Portal
from ennu_lib.emulator.errors import ApiError, bad_request, objects_not_found
from ennu_lib.emulator.model import ObjectType
from ennu_lib.emulator.records import Record
from ennu_lib.emulator.shapes import read_shape

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
    records, number = portal.records(kind), portal.store.take("record_id", 1, 100_000_001)
    former = [row[0] for row in portal.store.execute(
        "SELECT old FROM merged WHERE type = ? AND new IN (?, ?)", (kind.number, primary.id, other.id)
    )]  # fmt: skip
    if len(former) + 2 > IDENTITIES:
        raise ApiError(414, f"Cannot have more than {IDENTITIES} identities on a profile")
    values = {**other.values, **primary.values}
    emails = [v["email"] for v in (other.values,) if v.get("email") not in (None, values.get("email"))]
    if emails:
        values["hs_additional_emails"] = ";".join([*values.get("hs_additional_emails", "").split(";"), *emails]).strip(
            ";"
        )
    values["hs_merged_object_ids"] = ";".join(str(old) for old in [*former, primary.id, other.id])
    records.remove([primary, other])
    merged = Record.of(number, min(primary.created, other.created), portal.now(), values)
    records.insert([(merged.id, merged.created, merged.updated, merged.body)])
    records.claim([(prop, value, merged.id) for prop, value in records.unique_values([merged])])
    _move(portal, kind, [primary.id, other.id], former, number)
    return merged


def _move(portal: Portal, kind: ObjectType, old: list[int], former: list[int], new: int) -> None:
    """Lead the old ids, and the associations of both records, to the new one."""
    execute = portal.store.execute
    for record_id in (*former, *old):
        execute("INSERT OR REPLACE INTO merged VALUES (?, ?, ?)", (kind.number, record_id, new))
    for record_id in old:
        for end, other_end in (("from", "to"), ("to", "from")):
            execute(
                f"UPDATE OR REPLACE links SET {end}_id = ? WHERE {end}_type = ? AND {end}_id = ? "
                f"AND NOT ({other_end}_type = ? AND {other_end}_id IN (?, ?))",
                (new, kind.number, record_id, kind.number, *old),
            )
            execute(f"DELETE FROM links WHERE {end}_type = ? AND {end}_id = ?", (kind.number, record_id))


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
            for end in ("from", "to"):
                portal.store.execute(
                    f"DELETE FROM links WHERE {end}_type = ? AND {end}_id = ?", (kind.number, record.id)
                )
    return Answer(204)


def _block(portal: Portal, email: str) -> None:
    if email:
        portal.store.execute("INSERT OR IGNORE INTO blocked_emails VALUES (?)", (email.strip().lower(),))
