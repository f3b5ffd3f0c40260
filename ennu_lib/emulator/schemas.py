"""Object schemas: the portal's own types, and the associations between types."""

from __future__ import annotations

import re
from typing import Any

from ennu_lib.emulator import access, standard
from ennu_lib.emulator.calls import Answer, Call, Portal
from ennu_lib.emulator.errors import ApiError, bad_request, not_found
from ennu_lib.emulator.founding import add_system_properties
from ennu_lib.emulator.model import Definition, ObjectType
from ennu_lib.emulator.property_rules import make_property
from ennu_lib.emulator.schema_shapes import definition_shape, schema_shape, type_shape
from ennu_lib.emulator.times import iso

READ_SCOPE, WRITE_SCOPE = "crm.schemas.custom.read", "crm.schemas.custom.write"
SEARCHABLE_PROPERTIES = 20
NAME_LENGTH = 50
FIRST_CUSTOM_TYPE = 30_000_000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_REFERENCES = {
    "requiredProperties": ("required", "InvalidPropertiesError.INVALID_REQUIRED_PROPERTIES"),
    "searchableProperties": (
        "searchable",
        "ObjectSchemasSandboxesSyncErrorType.INVALID_SEARCHABLE_PROPERTIES",
    ),
    "secondaryDisplayProperties": (
        "secondary_display",
        "ObjectSchemasSandboxesSyncErrorType.INVALID_SECONDARY_DISPLAY_PROPERTY",
    ),
}
_INVALID_PRIMARY = "ObjectSchemasSandboxesSyncErrorType.INVALID_PRIMARY_DISPLAY_PROPERTY"


def _require(portal: Portal, mode: str) -> None:
    access.require(portal.settings, READ_SCOPE if mode == access.READ else WRITE_SCOPE, schemas=True)


def list_all(portal: Portal, call: Call) -> Answer:
    """GET …/schemas: the portal's own types; with `archived=true` the archived ones as well."""
    _require(portal, access.READ)
    archived = call.flag("archived")
    kinds = [kind for kind in portal.registry.types.values() if kind.custom and (archived or not kind.archived)]
    return Answer(200, {"results": [schema_shape(portal, kind) for kind in kinds]})


def get(portal: Portal, call: Call) -> Answer:
    """GET …/schemas/{type}, standard types too."""
    _require(portal, access.READ)
    return Answer(200, schema_shape(portal, portal.registry.find(call.path["object_type"])))


def create(portal: Portal, call: Call) -> Answer:
    """POST …/schemas: a type with its properties and associations; an active type of that name is returned as it is."""
    _require(portal, access.WRITE)
    body, registry = call.json, portal.registry
    _check_new(portal, body)
    name = str(body["name"])
    same = [kind for kind in registry.types.values() if kind.custom and kind.name.lower() == name.lower()]
    if known := next((kind for kind in same if not kind.archived), None):
        if known.name != name:
            raise ApiError(
                409, f"{name} already exists", "OBJECT_ALREADY_EXISTS",
                subCategory="InboundDbObjectTypeError.OBJECT_TYPE_ALREADY_EXIST",
            )  # fmt: skip
        return Answer(201, schema_shape(portal, known) | {"createdAt": iso(portal.now())})
    with portal.store.transaction():
        for kind in same:
            _purge(portal, kind)
        made = _make(portal, body)
    return Answer(201, schema_shape(portal, made))


def _make(portal: Portal, body: dict[str, Any]) -> ObjectType:
    registry = portal.registry
    kind = registry.add_type(_new_type(portal, body))
    group = f"{kind.name}_information"
    add_system_properties(registry, kind, group, f"{kind.singular} Information")
    for item in body["properties"]:
        make_property(portal, kind, item, group)
    _set_references(kind, {"searchableProperties": ["hs_object_id"], **body})
    registry.save_type(kind)
    others = [registry.find(str(name)) for name in body["associatedObjects"]]
    for other in [*others, *(registry.by_type_id(type_id) for type_id in standard.ACTIVITIES)]:
        registry.define_association(kind, other, None, portal.now())
    if body.get("shouldCreateSameObjectAssociation"):
        registry.define_association(kind, kind, None, portal.now())
    return kind


