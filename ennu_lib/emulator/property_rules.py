"""What a property definition must be: its kind, its options, its budgets, its sensitivity."""

from __future__ import annotations

import re
from typing import Any

from ennu_lib.emulator import access
from ennu_lib.emulator.calls import Portal
from ennu_lib.emulator.errors import ApiError, bad_request
from ennu_lib.emulator.model import NON_SENSITIVE, SENSITIVITIES, ObjectType, Property

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
    check_kind(kind, body)
    _check_budgets(portal, kind, body)
    _check_sensitivity(portal, kind, body)
    definition = _definition(body, name, portal.now())
    if former := kind.archived_properties.get(name):
        definition.created_at = former.created_at
    return portal.registry.save_property(kind, definition)


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


def check_kind(kind: ObjectType, body: dict[str, Any]) -> None:
    """Group, type, field type and options of a definition. Raises the 400."""
    group = kind.groups.get(body["groupName"])
    if group is None or group.archived:
        raise bad_request(
            f"Property group '{body['groupName']}' does not exist", subCategory="PropertyValidationError.INVALID_GROUP"
        )
    if body["fieldType"] not in FIELD_TYPES.get(body["type"], ()):
        raise bad_request(
            f"Invalid fieldType '{body['fieldType']}' for type '{body['type']}'",
            subCategory="PropertyValidationError.INVALID_FIELD_TYPE",
        )
    if body["type"] == "bool" and {o.get("value") for o in body.get("options") or []} != {"true", "false"}:
        raise bad_request(
            "A boolean property needs exactly the options true and false",
            subCategory="PropertyValidationError.INVALID_OPTIONS",
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
    if not access.has_any(portal.settings, access.sensitive_scopes(kind, sensitivity, access.WRITE)):
        raise ApiError(403, "Missing required scope for: sensitive-data-property-create", "MISSING_SCOPES")
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
