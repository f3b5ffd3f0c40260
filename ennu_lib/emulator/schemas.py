"""Object schemas: the portal's types, and the associations between them."""

from __future__ import annotations

import re
from typing import Any

from ennu_lib.emulator import access, standard
from ennu_lib.emulator.calls import Answer, Call, Portal
from ennu_lib.emulator.errors import ApiError, bad_request, not_found
from ennu_lib.emulator.model import Definition, ObjectType
from ennu_lib.emulator.properties import make_property, property_shape
from ennu_lib.emulator.times import iso

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_LISTS = {
    "requiredProperties": "required",
    "searchableProperties": "searchable",
    "secondaryDisplayProperties": "secondary_display",
}
READ_SCOPE, WRITE_SCOPE = "crm.schemas.custom.read", "crm.schemas.custom.write"
SEARCHABLE_PROPERTIES = 20
FIRST_CUSTOM_TYPE = 30_000_000


def definition_shape(definition: Definition) -> dict[str, Any]:
    """An association definition as the schema endpoints show it."""
    created = definition.created_at
    return {
        "fromObjectTypeId": definition.from_type,
        "toObjectTypeId": definition.to_type,
        "name": definition.name,
        "id": str(definition.type_id),
        "createdAt": None if created is None else iso(created),
        "updatedAt": None if definition.updated_at is None else iso(definition.updated_at),
    }


def _recorded_definition_shape(definition: Definition, most: int) -> dict[str, Any]:
    return definition_shape(definition) | {
        "cardinality": "ONE_TO_MANY",
        "inverseCardinality": "ONE_TO_MANY",
        "hasUserEnforcedMaxToObjectIds": definition.max_to is not None,
        "hasUserEnforcedMaxFromObjectIds": False,
        "maxToObjectIds": definition.max_to or most,
        "maxFromObjectIds": most,
    }


def schema_shape(portal: Portal, kind: ObjectType) -> dict[str, Any]:
    """A type as the API shows it, with its non-sensitive properties and its associations."""
    pairs = portal.registry.by_pair
    associations = [
        _recorded_definition_shape(definition, portal.settings.associations_per_record)
        for (from_type, to_type), known in sorted(pairs.items())
        for definition in known
        if kind.type_id in (from_type, to_type)
    ]
    return {
        "labels": {"singular": kind.singular, "plural": kind.plural},
        "requiredProperties": kind.required,
        "searchableProperties": kind.searchable,
        "primaryDisplayProperty": kind.primary_display,
        "secondaryDisplayProperties": kind.secondary_display,
        "description": kind.description,
        "allowsSensitiveProperties": kind.allows_sensitive,
        "archived": kind.archived,
        "restorable": True,
        "metaType": "PORTAL_SPECIFIC" if kind.custom else "HUBSPOT",
        "id": kind.type_id.split("-")[1],
        "fullyQualifiedName": kind.fully_qualified_name,
        "createdAt": iso(kind.created_at),
        "updatedAt": iso(kind.updated_at),
        "createdByUserId": None,
        "updatedByUserId": None,
        "objectTypeId": kind.type_id,
        "properties": [property_shape(d) for d in kind.properties.values() if not d.sensitive],
        "associations": associations,
        "name": kind.name,
    }


def _require(portal: Portal, mode: str) -> None:
    access.require(portal.settings, READ_SCOPE if mode == access.READ else WRITE_SCOPE, schemas=True)


def list_all(portal: Portal, call: Call) -> Answer:
    """GET …/schemas: the custom types."""
    _require(portal, access.READ)
    archived = call.flag("archived")
    kinds = [kind for kind in portal.registry.types.values() if kind.custom and kind.archived == archived]
    return Answer(200, {"results": [schema_shape(portal, kind) for kind in kinds]})


def get(portal: Portal, call: Call) -> Answer:
    """GET …/schemas/{type}, standard types too."""
    _require(portal, access.READ)
    return Answer(200, schema_shape(portal, portal.registry.find(call.path["object_type"])))


