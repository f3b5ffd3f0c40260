"""The portal schema in HubSpot's own words: the JSON that creates each definition."""

from __future__ import annotations

from typing import Any

from ennu_lib.hubspot.schema import Association, Group, Label, ObjectType, Option, Property

Json = dict[str, Any]
YES_NO = (Option(value="true", label="Yes"), Option(value="false", label="No"))


def property_body(found: Property) -> Json:
    """A property. Sensitivity is left out when there is none: portals without the switch refuse even its mention."""
    body: Json = {
        "name": found.name,
        "label": found.label,
        "type": found.type,
        "fieldType": found.field_type,
        "groupName": found.group,
        "description": found.description,
        "hasUniqueValue": found.unique,
    }
    if options := wanted_options(found):
        body["options"] = options_body(options)
    if found.sensitivity != "none":
        body["dataSensitivity"] = found.sensitivity
    return body


def wanted_options(found: Property) -> tuple[Option, ...]:
    """The options of a property; HubSpot wants them of a boolean as well."""
    return YES_NO if found.type == "bool" else found.options or ()


def options_body(options: tuple[Option, ...]) -> list[Json]:
    """Options in the order of the file."""
    return [
        {"value": option.value, "label": option.label, "displayOrder": order, "hidden": False}
        for order, option in enumerate(options)
    ]


def group_body(found: Group) -> Json:
    """A property group."""
    return {"name": found.name, "label": found.label}


def schema_body(found: ObjectType, properties: tuple[Property, ...]) -> Json:
    """A custom object, with those of its properties that the schema itself names."""
    named = {found.primary_display_property, *found.required_properties, *found.searchable_properties}
    return {
        "name": found.name,
        **schema_wording(found),
        "primaryDisplayProperty": found.primary_display_property,
        "secondaryDisplayProperties": [],
        "properties": [property_body(held) for held in properties if held.name in named],
        "associatedObjects": [],
        "allowsSensitiveProperties": found.allows_sensitive_properties,
    }


def schema_wording(found: ObjectType) -> Json:
    """What of a schema can be changed later."""
    return {
        "labels": {"singular": found.singular, "plural": found.plural},
        "description": found.description,
        "requiredProperties": list(found.required_properties),
        "searchableProperties": list(found.searchable_properties),
    }


def in_schema(found: ObjectType, name: str) -> bool:
    """Whether a property is created together with its object."""
    return found.kind == "custom" and name in {
        found.primary_display_property,
        *found.required_properties,
        *found.searchable_properties,
    }


def label_body(association: Association, label: Label) -> Json:
    """An association label; its internal name is unique within the pair of objects."""
    body = {"name": f"ennu_{association.id.lower()}_{label.name}", "label": label.label}
    return {**body, "inverseLabel": label.inverse} if label.inverse else body
