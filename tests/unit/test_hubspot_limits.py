"""The limiter: two budgets per family, the truth from the headers, something left for others."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from ennu_lib.clock import VirtualClock
from ennu_lib.errors import ConfigurationError, TargetUnreachable
from ennu_lib.hubspot.limit_params import BusinessHours, LeftForOthers, flat_limits, load_limits
from ennu_lib.hubspot.limits import Limiter, seconds_to_midnight

MONDAY_NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)


def headers(limit=None, remaining=None, daily=None, left=None):
    said = {"max": limit, "remaining": remaining, "daily": daily, "daily-remaining": left}
    return {f"x-hubspot-ratelimit-{name}": str(value) for name, value in said.items() if value is not None}


def send(limiter, family="objects", told=None):
    permit = limiter.acquire(family)
    limiter.release(permit, told)


def changed(params, **more):
    return params.model_copy(update=more)


def test_a_burst_is_sent_at_once_and_the_next_request_waits_for_the_window():
    clock = VirtualClock(MONDAY_NOON)
    limiter = Limiter(flat_limits(burst=5, day=1000), clock)
    for _ in range(5):
        send(limiter)
    assert clock.monotonic() == 0
    send(limiter)
    assert clock.monotonic() == pytest.approx(10, abs=0.01)


def test_the_window_begins_when_the_answer_comes():
    clock = VirtualClock(MONDAY_NOON)
    limiter = Limiter(flat_limits(burst=1, day=1000), clock)
    permit = limiter.acquire("objects")
    clock.sleep(3)
    limiter.release(permit)
    send(limiter)
    assert clock.monotonic() == pytest.approx(13, abs=0.01)


@pytest.mark.parametrize("true_limit", [100, 190])
def test_the_header_raises_or_lowers_the_seed(true_limit):
    limiter = Limiter(flat_limits(burst=150, day=1000), VirtualClock(MONDAY_NOON))
    assert limiter.limit("objects") == 150
    send(limiter, told=headers(limit=true_limit, remaining=true_limit - 1))
    assert limiter.limit("objects") == true_limit


def test_a_ceiling_wins_over_a_larger_header():
    params = flat_limits(burst=150, day=1000)
    capped = params.families["objects"].model_copy(update={"burst_ceiling": 120, "day_ceiling": 5})
    clock = VirtualClock(MONDAY_NOON)
    limiter = Limiter(changed(params, families={**params.families, "objects": capped}), clock)
    send(limiter, told=headers(limit=190, remaining=189, daily=1_000_000, left=999_999))
    assert limiter.limit("objects") == 120
    for _ in range(4):
        send(limiter)
    with pytest.raises(TargetUnreachable):
        limiter.acquire("objects")


def test_families_have_budgets_of_their_own():
    clock = VirtualClock(MONDAY_NOON)
    limiter = Limiter(flat_limits(burst=1, day=1000, association_burst=1), clock)
    for family in ("objects", "associations", "search"):
        send(limiter, family)
    assert clock.monotonic() == 0


def test_searches_are_counted_by_the_second():
    clock = VirtualClock(MONDAY_NOON)
    limiter = Limiter(flat_limits(burst=100, day=1000), clock)
    for _ in range(9):
        send(limiter, "search")
    assert clock.monotonic() == pytest.approx(2, abs=0.01)


def test_what_others_have_used_is_not_used_again():
    clock = VirtualClock(MONDAY_NOON)
    limiter = Limiter(flat_limits(burst=10, day=1000), clock)
    send(limiter, told=headers(limit=10, remaining=3))
    for _ in range(3):
        send(limiter, told=headers(limit=10, remaining=3))
    assert clock.monotonic() == 0
    send(limiter)
    assert clock.monotonic() >= 10


def test_our_own_requests_are_not_taken_for_those_of_others():
    clock = VirtualClock(MONDAY_NOON)
    limiter = Limiter(flat_limits(burst=10, day=1000), clock)
    for used in range(1, 11):
        send(limiter, told=headers(limit=10, remaining=10 - used))
    assert clock.monotonic() == 0


def test_a_share_is_left_for_others():
    params = changed(flat_limits(burst=100, day=1000), left_for_others=LeftForOthers(burst=0.1, day=0.5))
    limiter = Limiter(params, VirtualClock(MONDAY_NOON))
    assert limiter.limit("objects") == 90
    send(limiter, told=headers(limit=100, remaining=99, daily=100, left=51))
    send(limiter)
    with pytest.raises(TargetUnreachable, match="midnight"):
        limiter.acquire("objects")


def test_requests_of_others_within_their_share_do_not_slow_us_down():
    params = changed(flat_limits(burst=100, day=1000), left_for_others=LeftForOthers(burst=0.1))
    clock = VirtualClock(MONDAY_NOON)
    limiter = Limiter(params, clock)
    for used in range(90):
        send(limiter, told=headers(limit=100, remaining=100 - used - 1 - 10))
    assert clock.monotonic() == 0


def test_business_hours_lower_the_rate_in_the_zone_of_the_account():
    hours = BusinessHours.model_validate({"days": ["mon"], "from": "08:00", "to": "18:00", "share": 0.5})
    params = changed(flat_limits(burst=10, day=1000), business_hours=hours)

    def burst_at(moment, zone):
        clock = VirtualClock(moment)
        limiter = Limiter(params, clock, zone)
        sent = 0
        while clock.monotonic() == 0:
            send(limiter)
            sent += 1
        return sent - 1

    assert burst_at(MONDAY_NOON, "UTC") == 5
    assert burst_at(MONDAY_NOON, "Pacific/Auckland") == 10
    assert burst_at(MONDAY_NOON + dt.timedelta(hours=6), "UTC") == 10
    assert burst_at(MONDAY_NOON + dt.timedelta(days=1), "UTC") == 10


def test_the_day_ends_at_midnight_of_the_account():
    clock = VirtualClock(dt.datetime(2026, 1, 5, 23, 0, tzinfo=dt.UTC))
    limiter = Limiter(flat_limits(burst=100, day=3), clock, "America/New_York", wait_for_midnight=True)
    for _ in range(4):
        send(limiter)
    assert clock.now().astimezone(ZoneInfo("America/New_York")) == dt.datetime(
        2026, 1, 6, 0, 0, 1, tzinfo=ZoneInfo("America/New_York")
    )
    assert limiter.used_today("objects") == 1


def test_the_portal_may_say_that_the_day_is_used_up():
    clock = VirtualClock(MONDAY_NOON)
    limiter = Limiter(flat_limits(burst=100, day=1_000_000), clock)
    send(limiter)
    limiter.day_exhausted("objects")
    with pytest.raises(TargetUnreachable, match="UTC"):
        limiter.acquire("objects")
    clock.sleep(13 * 3600)
    send(limiter)


def test_a_pause_holds_everybody_of_the_family_back():
    clock = VirtualClock(MONDAY_NOON)
    limiter = Limiter(flat_limits(burst=100, day=1000), clock)
    limiter.pause("objects", 7)
    send(limiter, "associations")
    assert clock.monotonic() == 0
    send(limiter)
    assert clock.monotonic() == 7


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-05-01", 24)], ids=["spring", "autumn", "may"]
)
def test_days_of_the_clock_change_are_shorter_and_longer(day, hours):
    zone = ZoneInfo("America/New_York")
    start = dt.datetime.fromisoformat(day).replace(tzinfo=zone).astimezone(dt.UTC)
    assert seconds_to_midnight(start, zone) == hours * 3600 + 1


def test_the_committed_limits_file_is_sound():
    params = load_limits()
    assert params.families["objects"].burst_seed == 150
    assert params.families["objects"].day_seed == 650_000


def test_mistakes_of_the_limits_file_are_reported_together(tmp_path):
    path = tmp_path / "limits.yml"
    path.write_text(
        "families:\n  objects: {burst_seed: 0}\n  associations: {burst_seed: 1}\n  search: {burst_seed: 1}\n"
        "left_for_others: {burst: 1.5}\nbusiness_hours: {days: [mon], from: 480, to: '18:00', share: 0.5}\n"
    )
    with pytest.raises(ConfigurationError) as refused:
        load_limits(path)
    told = "\n".join(refused.value.mistakes)
    assert "line 2" in told and "line 5" in told and "line 6" in told


def test_a_missing_family_is_named(tmp_path):
    path = tmp_path / "limits.yml"
    path.write_text("families:\n  objects: {burst_seed: 1}\n  search: {burst_seed: 1}\n")
    with pytest.raises(ConfigurationError, match="associations"):
        load_limits(path)