def _check_new(portal: Portal, body: dict[str, Any]) -> None:
    settings = portal.settings
    if settings.tier != "enterprise":
        raise ApiError(403, "Custom objects need an Enterprise subscription.", "FORBIDDEN")
    labels = body.get("labels") or {}
    absent = [name for name in ("name", "properties", "requiredProperties", "associatedObjects") if name not in body]
    absent += [f"labels.{name}" for name in ("singular", "plural") if not labels.get(name)]
    if absent:
        raise bad_request(f"Invalid input JSON: Some required fields were not set: [{', '.join(absent)}]")
    name = str(body["name"])
    if not _NAME.fullmatch(name) or len(name) > NAME_LENGTH:
        raise bad_request(
            f"invalid object type name {name}", subCategory="InboundDbObjectTypeError.OBJECT_TYPE_NAME_FORMAT"
        )
    if not body.get("primaryDisplayProperty"):
        raise bad_request(
            "A primary display property is required",
            subCategory="ObjectSchemaError.PRIMARY_DISPLAY_PROPERTY_REQUIRED",
        )
    active = [kind for kind in portal.registry.types.values() if kind.custom and not kind.archived]
    if len(active) >= settings.custom_object_types and all(kind.name.lower() != name.lower() for kind in active):
        raise bad_request(
            f"You have reached the limit of {settings.custom_object_types} custom object types",
            subCategory="LIMIT_EXCEEDED",
        )


def _new_type(portal: Portal, body: dict[str, Any]) -> ObjectType:
    name, labels, now = str(body["name"]), body["labels"], portal.now()
    number = portal.store.take("custom_type", 1, FIRST_CUSTOM_TYPE + portal.settings.portal_id % 1_000_000)
    kind = ObjectType(
        0, f"2-{number}", name, f"p{portal.settings.portal_id}_{name}", labels["singular"], labels["plural"],
        (f"p_{name}",), description=body.get("description"), created_at=now, updated_at=now,
    )  # fmt: skip
    sensitive = body.get("allowsSensitiveProperties", body.get("allowSensitiveProperties"))
    kind.allows_sensitive = True if sensitive is None else bool(sensitive)
    kind.defaults = ["hs_createdate", "hs_lastmodifieddate", "hs_object_id"]
    return kind


def _set_references(kind: ObjectType, body: dict[str, Any]) -> None:
    """Display, required and searchable properties. Raises a 400 when one is not there."""
    chosen: dict[str, list[str]] = {}
    for sent, (attribute, sub_category) in _REFERENCES.items():
        if body.get(sent) is not None:
            chosen[attribute] = list(body[sent])
            _check_names(kind, sent, chosen[attribute], sub_category)
    primary = body.get("primaryDisplayProperty")
    if primary:
        _check_names(kind, "primaryDisplayProperty", [primary], _INVALID_PRIMARY)
    shown = [*chosen.get("searchable", []), *([primary] if primary else [])]
    if any(kind.properties[name].sensitive for name in shown):
        raise bad_request("A sensitive property cannot be a display or a searchable property")
    if len(chosen.get("searchable", [])) > SEARCHABLE_PROPERTIES:
        raise bad_request(f"At most {SEARCHABLE_PROPERTIES} properties can be searchable")
    for attribute, names in chosen.items():
        setattr(kind, attribute, names)
    kind.primary_display = primary or kind.primary_display


def _check_names(kind: ObjectType, field: str, names: list[str], sub_category: str) -> None:
    unknown = [name for name in names if name not in kind.properties]
    if unknown:
        raise bad_request(f"Invalid {field}: {', '.join(unknown)}", subCategory=sub_category)