def create(portal: Portal, call: Call) -> Answer:
    """POST …/schemas: a custom type with its properties and associations."""
    _require(portal, access.WRITE)
    body = call.json
    _check_new(portal, body)
    others = [portal.registry.find(str(name)) for name in body.get("associatedObjects") or []]
    registry = portal.registry
    with portal.store.transaction():
        kind = registry.add_type(_new_type(portal, body))
        registry.add_system_properties(kind, f"{kind.name}_information")
        for item in body["properties"]:
            make_property(portal, kind, item, f"{kind.name}_information")
        _set_lists(kind, body)
        registry.save_type(kind)
        for other in [*others, *(registry.by_type_id(type_id) for type_id in standard.ACTIVITIES)]:
            registry.define_association(kind, other, None, portal.now())
        if body.get("shouldCreateSameObjectAssociation"):
            registry.define_association(kind, kind, None, portal.now())
    return Answer(201, schema_shape(portal, kind))


def _check_new(portal: Portal, body: dict[str, Any]) -> None:
    if portal.settings.tier != "enterprise":
        raise ApiError(403, "Custom objects need an Enterprise subscription.", "FORBIDDEN")
    labels = body.get("labels") or {}
    absent = [name for name in ("name", "properties", "requiredProperties", "associatedObjects") if name not in body]
    absent += [f"labels.{name}" for name in ("singular", "plural") if not labels.get(name)]
    if absent:
        raise bad_request(f"Invalid input: {', '.join(absent)} must be set", context={"missing": absent})
    name = str(body["name"])
    if not _NAME.fullmatch(name):
        raise bad_request(f"Object type name '{name}' is invalid")
    custom = [kind for kind in portal.registry.types.values() if kind.custom]
    if any(kind.name == name for kind in custom):
        raise ApiError(
            409, f"An object type named '{name}' already exists.", "OBJECT_ALREADY_EXISTS",
            subCategory="ObjectTypes.OBJECT_TYPE_WITH_NAME_EXISTS", context={"name": [name]},
        )  # fmt: skip
    if sum(not kind.archived for kind in custom) >= portal.settings.custom_object_types:
        raise bad_request(
            f"You have reached the limit of {portal.settings.custom_object_types} custom object types",
            subCategory="LIMIT_EXCEEDED",
        )


def _new_type(portal: Portal, body: dict[str, Any]) -> ObjectType:
    name, labels, now = str(body["name"]), body["labels"], portal.now()
    number = portal.store.take("custom_type", 1, FIRST_CUSTOM_TYPE + portal.settings.portal_id % 1_000_000)
    kind = ObjectType(
        0, f"2-{number}", name, f"p{portal.settings.portal_id}_{name}", labels["singular"], labels["plural"],
        (f"p_{name}",), description=body.get("description"),
        allows_sensitive=bool(body.get("allowsSensitiveProperties")), created_at=now, updated_at=now,
    )  # fmt: skip
    kind.defaults = ["hs_createdate", "hs_lastmodifieddate", "hs_object_id"]
    return kind


def _set_lists(kind: ObjectType, body: dict[str, Any]) -> None:
    """Display, required and searchable properties. Raises a 400 when one is not there."""
    chosen = {attribute: list(body[sent]) for sent, attribute in _LISTS.items() if body.get(sent) is not None}
    primary = body.get("primaryDisplayProperty")
    named = [name for names in chosen.values() for name in names] + ([primary] if primary else [])
    unknown = [name for name in named if name not in kind.properties]
    if unknown:
        raise bad_request(
            f"Properties {', '.join(unknown)} do not exist on {kind.type_id}", context={"properties": unknown}
        )
    if any(kind.properties[name].sensitive for name in chosen.get("searchable", []) + ([primary] if primary else [])):
        raise bad_request("A sensitive property cannot be a display or a searchable property")
    if len(chosen.get("searchable", [])) > SEARCHABLE_PROPERTIES:
        raise bad_request(f"At most {SEARCHABLE_PROPERTIES} properties can be searchable")
    for attribute, names in chosen.items():
        setattr(kind, attribute, names)
    kind.primary_display = primary or kind.primary_display


