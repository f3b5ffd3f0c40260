"""Records as the API shows them: text values, ISO times, null for what was asked for and is not set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ennu_lib.emulator.calls import Portal
from ennu_lib.emulator.model import ObjectType
from ennu_lib.emulator.records import Record
from ennu_lib.emulator.times import iso

SOURCE = {
    "hs_object_source": "INTEGRATION",
    "hs_object_source_id": "ennu-emulator",
    "hs_object_source_label": "INTEGRATION",
}


def system_values(kind: ObjectType, record_id: int, created: int, updated: int) -> dict[str, str]:
    """The properties that the portal keeps itself."""
    return {
        kind.created_property: iso(created),
        kind.modified_property: iso(updated),
        "hs_object_id": str(record_id),
        **SOURCE,
    }


def record_shape(
    portal: Portal, kind: ObjectType, record_id: int, created: int, updated: int, values: dict[str, str | None]
) -> dict[str, Any]:
    """A record with the given values and the portal's own."""
    return {
        "id": str(record_id),
        "properties": {**values, **system_values(kind, record_id, created, updated)},
        "createdAt": iso(created),
        "updatedAt": iso(updated),
        "archived": False,
        "url": f"https://app.hubspot.com/contacts/{portal.settings.portal_id}/record/{kind.type_id}/{record_id}",
    }


def read_shape(
    portal: Portal, kind: ObjectType, record: Record, names: Sequence[str], history: Sequence[str] = ()
) -> dict[str, Any]:
    """A stored record with the asked-for properties, or the defaults of its type."""
    system = system_values(kind, record.id, record.created, record.updated)
    known = record.values | system
    always = (kind.created_property, kind.modified_property, "hs_object_id")
    wanted = dict.fromkeys((*names, *always)) if names else dict.fromkeys((*kind.defaults, *always))
    shape = record_shape(portal, kind, record.id, record.created, record.updated, {})
    shape["properties"] = {name: known.get(name) for name in wanted if name in kind.properties}
    if history:
        shape["propertiesWithHistory"] = {
            name: _history(known, name, record.updated) for name in history if name in kind.properties
        }
    if record.archived is not None:
        shape |= {"archived": True, "archivedAt": iso(record.archived)}
    return shape


def _history(known: dict[str, str], name: str, updated: int) -> list[dict[str, Any]]:
    if name not in known:
        return []
    return [{"value": known[name], "timestamp": iso(updated), "sourceType": "INTEGRATION", "sourceId": "ennu-emulator"}]
