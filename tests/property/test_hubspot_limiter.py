"""Whatever the network does, the portal never counts more requests in a window than it allows."""

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

from ennu_lib.clock import VirtualClock
from ennu_lib.hubspot.limit_params import flat_limits
from ennu_lib.hubspot.limits import Limiter

WINDOW = 10.0
SECONDS = st.floats(min_value=0.0, max_value=25.0, allow_nan=False)


class Portal:
    """Counts arrivals in a rolling window and over the day, and tells about it in headers."""

    def __init__(self, limit, day):
        self.limit, self.day = limit, day
        self.arrivals = []
        self.overrun = 0

    def arrive(self, at):
        self.arrivals = sorted([*self.arrivals, at])
        used = sum(at - WINDOW < other <= at for other in self.arrivals)
        self.overrun += max(0, used - self.limit)
        return {
            "x-hubspot-ratelimit-max": str(self.limit),
            "x-hubspot-ratelimit-remaining": str(max(0, self.limit - used)),
            "x-hubspot-ratelimit-interval-milliseconds": "10000",
            "x-hubspot-ratelimit-daily": str(self.day),
            "x-hubspot-ratelimit-daily-remaining": str(self.day - len(self.arrivals)),
        }


@settings(max_examples=150, deadline=None)
@given(
    limit=st.integers(1, 12),
    answers=st.lists(st.tuples(SECONDS, st.floats(0, 1), st.booleans()), min_size=1, max_size=60),
)
def test_no_window_is_ever_overrun(limit, answers):
    """Requests take any time, arrive at any instant of it, and their answers may lack headers."""
    clock = VirtualClock(dt.datetime(2026, 1, 5, tzinfo=dt.UTC))
    limiter = Limiter(flat_limits(burst=limit, day=10_000), clock)
    portal = Portal(limit, 10_000)
    for seconds, when, with_headers in answers:
        permit = limiter.acquire("objects")
        headers = portal.arrive(clock.monotonic() + seconds * when)
        clock.sleep(seconds)
        limiter.release(permit, headers if with_headers else None)
    assert portal.overrun == 0


@settings(max_examples=50, deadline=None)
@given(limit=st.integers(2, 40), latency=st.floats(0.0, 0.2))
def test_the_whole_limit_is_used(limit, latency):
    """One sender whose answers come quickly uses all of the limit but the latency of one request per window."""
    clock = VirtualClock(dt.datetime(2026, 1, 5, tzinfo=dt.UTC))
    limiter = Limiter(flat_limits(burst=limit, day=100_000), clock)
    portal = Portal(limit, 100_000)
    windows = 6
    for _ in range(limit * windows):
        permit = limiter.acquire("objects")
        headers = portal.arrive(clock.monotonic() + latency / 2)
        clock.sleep(latency)
        limiter.release(permit, headers)
    fastest = max((windows - 1) * WINDOW, limit * windows * latency)
    assert clock.monotonic() <= fastest + windows * (latency + 0.002) + limit * latency


@settings(max_examples=100, deadline=None)
@given(limit=st.integers(2, 30), others=st.integers(0, 30), latency=st.floats(0.01, 1.0))
def test_somebody_else_on_the_same_budget_is_made_room_for(limit, others, latency):
    """Only the first request can meet a window that somebody else has filled: its answer says so."""
    clock = VirtualClock(dt.datetime(2026, 1, 5, tzinfo=dt.UTC))
    limiter = Limiter(flat_limits(burst=limit, day=10_000), clock)
    portal = Portal(limit, 10_000)
    for _ in range(min(others, limit)):
        portal.arrive(0.0)
    for number in range(3 * limit):
        permit = limiter.acquire("objects")
        headers = portal.arrive(clock.monotonic())
        clock.sleep(latency)
        limiter.release(permit, headers)
        if number == 0:
            portal.overrun = 0
    assert portal.overrun == 0
