"""The limits endpoints: how much of the portal is used."""

from __future__ import annotations

from typing import Any

from ennu_lib.emulator import access
from ennu_lib.emulator.calls import Answer, Call, Portal
from ennu_lib.emulator.errors import missing_scopes
from ennu_lib.emulator.model import ObjectType


def _used(limit: int, usage: int) -> dict[str, Any]:
    return {"limit": limit, "usage": usage, "percentage": round(100 * usage / limit, 2) if limit else 100.0}


def _names(kind: ObjectType) -> dict[str, str]:
    return {"objectTypeId": kind.type_id, "singularLabel": kind.singular, "pluralLabel": kind.plural}


def _type_usage(kind: ObjectType, limit: int, usage: int) -> dict[str, Any]:
    return {**_names(kind), **_used(limit, usage)}


def _require_any_object_scope(portal: Portal) -> None:
    scopes = portal.settings.scopes
    if scopes is not None and not any(scope.startswith("crm.objects.") for scope in scopes):
        raise missing_scopes(["crm.objects.contacts.read", "crm.objects.custom.read"])


def _kinds(portal: Portal, custom: bool) -> list[ObjectType]:
    return [kind for kind in portal.registry.types.values() if kind.custom == custom and not kind.archived]


def records(portal: Portal, call: Call) -> Answer:
    """GET …/limits/records: per standard type, and for all custom objects together."""
    _require_any_object_scope(portal)
    settings = portal.settings
    standard = [
        _type_usage(kind, settings.record_limit(kind.type_id), portal.records(kind).counts()[0])
        for kind in _kinds(portal, custom=False)
    ]
    custom = [(kind, portal.records(kind).counts()[0]) for kind in _kinds(portal, custom=True)]
    overall = _used(settings.custom_object_records, sum(usage for _, usage in custom))
    by_type = [{**_names(kind), "usage": usage} for kind, usage in custom]
    body = {
        "hubspotDefinedObjectTypes": standard,
        "customObjectTypes": {"overallLimit": overall["limit"], "overallUsage": overall["usage"],
                              "overallPercentage": overall["percentage"], "byObjectType": by_type},
    }  # fmt: skip
    return Answer(200, body)


def custom_object_types(portal: Portal, call: Call) -> Answer:
    """GET …/limits/custom-object-types."""
    access.require(portal.settings, "crm.schemas.custom.read")
    return Answer(200, _used(portal.settings.custom_object_types, len(_kinds(portal, custom=True))))


def custom_properties(portal: Portal, call: Call) -> Answer:
    """GET …/limits/custom-properties: per type."""
    _require_any_object_scope(portal)
    limit = portal.settings.properties_per_object
    by_type = [
        _type_usage(kind, limit, sum(not definition.hubspot_defined for definition in kind.properties.values()))
        for custom in (False, True)
        for kind in _kinds(portal, custom)
    ]
    total = sum(item["usage"] for item in by_type)
    overall = _used(portal.settings.properties_per_account, total)
    return Answer(200, {"overallLimit": overall["limit"], "overallUsage": overall["usage"],
                        "overallPercentage": overall["percentage"], "byObjectType": by_type})  # fmt: skip


def association_labels(portal: Portal, call: Call) -> Answer:
    """GET …/limits/associations/labels: labels made per pair of types."""
    _require_any_object_scope(portal)
    limit = portal.settings.association_labels_per_pair
    results = []
    for (from_type, to_type), known in sorted(portal.registry.by_pair.items()):
        made = [d for d in known if d.label is not None and d.category == "USER_DEFINED"]
        if made:
            results.append({
                "fromObjectTypeId": from_type, "toObjectTypeId": to_type,
                "allLabels": [d.label for d in made], **_used(limit, len(made)),
            })  # fmt: skip
    return Answer(200, {"results": results})