def patch(portal: Portal, call: Call) -> Answer:
    """PATCH …/schemas/{type}: labels, description, display, required and searchable properties."""
    _require(portal, access.WRITE)
    kind, body = _custom(portal, call), call.json
    with portal.store.transaction():
        _set_lists(kind, body)
        labels = body.get("labels") or {}
        kind.singular, kind.plural = labels.get("singular", kind.singular), labels.get("plural", kind.plural)
        kind.description = None if body.get("clearDescription") else body.get("description", kind.description)
        kind.allows_sensitive |= bool(body.get("allowsSensitiveProperties"))
        kind.updated_at = portal.now()
        portal.registry.save_type(kind)
    shape = schema_shape(portal, kind)
    return Answer(200, {k: v for k, v in shape.items() if k not in ("properties", "associations")})


def _custom(portal: Portal, call: Call) -> ObjectType:
    kind = portal.registry.find(call.path["object_type"])
    if not kind.custom:
        raise bad_request(f"Object type {kind.type_id} is defined by HubSpot and cannot be changed")
    return kind


def delete(portal: Portal, call: Call) -> Answer:
    """DELETE …/schemas/{type}: only a type without records; `archived=true` frees its name."""
    _require(portal, access.WRITE)
    if call.flag("archived"):
        return _purge(portal, call.path["object_type"])
    kind = _custom(portal, call)
    live, _ = portal.records(kind).counts()
    if live:
        raise bad_request(f"Object type {kind.type_id} has {live} records and cannot be deleted")
    with portal.store.transaction():
        kind.archived = True
        portal.registry.save_type(kind)
    return Answer(204)


def _purge(portal: Portal, name: str) -> Answer:
    registry = portal.registry
    kind = next(
        (k for k in registry.types.values() if k.archived and name in (k.type_id, k.fully_qualified_name)), None
    )
    if kind is None:
        raise not_found(f"No archived object type {name} exists")
    with portal.store.transaction():
        kind.name, kind.fully_qualified_name = (
            f"{kind.name}#{kind.number}",
            f"{kind.fully_qualified_name}#{kind.number}",
        )
        kind.aliases = ()
        registry.save_type(kind)
    return Answer(204)


def create_association(portal: Portal, call: Call) -> Answer:
    """POST …/schemas/{type}/associations: an unlabelled association to another type."""
    _require(portal, access.WRITE)
    registry = portal.registry
    first = registry.find(str(call.json.get("fromObjectTypeId") or call.path["object_type"]))
    second = registry.find(str(call.json.get("toObjectTypeId", "")))
    with portal.store.transaction():
        definition = registry.define_association(first, second, call.json.get("name"), portal.now())
    return Answer(201, definition_shape(definition))


def delete_association(portal: Portal, call: Call) -> Answer:
    """DELETE …/schemas/{type}/associations/{id}, by type id or name."""
    _require(portal, access.WRITE)
    kind, wanted = portal.registry.find(call.path["object_type"]), call.path["association"]
    for definition in list(portal.registry.definitions.values()):
        if definition.from_type == kind.type_id and wanted in (str(definition.type_id), definition.name):
            with portal.store.transaction():
                _remove(portal, definition)
            return Answer(204)
    raise not_found(f"No association {wanted} exists for object type {kind.type_id}")


def _remove(portal: Portal, definition: Definition) -> None:
    numbers = {definition.number, definition.inverse}
    for number in numbers:
        if portal.store.execute("SELECT 1 FROM links WHERE definition = ? LIMIT 1", (number,)).fetchone():
            raise bad_request(f"Association {definition.name} is in use and cannot be deleted")
    for number in numbers:
        portal.registry.remove_definition(portal.registry.definitions[number])
