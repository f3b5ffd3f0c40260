"""The portal's own ids of association types. They differ from portal to portal, so none is ever written down."""

from __future__ import annotations

from ennu_lib.errors import TargetRefused
from ennu_lib.hubspot.client import PortalClient
from ennu_lib.hubspot.outcomes import AssociationType
from ennu_lib.hubspot.portal_schema import PortalSchema


def association_type(
    client: PortalClient, portal: PortalSchema, association: str, label: str | None, from_object: str, to_object: str
) -> AssociationType:
    """The portal's own type of an association. Raises TargetRefused when the portal does not have it.

    Type ids of custom objects differ from portal to portal, so none is ever written down.
    """
    defined = next(a for a in portal.associations if a.name == association)
    wanted = next((each.label for each in defined.labels if each.name == label), None)
    for known in client.association_labels(from_object, to_object):
        if (known.get("label") or None) == wanted:
            return str(known["category"]), int(known["typeId"])
    raise TargetRefused(
        f"the portal has no association {association}{f' labelled {wanted}' if wanted else ''}; apply the portal plan"
    )