def patch(portal: Portal, call: Call) -> Answer:
    """PATCH …/schemas/{type}: labels, description, display, required and searchable properties."""
    _require(portal, access.WRITE)
    kind, body = _custom(portal, call), call.json
    if body.get("allowsSensitiveProperties") is False and kind.allows_sensitive:
        raise bad_request(
            "Sensitive properties support cannot be turned off",
            subCategory="InboundDbObjectTypeError.SENSITIVE_PROPERTIES_SUPPORT_CANNOT_BE_TURNED_OFF",
        )
    with portal.store.transaction():
        _set_references(kind, body)
        labels = body.get("labels") or {}
        kind.singular, kind.plural = labels.get("singular", kind.singular), labels.get("plural", kind.plural)
        kind.description = None if body.get("clearDescription") else body.get("description", kind.description)
        kind.allows_sensitive |= bool(body.get("allowsSensitiveProperties"))
        kind.updated_at = portal.now()
        portal.registry.save_type(kind)
    return Answer(200, type_shape(kind) | {"portalId": portal.settings.portal_id})


def _custom(portal: Portal, call: Call) -> ObjectType:
    try:
        kind = portal.registry.find(call.path["object_type"])
    except ApiError:
        raise bad_request("Invalid object or event type id") from None
    if not kind.custom:
        raise bad_request(f"Object type {kind.type_id} is defined by HubSpot and cannot be changed")
    return kind


def delete(portal: Portal, call: Call) -> Answer:
    """DELETE …/schemas/{type}: archive a type without records; `archived=true` purges an archived one."""
    _require(portal, access.WRITE)
    registry = portal.registry
    if call.flag("archived"):
        name = call.path["object_type"]
        gone = [k for k in registry.types.values() if k.archived and name in (k.type_id, k.fully_qualified_name)]
        if not gone:
            raise bad_request("Couldn't find soft-deleted object type(s)")
        with portal.store.transaction():
            _purge(portal, gone[0])
        return Answer(204)
    kind = _custom(portal, call)
    if portal.records(kind).counts()[0]:
        raise bad_request(
            f"Object type {kind.type_id} cannot be deleted until all object records are deleted",
            subCategory="ObjectSchemaError.EXISTING_OBJECT_RECORDS",
        )
    with portal.store.transaction():
        kind.archived = True
        registry.save_type(kind)
    return Answer(204)


def _purge(portal: Portal, kind: ObjectType) -> None:
    """Forget an archived type, its definitions and its archived records."""
    registry = portal.registry
    for definition in list(registry.definitions.values()):
        if kind.type_id in (definition.from_type, definition.to_type):
            portal.store.execute("DELETE FROM links WHERE definition = ?", (definition.number,))
            registry.remove_definition(definition)
    registry.remove_type(kind)


def create_association(portal: Portal, call: Call) -> Answer:
    """POST …/schemas/{type}/associations: an unlabelled association to another type."""
    _require(portal, access.WRITE)
    registry = portal.registry
    first = registry.find(str(call.json.get("fromObjectTypeId") or call.path["object_type"]))
    second = registry.find(str(call.json.get("toObjectTypeId", "")))
    with portal.store.transaction():
        definition = registry.define_association(first, second, call.json.get("name"), portal.now())
    return Answer(201, definition_shape(definition, portal.settings.associations_per_record))


def delete_association(portal: Portal, call: Call) -> Answer:
    """DELETE …/schemas/{type}/associations/{id}, by type id or name; not while records use it."""
    _require(portal, access.WRITE)
    kind, wanted = portal.registry.find(call.path["object_type"]), call.path["association"]
    for definition in list(portal.registry.definitions.values()):
        if definition.from_type == kind.type_id and wanted in (str(definition.type_id), definition.name):
            with portal.store.transaction():
                _remove_association(portal, definition)
            return Answer(204)
    raise not_found(f"No association {wanted} exists for object type {kind.type_id}")


def _remove_association(portal: Portal, definition: Definition) -> None:
    numbers = {definition.number, definition.inverse}
    for number in numbers:
        if portal.store.execute("SELECT 1 FROM links WHERE definition = ? LIMIT 1", (number,)).fetchone():
            raise bad_request(f"Association {definition.name} is in use and cannot be deleted")
    for number in numbers:
        portal.registry.remove_definition(portal.registry.definitions[number])
