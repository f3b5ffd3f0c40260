"""Open the portal that a run file names."""

from __future__ import annotations

import os

from ennu_lib.config import RunParams, params_dir
from ennu_lib.errors import TargetUnreachable
from ennu_lib.hubspot.client import PortalClient, connect
from ennu_lib.hubspot.limit_params import load_limits
from ennu_lib.hubspot.shared_clock import emulator_clock

PORTAL_URL = "ENNU_PORTAL_URL"


def portal_url(params: RunParams) -> str:
    """The portal's URL: the run file's, or where the runner has started the emulator.

    Raises TargetUnreachable when the run needs an emulator and none was started.
    """
    if params.target.url:
        return params.target.url
    if url := os.environ.get(PORTAL_URL):
        return url
    raise TargetUnreachable(
        "the emulator of this rehearsal is not running; use `ennu run` or `ennu lab`, which start it, "
        f"or start `ennu emulator` and put its address into {PORTAL_URL}"
    )


def open_portal(params: RunParams, token: str) -> PortalClient:
    """A client of the run's portal, with the limits file that the run names, on the portal's clock.

    Raises TargetUnreachable.
    """
    url = portal_url(params)
    client = connect(
        url,
        token,
        version=params.target.api,
        limits=load_limits(params_dir() / params.target.limits),
        clock=emulator_clock(url) if params.target.emulator else None,
        connections=params.target.workers,
    )
    client.adopt_time_zone()
    return client
