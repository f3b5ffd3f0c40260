"""The emulated portal's limiter on a virtual clock."""

from datetime import UTC, datetime

import pytest

from ennu_lib.clock import VirtualClock
from ennu_lib.emulator.errors import ApiError
from ennu_lib.emulator.limits import ASSOCIATIONS, OBJECTS, SEARCH, UNLIMITED, Limiter, limit_reached
from ennu_lib.emulator.settings import EmulatorSettings


def limiter(start=datetime(2026, 1, 5, tzinfo=UTC), kept=None, **settings):
    clock = VirtualClock(start)
    return clock, Limiter(clock, EmulatorSettings(**settings), kept)


def taken(limits, family=OBJECTS, tries=1):
    """How many of `tries` requests pass."""
    passed = 0
    for _ in range(tries):
        try:
            limits.take(family)
            passed += 1
        except ApiError as error:
            assert error.status == 429
    return passed


def test_the_documented_figures():
    settings = EmulatorSettings()
    assert (settings.burst_limit, settings.association_burst_limit, settings.daily_limit) == (190, 150, 1_000_000)
    assert EmulatorSettings(tier="professional").daily_limit == 625_000
    assert (settings.search_per_second, settings.association_daily) == (5, 500_000)


def test_a_full_window_and_the_moment_it_opens_again():
    clock, limits = limiter()
    assert taken(limits, tries=250) == 190
    clock.sleep(9.999)
    assert taken(limits) == 0
    clock.sleep(0.001)
    assert taken(limits, tries=250) == 190


def test_families_do_not_share_windows():
    _, limits = limiter()
    assert [taken(limits, family, 300) for family in (OBJECTS, ASSOCIATIONS, SEARCH)] == [190, 150, 5]
    assert taken(limits, UNLIMITED, 300) == 300


def test_searches_count_for_the_day_of_objects():
    _, limits = limiter(daily=3, search_per_second=100)
    assert taken(limits, SEARCH, 2) == 2 and taken(limits, OBJECTS, 5) == 1


def test_midnight_follows_daylight_saving():
    clock, limits = limiter(datetime(2026, 3, 8, 4, 59, tzinfo=UTC), daily=1)
    assert taken(limits, tries=2) == 1
    clock.sleep(61)
    assert taken(limits, tries=2) == 1
    assert limits.seconds_to_midnight() == pytest.approx(23 * 3600 - 1, abs=1)


def test_the_kept_count_holds_for_the_same_day_only():
    _, first = limiter(daily=5)
    taken(first, tries=3)
    first.answered(200)
    first.answered(404)
    kept = first.count()
    _, same = limiter(kept=kept, daily=5)
    assert taken(same, tries=5) == 2 and same.error_ratio == 0.5
    _, later = limiter(datetime(2026, 1, 7, tzinfo=UTC), kept=kept, daily=5)
    assert taken(later, tries=9) == 5


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit."),
        ("SECONDLY", "You have reached your secondly limit."),
        ("DAILY", "You have reached your daily limit."),
    ],
)
def test_the_three_bodies(policy, text):
    error = limit_reached(policy)
    assert error.body["message"] == text and error.body["errorType"] == "RATE_LIMIT"
    assert ("requestId" in error.body) == (policy == "DAILY") and "category" not in error.body
    assert error.headers == {} and limit_reached(policy, 3.2).headers == {"Retry-After": "3"}
