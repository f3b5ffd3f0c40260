"""Limits of an emulated portal in virtual time: windows, days, headers, the three kinds of 429."""

import pytest

from ennu_lib.emulator import EmulatorSettings, running
from tests.support.emulated_portal import EmulatedPortal

LIMITED = EmulatorSettings(burst=4, association_burst=2, search_per_second=2, daily=10, association_daily=3)
CONTACTS = "/crm/v3/objects/contacts"
SEARCH = f"{CONTACTS}/search"
ASSOCIATIONS = "/crm/v4/associations/contacts/companies/labels"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with running(tmp_path_factory.mktemp("limits") / "portal.sqlite", virtual_clock=True) as url:
        yield EmulatedPortal(url)


@pytest.fixture
def portal(emulator):
    return emulator.renew(LIMITED)


def advance(portal, seconds):
    return portal.ok("POST", "/_clock", {"advance": seconds})


def statuses(portal, count, path=CONTACTS, method="GET", body=None):
    return [portal.call(method, path, body).status_code for _ in range(count)]


def test_time_moves_only_when_it_is_moved(portal):
    before = portal.ok("GET", "/_clock")
    assert before["virtual"] is True and portal.ok("GET", "/_clock") == before
    after = advance(portal, 90)
    assert after["monotonic"] == pytest.approx(before["monotonic"] + 90) and after["now"] > before["now"]
    assert portal.ok("POST", "/_clock", {"to": after["monotonic"] - 50}) == after
    made = portal.ok("POST", CONTACTS, {"properties": {"firstname": "a"}})
    assert made["createdAt"][:19] == after["now"][:19]


def test_the_window_rolls(portal):
    assert statuses(portal, 2) == [200, 200]
    advance(portal, 6)
    assert statuses(portal, 3) == [200, 200, 429]
    advance(portal, 3.9)
    assert statuses(portal, 1) == [429]
    advance(portal, 0.2)
    assert statuses(portal, 3) == [200, 200, 429]


def test_a_refused_request_says_which_policy_and_uses_up_nothing(portal):
    statuses(portal, 4)
    for _ in range(3):
        answer = portal.call("GET", CONTACTS)
        assert answer.status_code == 429 and "retry-after" not in answer.headers
    body = answer.json()
    assert body["policyName"] == "TEN_SECONDLY_ROLLING" and body["errorType"] == "RATE_LIMIT"
    assert body["message"] == "You have reached your ten_secondly_rolling limit."
    assert body["groupName"].startswith("publicapi:") and "category" not in body
    advance(portal, 10.1)
    assert statuses(portal, 1) == [200]


def test_associations_have_a_window_and_a_day_of_their_own(portal):
    assert statuses(portal, 3, ASSOCIATIONS) == [200, 200, 429]
    assert statuses(portal, 1) == [200]
    advance(portal, 11)
    assert statuses(portal, 1, ASSOCIATIONS) == [200]
    advance(portal, 11)
    answer = portal.call("GET", ASSOCIATIONS)
    assert answer.status_code == 429 and answer.json()["policyName"] == "DAILY"


