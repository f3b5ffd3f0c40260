"""All that speaks to the HubSpot API: the client and its limits, and the portal's schema as a plan."""

from ennu_lib.hubspot.apply import apply_plan
from ennu_lib.hubspot.client import PortalClient, connect
from ennu_lib.hubspot.limit_params import LimitParams, flat_limits, load_limits
from ennu_lib.hubspot.live import Snapshot, read_portal, snapshot, snapshot_of
from ennu_lib.hubspot.outcomes import BatchOutcome, Link, LinkOutcome, LinksRead, ReadOutcome, RecordResult
from ennu_lib.hubspot.plan import Plan
from ennu_lib.hubspot.planning import make_plan
from ennu_lib.hubspot.portal_schema import PortalSchema, load_portal_schema
from ennu_lib.hubspot.preflight import Problem, preflight, require_preflight
from ennu_lib.hubspot.render import render_plan
from ennu_lib.hubspot.volumes import load_volumes

__all__ = [
    "BatchOutcome",
    "LimitParams",
    "Link",
    "LinkOutcome",
    "LinksRead",
    "Plan",
    "PortalClient",
    "PortalSchema",
    "Problem",
    "ReadOutcome",
    "RecordResult",
    "Snapshot",
    "apply_plan",
    "connect",
    "flat_limits",
    "load_limits",
    "load_portal_schema",
    "load_volumes",
    "make_plan",
    "preflight",
    "read_portal",
    "render_plan",
    "require_preflight",
    "snapshot",
    "snapshot_of",
]
