"""Property groups."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from ennu_lib.emulator import access
from ennu_lib.emulator.calls import Answer, Call, Portal
from ennu_lib.emulator.errors import ApiError, bad_request, not_found
from ennu_lib.emulator.model import Group, ObjectType


def group_shape(group: Group) -> dict[str, Any]:
    """A group as the API shows it."""
    return {
        "name": group.name,
        "label": group.label,
        "displayOrder": group.display_order,
        "archived": group.archived,
    }


def _kind(portal: Portal, call: Call, mode: str) -> ObjectType:
    kind = portal.registry.find(call.path["object_type"])
    access.require_properties(portal.settings, kind, mode)
    return kind


def _find(kind: ObjectType, name: str) -> Group:
    group = kind.groups.get(name)
    if group is None or group.archived:
        raise not_found(f"No property group named '{name}' exists", context={"name": [name]})
    return group


def list_all(portal: Portal, call: Call) -> Answer:
    """GET …/{type}/groups."""
    kind = _kind(portal, call, access.READ)
    return Answer(200, {"results": [group_shape(group) for group in kind.groups.values() if not group.archived]})


def get(portal: Portal, call: Call) -> Answer:
    """GET …/{type}/groups/{name}."""
    return Answer(200, group_shape(_find(_kind(portal, call, access.READ), call.path["name"])))


def create(portal: Portal, call: Call) -> Answer:
    """POST …/{type}/groups."""
    kind = _kind(portal, call, access.WRITE)
    name, label = call.json.get("name"), call.json.get("label")
    if not name or not label:
        raise bad_request("Invalid input: name and label must be set")
    known = kind.groups.get(name)
    if known and not known.archived:
        raise ApiError(
            409,
            f"A property group named '{name}' already exists.", "OBJECT_ALREADY_EXISTS",
            subCategory="PropertyGroups.GROUP_WITH_NAME_EXISTS", context={"name": [name]},
        )  # fmt: skip
    order = call.json.get("displayOrder", -1)
    if order < 0:
        order = max((group.display_order for group in kind.groups.values()), default=-1) + 1
    with portal.store.transaction():
        group = Group(name, label, order)
        portal.registry.save_group(kind, group)
    return Answer(201, group_shape(group))


def patch(portal: Portal, call: Call) -> Answer:
    """PATCH …/{type}/groups/{name}."""
    kind = _kind(portal, call, access.WRITE)
    group = _find(kind, call.path["name"])
    group.label = call.json.get("label", group.label)
    group.display_order = call.json.get("displayOrder", group.display_order)
    with portal.store.transaction():
        portal.registry.save_group(kind, group)
    return Answer(200, group_shape(group))


def archive(portal: Portal, call: Call) -> Answer:
    """DELETE …/{type}/groups/{name}; refused while properties are in it."""
    kind = _kind(portal, call, access.WRITE)
    group = _find(kind, call.path["name"])
    if any(definition.group == group.name for definition in kind.properties.values()):
        raise _has_active_properties()
    group.archived = True
    with portal.store.transaction():
        portal.registry.save_group(kind, group)
    return Answer(204)


def _has_active_properties() -> ApiError:
    """This refusal carries its own body once more, as JSON text, in the message."""
    inner = {
        "status": "error",
        "message": "Can't delete or purge a group with active properties",
        "correlationId": str(uuid4()),
        "category": "VALIDATION_ERROR",
        "subCategory": "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES",
    }
    return ApiError(400, json.dumps(inner, separators=(",", ":")), None)
