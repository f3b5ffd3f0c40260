"""The portal's client: everything the migration asks of HubSpot, in one object."""

from __future__ import annotations

import random
from types import TracebackType

from ennu_lib.clock import Clock, SystemClock
from ennu_lib.hubspot.inflight import KeyRanges
from ennu_lib.hubspot.limit_params import LimitParams, load_limits
from ennu_lib.hubspot.limits import Limiter
from ennu_lib.hubspot.links import AssociationCalls
from ennu_lib.hubspot.paths import Paths, Version
from ennu_lib.hubspot.records import RecordCalls
from ennu_lib.hubspot.retry import RetryPolicy
from ennu_lib.hubspot.transport import DEFAULT_TIMEOUTS, HubSpotTransport, Timeouts, Transport


class PortalClient(RecordCalls, AssociationCalls):
    """Records, associations and definitions of one portal. Safe to share by threads."""

    def __init__(
        self,
        transport: Transport,
        limiter: Limiter,
        paths: Paths | None = None,
        clock: Clock | None = None,
        policy: RetryPolicy | None = None,
        chance: random.Random | None = None,
        token: str | None = None,
    ):
        super().__init__(transport, limiter, paths, clock, policy, chance)
        self._token = token
        self.ranges = KeyRanges()
        self._type_ids: dict[str, str] = {}

    def adopt_time_zone(self) -> str:
        """Let the limiter's day begin when the account's day does; returns the zone's name."""
        zone = str(self.account().get("timeZone") or "UTC")
        self.limiter.set_time_zone(zone)
        return zone

    def own_scopes(self) -> frozenset[str] | None:
        """The scopes of this client's token; None when the portal does not tell."""
        return self.granted_scopes(self._token) if self._token else None

    def close(self) -> None:
        """Let the connections go."""
        self.transport.close()

    def __enter__(self) -> PortalClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def connect(
    base_url: str,
    token: str,
    version: Version = "v3",
    limits: LimitParams | None = None,
    clock: Clock | None = None,
    policy: RetryPolicy | None = None,
    connections: int = 8,
    wait_for_midnight: bool = False,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
) -> PortalClient:
    """A client of the portal at `base_url`. Sends nothing yet; `adopt_time_zone` is the first call worth making."""
    clock = clock or SystemClock()
    limiter = Limiter(limits or load_limits(), clock, wait_for_midnight=wait_for_midnight)
    transport = HubSpotTransport(base_url, token, timeouts, connections)
    return PortalClient(transport, limiter, Paths(version), clock, policy, token=token)
