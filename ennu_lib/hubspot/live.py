"""The portal as it is: read once for a plan, and again for a snapshot."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ennu_lib.hubspot.client import PortalClient
from ennu_lib.hubspot.portal_schema import PortalSchema

Json = dict[str, Any]
Pair = tuple[str, str]
PROPERTY_FACTS = (
    "label",
    "type",
    "fieldType",
    "groupName",
    "description",
    "hasUniqueValue",
    "dataSensitivity",
    "options",
)
SCHEMA_FACTS = (
    "labels",
    "description",
    "primaryDisplayProperty",
    "requiredProperties",
    "searchableProperties",
    "allowsSensitiveProperties",
)


@dataclass(frozen=True)
class LivePortal:
    """Definitions by name. An object that the portal does not have is missing from every part."""

    type_ids: Mapping[str, str]
    schemas: Mapping[str, Json]
    properties: Mapping[str, Mapping[str, Json]]
    groups: Mapping[str, Mapping[str, Json]]
    labels: Mapping[Pair, list[Json]]


@dataclass(frozen=True)
class Snapshot:
    """The schema as evidence. `content` holds nothing that a portal makes up itself, so equal schemas hash equally."""

    content: Json
    type_ids: Mapping[str, str]
    association_type_ids: Mapping[str, list[Json]]

    @property
    def sha256(self) -> str:
        """The hash of `content` in canonical JSON."""
        return hashlib.sha256(orjson.dumps(self.content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def read_portal(client: PortalClient, schema: PortalSchema) -> LivePortal:
    """Read what the plan compares. Raises TargetRefused, TargetUnreachable."""
    schemas = {str(found.get("name")): found for found in client.schemas()}
    type_ids = {name: type_id for name in (*schema.objects, "companies") if (type_id := client.known_type_id(name))}
    present = [name for name in schema.objects if name in type_ids]
    return LivePortal(
        type_ids=type_ids,
        schemas={name: schemas[name] for name in present if name in schemas},
        properties={name: _by_name(client.properties(name)) for name in present},
        groups={name: _by_name(client.groups(name)) for name in present},
        labels={
            pair: client.association_labels(*pair)
            for pair in _pairs(schema)
            if pair[0] in type_ids and pair[1] in type_ids
        },
    )


def snapshot(client: PortalClient, schema: PortalSchema) -> Snapshot:
    """Every definition of the migration's objects as the portal has them now, for the evidence of a run."""
    return snapshot_of(read_portal(client, schema))


def snapshot_of(live: LivePortal) -> Snapshot:
    """What was read of a portal, as evidence."""
    content = {
        "objects": {name: _facts(found, SCHEMA_FACTS) for name, found in live.schemas.items()},
        "properties": {
            name: {held: _facts(body, PROPERTY_FACTS) for held, body in found.items()}
            for name, found in live.properties.items()
        },
        "groups": {
            name: {held: body.get("label") for held, body in found.items()} for name, found in live.groups.items()
        },
        "labels": {
            f"{first} > {second}": sorted(str(label.get("label") or "") for label in found)
            for (first, second), found in live.labels.items()
        },
    }
    associations = {f"{first} > {second}": found for (first, second), found in live.labels.items()}
    return Snapshot(content, live.type_ids, associations)


def _pairs(schema: PortalSchema) -> list[Pair]:
    forward = [(found.from_object, found.to_object) for found in schema.associations]
    return list(dict.fromkeys(forward + [(second, first) for first, second in forward]))


def _by_name(found: list[Json]) -> dict[str, Json]:
    return {str(item["name"]): item for item in found}


def _facts(found: Json, names: tuple[str, ...]) -> Json:
    return {name: found.get(name) for name in names}
