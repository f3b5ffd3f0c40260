"""Property definitions: create, read, list, change, archive, one by one or in batches."""

from __future__ import annotations

import re
from typing import Any

from ennu_lib.emulator import access
from ennu_lib.emulator.batches import batch_inputs
from ennu_lib.emulator.calls import Answer, Call, Portal, batch_answer
from ennu_lib.emulator.errors import ApiError, bad_request, not_found
from ennu_lib.emulator.model import NON_SENSITIVE, SENSITIVITIES, ObjectType, Property
from ennu_lib.emulator.times import iso

FIELD_TYPES = {
    "string": {"file", "text", "textarea", "calculation_equation", "html", "phonenumber"},
    "phone_number": {"phonenumber", "text"},
    "enumeration": {"booleancheckbox", "checkbox", "radio", "select", "calculation_equation"},
    "bool": {"booleancheckbox", "calculation_equation"},
    "date": {"date"},
    "datetime": {"date"},
    "number": {"number", "calculation_equation"},
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}", re.ASCII)
_REQUIRED = ("name", "label", "type", "fieldType", "groupName")
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
    if definition.archived and definition.archived_at is not None:
        shape["archivedAt"] = iso(definition.archived_at)
    return shape


def list_all(portal: Portal, call: Call) -> Answer:
    """GET …/{type}: the definitions of one sensitivity, the non-sensitive ones unless asked otherwise."""
    kind = _kind(portal, call, access.READ)
    sensitivity = call.first("dataSensitivity", NON_SENSITIVE)
    if sensitivity not in SENSITIVITIES:
        raise bad_request(f"Invalid dataSensitivity: it must be one of {', '.join(SENSITIVITIES)}")
    if sensitivity != NON_SENSITIVE:
        access.require(portal.settings, *access.sensitive_scopes(kind, sensitivity or "", access.READ))
    held = kind.archived_properties if call.flag("archived") else kind.properties
    return Answer(200, {"results": [property_shape(d) for d in held.values() if d.data_sensitivity == sensitivity]})


def get(portal: Portal, call: Call) -> Answer:
    """GET …/{type}/{name}."""
    kind = _kind(portal, call, access.READ)
    return Answer(200, property_shape(find_property(kind, call.path["name"], call.flag("archived"))))


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
    """POST …/{type}/batch/read, by name."""
    kind = _kind(portal, call, access.READ)
    started = portal.now()
    results, errors = [], []
    for body in batch_inputs(call):
        try:
            name = str(body.get("name", ""))
            results.append(property_shape(find_property(kind, name, bool(call.json.get("archived")))))
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
    """PATCH …/{type}/{name}: `options` are replaced as a whole; name, uniqueness and sensitivity stay."""
    kind = _kind(portal, call, access.WRITE)
    definition = find_property(kind, call.path["name"])
    body = call.json
    for sent, present in (
        ("hasUniqueValue", definition.has_unique_value),
        ("dataSensitivity", definition.data_sensitivity),
    ):
        if body.get(sent, present) != present:
            raise bad_request(f"{sent} of property '{definition.name}' cannot be changed after it was created.")
    after = {attribute: body[sent] for sent, attribute in _PATCHABLE.items() if body.get(sent) is not None}
    _check_kind(kind, {**property_shape(definition), **body})
    with portal.store.transaction():
        for attribute, value in after.items():
            setattr(definition, attribute, value)
        if body.get("options") is not None:
            definition.options = options_of(body["options"], definition.type)
        definition.updated_at = portal.now()
        portal.registry.save_property(kind, definition)
    return Answer(200, property_shape(definition))


def _kind(portal: Portal, call: Call, mode: str) -> ObjectType:
    kind = portal.registry.find(call.path["object_type"])
    access.require_properties(portal.settings, kind, mode)
    return kind


def find_property(kind: ObjectType, name: str, archived: bool = False) -> Property:
    """A definition by name. Raises the 404."""
    held = kind.archived_properties if archived else kind.properties
    if name not in held:
        raise not_found(
            f"No property named '{name}' exists for object type {kind.type_id}",
            subCategory="Properties.PROPERTY_NOT_FOUND",
            context={"name": [name]},
        )
    return held[name]


def make_property(portal: Portal, kind: ObjectType, body: dict[str, Any], group: str | None = None) -> Property:
    """Check a definition and keep it. Raises what HubSpot would refuse it with; the caller holds the transaction."""
    if group is not None:
        body = {**body, "groupName": body.get("groupName") or group}
    absent = [name for name in _REQUIRED if not body.get(name)]
    if absent:
        raise bad_request(f"Invalid input: {', '.join(absent)} must be set", context={"missing": absent})
    name = str(body["name"])
    if name in kind.properties:
        raise ApiError(
            409, f"A property named '{name}' already exists.", "OBJECT_ALREADY_EXISTS",
            subCategory="Properties.PROPERTY_WITH_NAME_EXISTS", context={"name": [name]},
        )  # fmt: skip
    if not _NAME.fullmatch(name):
        raise bad_request(f"Property name '{name}' is invalid", subCategory="PropertyValidationError.INVALID_NAME")
    _check_kind(kind, body)
    _check_budgets(portal, kind, body)
    _check_sensitivity(portal, kind, body)
    return portal.registry.save_property(kind, _definition(body, name, portal.now()))