def test_searches_are_limited_by_the_second_and_carry_no_headers(portal):
    answers = [portal.call("POST", SEARCH, {}) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert answers[2].json()["message"] == "You have reached your secondly limit."
    assert answers[2].json()["policyName"] == "SECONDLY"
    assert not any(name.startswith("x-hubspot-ratelimit") for a in answers for name in a.headers)
    advance(portal, 1.1)
    assert statuses(portal, 1, SEARCH, "POST", {}) == [200]


def test_headers_count_down(portal):
    found = [portal.call("GET", CONTACTS).headers for _ in range(2)]
    assert [h["x-hubspot-ratelimit-remaining"] for h in found] == ["3", "2"]
    assert [h["x-hubspot-ratelimit-daily-remaining"] for h in found] == ["9", "8"]
    assert found[0]["x-hubspot-ratelimit-max"] == "4" and found[0]["x-hubspot-ratelimit-daily"] == "10"
    assert found[0]["x-hubspot-ratelimit-interval-milliseconds"] == "10000"
    assert portal.call("GET", ASSOCIATIONS).headers["x-hubspot-ratelimit-max"] == "2"


def test_the_day_ends_at_midnight_in_the_accounts_time_zone(portal):
    portal.set(time_zone="Asia/Tokyo", burst=100)
    details = portal.ok("GET", "/account-info/v3/details")
    assert (details["timeZone"], details["utcOffset"]) == ("Asia/Tokyo", "+09:00")
    assert statuses(portal, 10) == [200] * 9 + [429]
    body = portal.call("GET", CONTACTS).json()
    assert body["policyName"] == "DAILY" and body["requestId"] and body["message"].endswith("your daily limit.")
    now = portal.ok("GET", "/_clock")["now"]
    hour, minute, second = int(now[11:13]), int(now[14:16]), float(now[17:26] if now[19] == "." else now[17:19])
    until_midnight = (15 - hour) % 24 * 3600 - minute * 60 - second
    advance(portal, until_midnight - 1)
    assert statuses(portal, 1) == [429]
    advance(portal, 2)
    assert statuses(portal, 1) == [200]


def test_retry_after_is_a_switch(portal):
    portal.set(retry_after_header=True)
    statuses(portal, 4)
    assert portal.call("GET", CONTACTS).headers["retry-after"] == "10"
    advance(portal, 7)
    assert portal.call("GET", CONTACTS).headers["retry-after"] == "3"


def test_limits_follow_the_tier_and_can_be_off(portal):
    portal.set(burst=None, association_burst=None, daily=None, tier="starter")
    found = portal.call("GET", CONTACTS).headers
    assert (found["x-hubspot-ratelimit-max"], found["x-hubspot-ratelimit-daily"]) == ("100", "250000")
    assert portal.call("GET", ASSOCIATIONS).headers["x-hubspot-ratelimit-max"] == "100"
    portal.set(burst=1, limits_enforced=False)
    assert statuses(portal, 3) == [200] * 3
    assert not any(name.startswith("x-hubspot-ratelimit") for name in portal.call("GET", CONTACTS).headers)


def test_usage_is_told_and_errors_are_counted(portal):
    statuses(portal, 3)
    portal.call("GET", f"{CONTACTS}/1")
    portal.call("GET", CONTACTS)
    stats = portal.ok("GET", "/_stats")
    assert stats["by_status"] == {"200": 3, "404": 1, "429": 1} and stats["error_ratio"] == 0.4
    assert stats["by_family"] == {"objects": 5} and stats["today"]["objects"] == 4
    advance(portal, 11)
    (usage,) = portal.ok("GET", "/account-info/v3/api-usage/daily/private-apps")["results"]
    assert (usage["usageLimit"], usage["currentUsage"]) == (10, 5) and usage["resetsAt"].endswith("Z")


def test_the_log_has_methods_paths_and_statuses_and_no_bodies(portal):
    portal.ok("POST", CONTACTS, {"properties": {"firstname": "Confidential"}})
    statuses(portal, 1)
    log = portal.ok("GET", "/_log")["log"]
    assert [(e["method"], e["path"], e["status"]) for e in log] == [("POST", CONTACTS, 201), ("GET", CONTACTS, 200)]
    assert "Confidential" not in str(log)
    assert portal.ok("GET", "/_log", after=log[0]["n"])["log"] == log[1:]


def test_settings_are_checked(portal):
    for wrong in ({"tier": "platinum"}, {"nonsense": 1}, {"burst": -1}):
        assert portal.call("PATCH", "/_settings", wrong).status_code == 400
    assert portal.ok("GET", "/_settings")["burst"] == 4


def test_the_days_count_and_the_time_outlive_the_process(tmp_path):
    state = tmp_path / "portal.sqlite"
    settings = EmulatorSettings(daily=5)
    with running(state, settings=settings, virtual_clock=True) as url:
        portal = EmulatedPortal(url)
        advance(portal, 1_000)
        assert statuses(portal, 3) == [200] * 3
        before = portal.ok("GET", "/_clock")["now"]
    with running(state, settings=settings, virtual_clock=True) as url:
        portal = EmulatedPortal(url)
        assert portal.ok("GET", "/_clock")["now"] == before
        assert statuses(portal, 3) == [200, 200, 429]


@pytest.mark.parametrize("body", ["x", "[]", '{"advance": -1}', '{"advance": "soon"}', '{"back": 1}', '{"to": 1e999}'])
def test_a_move_of_the_clock_that_cannot_be_is_refused(portal, body):
    before = portal.http.get("/_clock").json()
    assert portal.http.post("/_clock", content=body).status_code == 400
    assert portal.http.get("/_clock").json() == before


def test_real_time_cannot_be_moved(tmp_path):
    with running(tmp_path / "portal.sqlite") as url:
        assert EmulatedPortal(url).call("POST", "/_clock", {"advance": 1}).status_code == 409
