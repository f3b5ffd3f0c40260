"""Every endpoint, once; and the paths under which each generation of the API knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ennu_lib.emulator import (
    account,
    associations,
    batches,
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
from ennu_lib.emulator.calls import Answer, Call, Portal, Version
from ennu_lib.emulator.limits import ASSOCIATIONS, OBJECTS, SEARCH

Handler = Callable[[Portal, Call], Answer]


class Endpoint(NamedTuple):
    """A method, a path below its family's prefix, a handler, and the limit that it counts against."""

    method: str
    path: str
    handler: Handler
    family: str = OBJECTS
    threaded: bool = False

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


_CAPS = "/definitions/configurations/{from_type}/{to_type}"
_RECORD_ASSOCIATIONS = "/{from_type}/{from_id}/associations"

RECORD_ASSOCIATIONS = (
    Endpoint("PUT", _RECORD_ASSOCIATIONS + "/default/{to_type}/{to_id}", record_associations.put_default, ASSOCIATIONS),
    Endpoint("GET", _RECORD_ASSOCIATIONS + "/{to_type}", record_associations.list_page, ASSOCIATIONS),
    Endpoint("PUT", _RECORD_ASSOCIATIONS + "/{to_type}/{to_id}", record_associations.put, ASSOCIATIONS),
    Endpoint("DELETE", _RECORD_ASSOCIATIONS + "/{to_type}/{to_id}", record_associations.delete, ASSOCIATIONS),
)

OBJECT_ENDPOINTS = (
    Endpoint("POST", "/{object_type}/batch/upsert", batches.upsert),
    Endpoint("POST", "/{object_type}/batch/read", batches.read),
    Endpoint("POST", "/{object_type}/batch/create", batches.create),
    Endpoint("POST", "/{object_type}/batch/update", batches.update),
    Endpoint("POST", "/{object_type}/batch/archive", batches.archive),
    Endpoint("POST", "/{object_type}/merge", merging.merge),
    Endpoint("POST", "/{object_type}/gdpr-delete", merging.forget),
    Endpoint("POST", "/{object_type}/search", search.search, SEARCH, threaded=True),
    Endpoint("GET", "/{object_type}", objects.list_page),
    Endpoint("POST", "/{object_type}", objects.create),
    Endpoint("GET", "/{object_type}/{object_id}", objects.get),
    Endpoint("PATCH", "/{object_type}/{object_id}", objects.patch),
    Endpoint("DELETE", "/{object_type}/{object_id}", objects.archive),
)

FAMILIES = (
    Family(("/crm/v3/objects",), "/crm/objects/{version}", OBJECT_ENDPOINTS),
    Family(("/crm/v4/objects",), "/crm/objects/{version}", RECORD_ASSOCIATIONS),
    Family(("/crm/v4/associations",), "/crm/associations/{version}", (
        Endpoint("POST", "/{from_type}/{to_type}/batch/create", associations.create_batch, ASSOCIATIONS),
        Endpoint("POST", "/{from_type}/{to_type}/batch/associate/default", associations.create_default_batch,
                 ASSOCIATIONS),
        Endpoint("POST", "/{from_type}/{to_type}/batch/read", associations.read_batch, ASSOCIATIONS),
        Endpoint("POST", "/{from_type}/{to_type}/batch/archive", associations.archive_batch, ASSOCIATIONS),
        Endpoint("POST", "/{from_type}/{to_type}/batch/labels/archive", associations.archive_labels, ASSOCIATIONS),
        Endpoint("GET", "/{from_type}/{to_type}/labels", labels.list_all, ASSOCIATIONS),
        Endpoint("POST", "/{from_type}/{to_type}/labels", labels.create, ASSOCIATIONS),
        Endpoint("PUT", "/{from_type}/{to_type}/labels", labels.update, ASSOCIATIONS),
        Endpoint("DELETE", "/{from_type}/{to_type}/labels/{type_id}", labels.delete, ASSOCIATIONS),
        Endpoint("GET", "/definitions/configurations/all", labels.all_caps, ASSOCIATIONS),
        Endpoint("GET", _CAPS, labels.caps, ASSOCIATIONS),
        Endpoint("POST", _CAPS + "/batch/create", labels.set_caps, ASSOCIATIONS),
        Endpoint("POST", _CAPS + "/batch/update", labels.change_caps, ASSOCIATIONS),
        Endpoint("POST", _CAPS + "/batch/purge", labels.remove_caps, ASSOCIATIONS),
        Endpoint("POST", "/usage/high-usage-report/{user_id}", record_associations.report_usage, ASSOCIATIONS),
    )),
    Family(("/crm/v3/properties",), "/crm/properties/{version}", (
        Endpoint("POST", "/{object_type}/batch/create", properties.create_batch),
        Endpoint("POST", "/{object_type}/batch/read", properties.read_batch),
        Endpoint("POST", "/{object_type}/batch/archive", properties.archive_batch),
        Endpoint("GET", "/{object_type}/groups", groups.list_all),
        Endpoint("POST", "/{object_type}/groups", groups.create),
        Endpoint("GET", "/{object_type}/groups/{name}", groups.get),
        Endpoint("PATCH", "/{object_type}/groups/{name}", groups.patch),
        Endpoint("DELETE", "/{object_type}/groups/{name}", groups.archive),
        Endpoint("GET", "/{object_type}", properties.list_all),
        Endpoint("POST", "/{object_type}", properties.create),
        Endpoint("GET", "/{object_type}/{name}", properties.get),
        Endpoint("PATCH", "/{object_type}/{name}", properties.patch),
        Endpoint("DELETE", "/{object_type}/{name}", properties.archive),
    )),
    Family(("/crm-object-schemas/v3/schemas", "/crm/v3/schemas"), "/crm-object-schemas/{version}/schemas", (
        Endpoint("GET", "", schemas.list_all),
        Endpoint("POST", "", schemas.create),
        Endpoint("GET", "/{object_type}", schemas.get),
        Endpoint("PATCH", "/{object_type}", schemas.patch),
        Endpoint("DELETE", "/{object_type}", schemas.delete),
        Endpoint("POST", "/{object_type}/associations", schemas.create_association),
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
        Endpoint("POST", "/private-apps/get/access-token-info", account.token_scopes),
    )),
    Family(("/crm/v3/owners",), "/crm/owners/{version}", (
        Endpoint("GET", "", account.owners),
        Endpoint("GET", "/{owner_id}", account.owner),
    )),
)  # fmt: skip
