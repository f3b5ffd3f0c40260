"""Every endpoint, once; and the paths under which each generation of the API knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ennu_lib.emulator import (
    account,
    associations,
    batches,
    bodies,
    groups,
    imports,
    labels,
    merging,
    objects,
    properties,
    quotas,
    record_associations,
    schemas,
    search,
)
from ennu_lib.emulator.bodies import Shape
from ennu_lib.emulator.calls import Answer, Call, Portal, Version
from ennu_lib.emulator.limits import ASSOCIATIONS, OBJECTS, SEARCH

Handler = Callable[[Portal, Call], Answer]


class Endpoint(NamedTuple):
    """A method, a path below its family's prefix, a handler, the limit that it counts against, and its body's shape."""

    method: str
    path: str
    handler: Handler
    family: str = OBJECTS
    threaded: bool = False
    body: Shape = None

    @property
    def writes_records(self) -> bool:
        """Whether it is a batch write of records by their keys."""
        return self.handler in (batches.update, batches.upsert)


class Family(NamedTuple):
    """Endpoints that move together from one generation of paths to the next."""

    legacy: tuple[str, ...]
    dated: str
    endpoints: tuple[Endpoint, ...]

    def prefixes(self) -> Iterator[tuple[Version, str]]:
        """Every prefix with its generation."""
        for prefix in self.legacy:
            yield Version.LEGACY, prefix
        for version in (Version.MARCH, Version.SEPTEMBER):
            yield version, self.dated.format(version=version.value)


def _association(method: str, path: str, handler: Handler, body: Shape = None) -> Endpoint:
    return Endpoint(method, path, handler, ASSOCIATIONS, body=body)


_PAIR = "/{from_type}/{to_type}"
_CAPS = "/definitions/configurations/{from_type}/{to_type}"
_OF_RECORD = "/{from_type}/{from_id}/associations"

RECORD_ASSOCIATIONS = (
    _association("PUT", _OF_RECORD + "/default/{to_type}/{to_id}", record_associations.put_default),
    _association("GET", _OF_RECORD + "/{to_type}", record_associations.list_page),
    _association("PUT", _OF_RECORD + "/{to_type}/{to_id}", record_associations.put, bodies.LINK_TYPES),
    _association("DELETE", _OF_RECORD + "/{to_type}/{to_id}", record_associations.delete),
)

ASSOCIATION_ENDPOINTS = (
    _association("POST", _PAIR + "/batch/create", associations.create_batch, bodies.LINKS),
    _association("POST", _PAIR + "/batch/associate/default", associations.create_default_batch, bodies.LINKS),
    _association("POST", _PAIR + "/batch/read", associations.read_batch, bodies.READ_LINKS),
    _association("POST", _PAIR + "/batch/archive", associations.archive_batch, bodies.ARCHIVE_LINKS),
    _association("POST", _PAIR + "/batch/labels/archive", associations.archive_labels, bodies.LINKS),
    _association("GET", _PAIR + "/labels", labels.list_all),
    _association("POST", _PAIR + "/labels", labels.create, bodies.LABEL),
    _association("PUT", _PAIR + "/labels", labels.update, bodies.LABEL),
    _association("DELETE", _PAIR + "/labels/{type_id}", labels.delete),
    _association("GET", "/definitions/configurations/all", labels.all_caps),
    _association("GET", _CAPS, labels.caps),
    _association("POST", _CAPS + "/batch/create", labels.set_caps, bodies.CAPS),
    _association("POST", _CAPS + "/batch/update", labels.change_caps, bodies.CAPS),
    _association("POST", _CAPS + "/batch/purge", labels.remove_caps, bodies.CAPS),
    _association("POST", "/usage/high-usage-report/{user_id}", record_associations.report_usage),
)

OBJECT_ENDPOINTS = (
    Endpoint("POST", "/{object_type}/batch/upsert", batches.upsert, body=bodies.RECORDS),
    Endpoint("POST", "/{object_type}/batch/read", batches.read, body=bodies.READ_RECORDS),
    Endpoint("POST", "/{object_type}/batch/create", batches.create, body=bodies.RECORDS),
    Endpoint("POST", "/{object_type}/batch/update", batches.update, body=bodies.RECORDS),
    Endpoint("POST", "/{object_type}/batch/archive", batches.archive, body=bodies.IDS),
    Endpoint("POST", "/{object_type}/merge", merging.merge, body=bodies.MERGE),
    Endpoint("POST", "/{object_type}/gdpr-delete", merging.forget, body=bodies.FORGET),
    Endpoint("POST", "/{object_type}/search", search.search, SEARCH, threaded=True, body=bodies.SEARCH),
    Endpoint("GET", "/{object_type}", objects.list_page),
    Endpoint("POST", "/{object_type}", objects.create, body=bodies.RECORD),
    Endpoint("GET", "/{object_type}/{object_id}", objects.get),
    Endpoint("PATCH", "/{object_type}/{object_id}", objects.patch, body=bodies.RECORD),
    Endpoint("DELETE", "/{object_type}/{object_id}", objects.archive),
)

FAMILIES = (
    Family(("/crm/v3/objects",), "/crm/objects/{version}", OBJECT_ENDPOINTS),
    Family(("/crm/v4/objects",), "/crm/objects/{version}", RECORD_ASSOCIATIONS),
    Family(("/crm/v4/associations",), "/crm/associations/{version}", ASSOCIATION_ENDPOINTS),
    Family(("/crm/v3/properties",), "/crm/properties/{version}", (
        Endpoint("POST", "/{object_type}/batch/create", properties.create_batch, body=bodies.PROPERTIES),
        Endpoint("POST", "/{object_type}/batch/read", properties.read_batch, body=bodies.NAMES),
        Endpoint("POST", "/{object_type}/batch/archive", properties.archive_batch, body=bodies.NAMES),
        Endpoint("GET", "/{object_type}/groups", groups.list_all),
        Endpoint("POST", "/{object_type}/groups", groups.create, body=bodies.GROUP),
        Endpoint("GET", "/{object_type}/groups/{name}", groups.get),
        Endpoint("PATCH", "/{object_type}/groups/{name}", groups.patch, body=bodies.GROUP),
        Endpoint("DELETE", "/{object_type}/groups/{name}", groups.archive),
        Endpoint("GET", "/{object_type}", properties.list_all),
        Endpoint("POST", "/{object_type}", properties.create, body=bodies.PROPERTY),
        Endpoint("GET", "/{object_type}/{name}", properties.get),
        Endpoint("PATCH", "/{object_type}/{name}", properties.patch, body=bodies.PROPERTY),
        Endpoint("DELETE", "/{object_type}/{name}", properties.archive),
    )),
    Family(("/crm-object-schemas/v3/schemas", "/crm/v3/schemas"), "/crm-object-schemas/{version}/schemas", (
        Endpoint("GET", "", schemas.list_all),
        Endpoint("POST", "", schemas.create, body=bodies.SCHEMA),
        Endpoint("GET", "/{object_type}", schemas.get),
        Endpoint("PATCH", "/{object_type}", schemas.patch, body=bodies.SCHEMA_PATCH),
        Endpoint("DELETE", "/{object_type}", schemas.delete),
        Endpoint("POST", "/{object_type}/associations", schemas.create_association, body=bodies.SCHEMA_LINK),
        Endpoint("DELETE", "/{object_type}/associations/{association}", schemas.delete_association),
    )),
    Family(("/crm/v3/limits",), "/crm/limits/{version}", (
        Endpoint("GET", "/records", quotas.records),
        Endpoint("GET", "/custom-object-types", quotas.custom_object_types),
        Endpoint("GET", "/custom-properties", quotas.custom_properties),
        Endpoint("GET", "/associations/labels", quotas.association_labels),
        Endpoint("GET", "/associations/records/from", quotas.association_records_from),
        Endpoint("GET", "/associations/records/{from_type}/to", quotas.association_records_to),
        Endpoint("GET", "/associations/records/{from_type}/{to_type}", quotas.association_records_between),
    )),
    Family(("/account-info/v3",), "/account-info/{version}", (
        Endpoint("GET", "/details", account.details),
        Endpoint("GET", "/api-usage/daily/private-apps", account.daily_usage),
    )),
    Family(("/crm/v3/imports",), "/crm/imports/{version}", (
        Endpoint("GET", "", imports.list_all),
        Endpoint("POST", "", imports.start),
        Endpoint("GET", "/{import_id}", imports.get),
        Endpoint("POST", "/{import_id}/cancel", imports.cancel),
        Endpoint("GET", "/{import_id}/errors", imports.errors),
    )),
    Family(("/oauth/v2",), "/oauth/{version}", (
        Endpoint("POST", "/private-apps/get/access-token-info", account.token_scopes, body=bodies.TOKEN),
    )),
    Family(("/crm/v3/owners",), "/crm/owners/{version}", (
        Endpoint("GET", "", account.owners),
        Endpoint("GET", "/{owner_id}", account.owner),
    )),
)  # fmt: skip
