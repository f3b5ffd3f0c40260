"""Property definitions: create, read, list, change, archive, one by one or in batches."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ennu_lib.emulator import access
from ennu_lib.emulator.batches import batch_inputs
from ennu_lib.emulator.calls import Answer, Call, Portal, batch_answer
from ennu_lib.emulator.errors import ApiError, bad_request, not_found
from ennu_lib.emulator.model import NON_SENSITIVE, SENSITIVITIES, ObjectType, Property
from ennu_lib.emulator.property_rules import check_kind, make_property, options_of
from ennu_lib.emulator.times import iso

USER = "70000001"
_PATCHABLE = {
    "label": "label", "description": "description", "groupName": "group", "type": "type", "fieldType": "field_type",
    "displayOrder": "display_order", "hidden": "hidden", "formField": "form_field",
    "calculationFormula": "calculation_formula",
}  # fmt: skip


def property_shape(definition: Property, full: bool = True) -> dict[str, Any]:
    """A definition as the API shows it; batch create leaves the dates and the archived flag out [recorded]."""
    shape = {
        "name": definition.name,
        "label": definition.label,
        "type": definition.type,
        "fieldType": definition.field_type,
        "description": definition.description,
        "groupName": definition.group,
        "options": definition.options,
        "displayOrder": definition.display_order,
        "calculated": definition.calculated,
        "externalOptions": definition.external_options,
        "hasUniqueValue": definition.has_unique_value,
        "hidden": definition.hidden,
        "modificationMetadata": {
            "archivable": not definition.hubspot_defined,
            "readOnlyDefinition": definition.hubspot_defined,
            "readOnlyValue": definition.read_only_value,
        },
        "formField": definition.form_field,
        "dataSensitivity": definition.data_sensitivity,
    }
    if definition.hubspot_defined:
        shape["hubspotDefined"] = True
    if definition.referenced_object_type:
        shape["referencedObjectType"] = definition.referenced_object_type
    if definition.calculation_formula:
        shape["calculationFormula"] = definition.calculation_formula
    if definition.sensitive:
        shape["sensitiveDataCategories"] = ["HIPAA"]
    if full:
        shape |= {"createdAt": iso(definition.created_at), "updatedAt": iso(definition.updated_at)}
        shape["archived"] = definition.archived
        if not definition.hubspot_defined:
            shape |= {"createdUserId": USER, "updatedUserId": USER}
    if definition.archived and definition.archived_at is not None:
        shape["archivedAt"] = iso(definition.archived_at)
    return shape


def list_all(portal: Portal, call: Call) -> Answer:
    """GET …/{type}: the definitions of one sensitivity, the non-sensitive ones unless asked otherwise."""
    kind = _kind(portal, call, access.READ)
    sensitivity = _known_sensitivity(portal, kind, call.first("dataSensitivity"))
    held = kind.archived_properties if call.flag("archived") else kind.properties
    return Answer(200, {"results": [property_shape(d) for d in held.values() if d.data_sensitivity == sensitivity]})


def get(portal: Portal, call: Call) -> Answer:
    """GET …/{type}/{name}; a sensitive property is found only when its sensitivity is asked for."""
    kind = _kind(portal, call, access.READ)
    sensitivity = _known_sensitivity(portal, kind, call.first("dataSensitivity"))
    return Answer(200, property_shape(_visible(kind, call.path["name"], call.flag("archived"), sensitivity)))


def _visible(kind: ObjectType, name: str, archived: bool, sensitivity: str) -> Property:
    definition = find_property(kind, name, archived)
    if definition.data_sensitivity != sensitivity:
        raise no_such_property(kind, name)
    return definition


def _known_sensitivity(portal: Portal, kind: ObjectType, asked: str | None) -> str:
    sensitivity = asked or NON_SENSITIVE
    if sensitivity not in SENSITIVITIES:
        raise bad_request(f"Invalid dataSensitivity: it must be one of {', '.join(SENSITIVITIES)}")
    if sensitivity != NON_SENSITIVE:
        access.require(portal.settings, *access.sensitive_scopes(kind, sensitivity, access.READ))
    return sensitivity


def create(portal: Portal, call: Call) -> Answer:
    """POST …/{type}; the name of an archived property brings it back."""
    kind = _kind(portal, call, access.WRITE)
    with portal.store.transaction():
        definition = make_property(portal, kind, call.json)
    return Answer(201, property_shape(definition))


def create_batch(portal: Portal, call: Call) -> Answer:
    """POST …/{type}/batch/create: good ones are made, bad ones come back as errors."""
    kind = _kind(portal, call, access.WRITE)
    started = portal.now()
    results, errors = [], []
    for body in batch_inputs(call):
        try:
            with portal.store.transaction():
                results.append(property_shape(make_property(portal, kind, body), full=False))
        except ApiError as error:
            errors.append(error.body)
    return batch_answer(portal, call, started, results, errors, 201)


def read_batch(portal: Portal, call: Call) -> Answer:
    """POST …/{type}/batch/read, by name; sensitive ones only when the body's `dataSensitivity` asks for them."""
    kind = _kind(portal, call, access.READ)
    sensitivity = _known_sensitivity(portal, kind, call.json.get("dataSensitivity"))
    started = portal.now()
    results, errors = [], []
    for body in batch_inputs(call):
        try:
            name = str(body.get("name", ""))
            results.append(property_shape(_visible(kind, name, bool(call.json.get("archived")), sensitivity)))
        except ApiError as error:
            errors.append(error.body)
    return batch_answer(portal, call, started, results, errors)