def _definition(body: dict[str, Any], name: str, now: int) -> Property:
    return Property(
        name, body["label"], body["type"], body["fieldType"], body["groupName"],
        description=body.get("description") or "",
        options=options_of(body.get("options") or [], body["type"]),
        display_order=body.get("displayOrder", -1),
        hidden=bool(body.get("hidden")),
        form_field=bool(body.get("formField")),
        has_unique_value=bool(body.get("hasUniqueValue")),
        calculated=body["fieldType"] == "calculation_equation",
        read_only_value=body["fieldType"] == "calculation_equation",
        calculation_formula=body.get("calculationFormula"),
        external_options=bool(body.get("externalOptions")),
        referenced_object_type=body.get("referencedObjectType"),
        data_sensitivity=body.get("dataSensitivity") or NON_SENSITIVE,
        created_at=now, updated_at=now,
    )  # fmt: skip


def _check_kind(kind: ObjectType, body: dict[str, Any]) -> None:
    if body["groupName"] not in kind.groups:
        raise bad_request(
            f"Property group '{body['groupName']}' does not exist", subCategory="PropertyValidationError.INVALID_GROUP"
        )
    if body["fieldType"] not in FIELD_TYPES.get(body["type"], ()):
        raise bad_request(
            f"Invalid fieldType '{body['fieldType']}' for type '{body['type']}'",
            subCategory="PropertyValidationError.INVALID_FIELD_TYPE",
        )
    if body["type"] == "enumeration" and not body.get("options") and not body.get("externalOptions"):
        raise bad_request(
            "An enumeration property needs options", subCategory="PropertyValidationError.OPTIONS_REQUIRED"
        )


def _check_budgets(portal: Portal, kind: ObjectType, body: dict[str, Any]) -> None:
    settings = portal.settings
    custom = {
        k.number: sum(not d.hubspot_defined for d in k.properties.values()) for k in portal.registry.types.values()
    }
    unique = sum(definition.has_unique_value for definition in kind.properties.values())
    for reached, what, limit in (
        (custom[kind.number], f"custom properties on {kind.type_id}", settings.properties_per_object),
        (sum(custom.values()), "custom properties in this account", settings.properties_per_account),
        (unique if body.get("hasUniqueValue") else -1, f"unique properties on {kind.type_id}",
         settings.unique_properties_per_object),
    ):  # fmt: skip
        if reached >= limit:
            raise bad_request(f"You have reached the limit of {limit} {what}", subCategory="LIMIT_EXCEEDED")


def _check_sensitivity(portal: Portal, kind: ObjectType, body: dict[str, Any]) -> None:
    sensitivity = body.get("dataSensitivity") or NON_SENSITIVE
    if sensitivity not in SENSITIVITIES:
        raise bad_request(f"Invalid dataSensitivity: it must be one of {', '.join(SENSITIVITIES)}")
    unique = bool(body.get("hasUniqueValue"))
    if unique and body["type"] not in ("string", "number"):
        raise bad_request("Only string and number properties can have unique values")
    if sensitivity == NON_SENSITIVE:
        return
    access.require_sensitive_portal(portal.settings)
    access.require(portal.settings, *access.sensitive_scopes(kind, sensitivity, access.WRITE))
    if not kind.allows_sensitive:
        raise bad_request(f"Object type {kind.type_id} does not allow sensitive properties")
    if unique and not portal.settings.sensitive_unique_properties:
        raise bad_request("A sensitive property cannot have unique values")


def options_of(options: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Options with every field set; one without a displayOrder goes to the end [recorded]."""
    values = [str(option.get("value", "")) for option in options]
    if "" in values or len(set(values)) != len(values):
        raise bad_request("Option values must be set and unique", subCategory="PropertyValidationError.INVALID_OPTION")
    if kind == "enumeration" and any(";" in value for value in values):
        raise bad_request("Option values cannot hold semicolons", subCategory="PropertyValidationError.INVALID_OPTION")
    last = max((option.get("displayOrder", -1) for option in options), default=-1)
    shaped = []
    for option, value in zip(options, values, strict=True):
        order = option.get("displayOrder", -1)
        if order < 0:
            last = order = last + 1
        shape = {"label": option.get("label") or value, "value": value}
        if option.get("description") is not None:
            shape["description"] = option["description"]
        shaped.append({**shape, "displayOrder": order, "hidden": bool(option.get("hidden"))})
    return shaped


def _archive(portal: Portal, kind: ObjectType, definition: Property) -> None:
    name = definition.name
    used = {kind.primary_display, *kind.required, *kind.searchable, *kind.secondary_display}
    in_formula = any(name in (d.calculation_formula or "") for d in kind.properties.values() if d.name != name)
    if definition.hubspot_defined:
        raise bad_request(f"HubSpot defined property '{name}' cannot be deleted")
    if name in used or in_formula:
        raise bad_request(
            f"Property '{name}' is in use and cannot be deleted",
            subCategory="PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE",
        )
    definition.archived, definition.archived_at = True, portal.now()
    portal.registry.save_property(kind, definition)
