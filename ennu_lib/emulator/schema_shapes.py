"""Object types and association definitions as the API shows them."""

from __future__ import annotations

from typing import Any

from ennu_lib.emulator.calls import Portal
from ennu_lib.emulator.model import Definition, ObjectType
from ennu_lib.emulator.properties import property_shape
from ennu_lib.emulator.times import iso


def definition_shape(definition: Definition, most: int) -> dict[str, Any]:
    """An association definition as the schema endpoints show it; `most` is the portal's cap per record."""
    created, updated = definition.created_at, definition.updated_at
    return {
        "fromObjectTypeId": definition.from_type,
        "toObjectTypeId": definition.to_type,
        "name": definition.name,
        "cardinality": "ONE_TO_MANY",
        "inverseCardinality": "ONE_TO_MANY",
        "hasUserEnforcedMaxToObjectIds": definition.max_to is not None,
        "hasUserEnforcedMaxFromObjectIds": False,
        "maxToObjectIds": definition.max_to or most,
        "maxFromObjectIds": most,
        "id": str(definition.type_id),
        "createdAt": None if created is None else iso(created),
        "updatedAt": None if updated is None else iso(updated),
    }


def type_shape(kind: ObjectType) -> dict[str, Any]:
    """A type without its properties and associations."""
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
        "name": kind.name,
    }


def schema_shape(portal: Portal, kind: ObjectType) -> dict[str, Any]:
    """A type with its non-sensitive properties, and its associations in both directions."""
    associations = [
        definition_shape(definition, portal.settings.associations_per_record)
        for pair, known in sorted(portal.registry.by_pair.items())
        for definition in known
        if kind.type_id in pair
    ]
    properties = [property_shape(d) for d in kind.properties.values() if not d.sensitive]
    return type_shape(kind) | {"properties": properties, "associations": associations}