def archive_batch(portal: Portal, call: Call) -> Answer:
    """POST …/{type}/batch/archive, by name; names that are not there do no harm."""
    kind = _kind(portal, call, access.WRITE)
    names = [str(body.get("name", "")) for body in batch_inputs(call)]
    with portal.store.transaction():
        for name in names:
            if name in kind.properties:
                _archive(portal, kind, kind.properties[name])
    return Answer(204)


def archive(portal: Portal, call: Call) -> Answer:
    """DELETE …/{type}/{name}."""
    kind = _kind(portal, call, access.WRITE)
    with portal.store.transaction():
        _archive(portal, kind, find_property(kind, call.path["name"]))
    return Answer(204)


def patch(portal: Portal, call: Call) -> Answer:
    """PATCH …/{type}/{name}: `options` are replaced as a whole; name, uniqueness and sensitivity stay as they are."""
    kind = _kind(portal, call, access.WRITE)
    definition = find_property(kind, call.path["name"])
    body = {name: value for name, value in call.json.items() if value is not None}
    _refuse_read_only(definition, body)
    check_kind(kind, {**property_shape(definition), **body})
    changes = {attribute: body[sent] for sent, attribute in _PATCHABLE.items() if sent in body}
    if "options" in body:
        changes["options"] = options_of(body["options"], body.get("type", definition.type))
    with portal.store.transaction():
        changed = replace(definition, **changes, updated_at=portal.now())
        portal.registry.save_property(kind, changed)
    return Answer(200, property_shape(changed))


def _refuse_read_only(definition: Property, body: dict[str, Any]) -> None:
    present = property_shape(definition)
    changed = [sent for sent in _PATCHABLE if sent in body and body[sent] != present.get(sent)]
    if definition.hubspot_defined and changed:
        raise bad_request(f"Property '{definition.name}' has a read-only definition")


def _kind(portal: Portal, call: Call, mode: str) -> ObjectType:
    kind = portal.registry.find(call.path["object_type"])
    access.require_properties(portal.settings, kind, mode)
    return kind


def no_such_property(kind: ObjectType, name: str) -> ApiError:
    """The 404 of a property."""
    return not_found(
        f"No property named '{name}' exists for object type {kind.type_id}",
        subCategory="Properties.PROPERTY_NOT_FOUND",
        context={"name": [name]},
    )


def find_property(kind: ObjectType, name: str, archived: bool = False) -> Property:
    """A definition by name. Raises the 404."""
    held = kind.archived_properties if archived else kind.properties
    if name not in held:
        raise no_such_property(kind, name)
    return held[name]


def _archive(portal: Portal, kind: ObjectType, definition: Property) -> None:
    name = definition.name
    if definition.hubspot_defined:
        raise bad_request(f"HubSpot defined property '{name}' cannot be deleted")
    users = [other.name for other in kind.properties.values() if name in _words(other.calculation_formula)]
    listed = {kind.primary_display, *kind.required, *kind.searchable, *kind.secondary_display}
    if users or name in listed:
        uses = [("CALCULATED_PROPERTY", f"{kind.type_id}/{user}") for user in users]
        uses += [("OBJECT_TYPE", kind.type_id)] if name in listed else []
        raise _in_use(kind, name, uses)
    with portal.store.transaction():
        archived = replace(definition, archived=True, archived_at=portal.now())
        portal.registry.save_property(kind, archived)


def _words(formula: str | None) -> list[str]:
    return re.findall(r"[A-Za-z0-9_]+", formula or "")


def _in_use(kind: ObjectType, name: str, uses: list[tuple[str, str]]) -> ApiError:
    return bad_request(
        f"Property: {name} of object type {kind.type_id} is currently used in {len(uses)} places and cannot be deleted",
        subCategory="PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE",
        context={"usageCount": [str(len(uses))]},
        errors=[
            {
                "subCategory": "PropertyValidationError.PROPERTY_USAGE",
                "context": {"parentType": [parent], "parentName": [parent_name]},
            }
            for parent, parent_name in uses
        ],
    )
