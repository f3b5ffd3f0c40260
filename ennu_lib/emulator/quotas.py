"""The limits endpoints: how much of the portal is used."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ennu_lib.emulator import access
from ennu_lib.emulator.calls import Answer, Call, Portal
from ennu_lib.emulator.errors import missing_scopes
from ennu_lib.emulator.model import USER_DEFINED, ObjectType

NEAR = 0.8
SAMPLES = 20


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
    limit = portal.settings.custom_object_types if portal.settings.tier == "enterprise" else 0
    return Answer(200, _used(limit, len(_kinds(portal, custom=True))))


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
    """GET …/limits/associations/labels: per direction in which labels were made."""
    _require_any_object_scope(portal)
    limit = portal.settings.association_labels_per_pair
    wanted = {name: call.first(name) for name in ("fromObjectTypeId", "toObjectTypeId")}
    results = []
    for (from_type, to_type), known in sorted(portal.registry.by_pair.items()):
        made = sum(bool(d.label) and d.category == USER_DEFINED and d.number <= d.inverse for d in known)
        if made and wanted["fromObjectTypeId"] in (None, from_type) and wanted["toObjectTypeId"] in (None, to_type):
            types = {"fromObjectType": {"objectTypeId": from_type}, "toObjectType": {"objectTypeId": to_type}}
            results.append({**_used(limit, made), **types, "allLabels": []})
    return Answer(200, {"results": results})


def _crowded(portal: Portal, kind: ObjectType) -> list[tuple[int, int, int]]:
    """To-type, record and number of associations, where a record uses 80 % of its limit or more."""
    rows = portal.store.execute(
        "SELECT to_type, from_id, COUNT(DISTINCT to_id) FROM links WHERE from_type = ? GROUP BY to_type, from_id "
        "HAVING COUNT(DISTINCT to_id) >= ?",
        (kind.number, NEAR * portal.settings.associations_per_record),
    )
    return rows.fetchall()


def _flags(portal: Portal, kind: ObjectType, counts: list[int]) -> dict[str, Any]:
    full = any(count >= portal.settings.associations_per_record for count in counts)
    return {**_names(kind), "hasRecordsNearLimit": True, "hasRecordsAtLimit": full}


def association_records_from(portal: Portal, call: Call) -> Answer:
    """GET …/limits/associations/records/from: types with records near or at their association limit."""
    _require_any_object_scope(portal)
    results = []
    for kind in portal.registry.types.values():
        if crowded := _crowded(portal, kind):
            results.append(_flags(portal, kind, [count for _, _, count in crowded]))
    return Answer(200, {"results": results})


def association_records_to(portal: Portal, call: Call) -> Answer:
    """GET …/limits/associations/records/{from}/to: the types that one type's records are near their limit with."""
    _require_any_object_scope(portal)
    by_type: dict[int, list[int]] = defaultdict(list)
    for to_type, _, count in _crowded(portal, portal.registry.find(call.path["from_type"])):
        by_type[to_type].append(count)
    return Answer(200, {"results": [_flags(portal, portal.registry.types[n], counts) for n, counts in by_type.items()]})


def association_records_between(portal: Portal, call: Call) -> Answer:
    """GET …/limits/associations/records/{from}/{to}: how many records are near or at the limit, with samples."""
    _require_any_object_scope(portal)
    from_kind, to_kind = portal.registry.find(call.path["from_type"]), portal.registry.find(call.path["to_type"])
    limit = portal.settings.associations_per_record
    crowded = [(number, count) for kind, number, count in _crowded(portal, from_kind) if kind == to_kind.number]
    full = [str(number) for number, count in crowded if count >= limit]
    near = [str(number) for number, count in crowded if count < limit]
    return Answer(200, {
        "limit": limit,
        "totalRecordsNearLimit": len(near),
        "totalRecordsAtLimit": len(full),
        "nearLimitFromRecordSamples": [{"id": number} for number in near[:SAMPLES]],
        "atLimitFromRecordSamples": [{"id": number} for number in full[:SAMPLES]],
    })  # fmt: skip
