"""Faults on request: what the caller sees, and what was written."""

import threading
import time

import httpx
import pytest

from ennu_lib.emulator import running
from tests.support.emulated_portal import CALM, EmulatedPortal, text_property, upsert_input

PATH = "/crm/v3/objects/contacts/batch/create"
ROWS = {"inputs": [{"properties": {"firstname": str(i)}} for i in range(10)]}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with running(tmp_path_factory.mktemp("faults") / "portal.sqlite", settings=CALM) as url:
        yield EmulatedPortal(url)


@pytest.fixture
def portal(emulator):
    return emulator.renew()


@pytest.mark.parametrize(
    ("kind", "status", "written"),
    [
        ("locked", 423, 0), ("burst", 429, 0), ("daily", 429, 0), ("migrating", 477, 0), ("server_error", 500, 0),
        ("gateway_timeout", 504, 0), ("silent_empty", 200, 0), ("partial", 500, 5), ("bad_gateway", 502, 10),
        ("html", 200, 10), ("truncated", 201, 10), ("missing_results", 201, 10),
    ],
)  # fmt: skip
def test_what_is_answered_and_what_is_written(portal, kind, status, written):
    portal.fault(kind, times=1)
    answer = portal.call("POST", PATH, ROWS)
    assert answer.status_code == status and portal.count() == written
    assert portal.call("POST", PATH, ROWS).status_code == 201


@pytest.mark.parametrize(
    ("kind", "written"),
    [("reset_before", 0), ("reset_after", 10), ("drop_after_write", 10), ("commit_then_timeout", 10)],
)
def test_answers_that_never_come(portal, kind, written):
    portal.fault(kind, times=1, seconds=0.1)
    with pytest.raises(httpx.TransportError):
        portal.call("POST", PATH, ROWS)
    assert portal.count() == written


def test_a_client_that_gives_up_first(portal):
    portal.fault("commit_then_timeout", times=1, seconds=30)
    with pytest.raises(httpx.ReadTimeout):
        portal.http.post(PATH, json=ROWS, timeout=0.2)
    assert portal.count() == 10 and portal.call("GET", "/crm/v3/objects/contacts").status_code == 200


def test_answers_that_are_no_json(portal):
    portal.fault("html", times=1)
    assert portal.call("POST", PATH, ROWS).headers["content-type"].startswith("text/html")
    portal.fault("truncated", times=1)
    with pytest.raises(ValueError):
        portal.call("POST", PATH, ROWS).json()


def test_results_that_are_in_neither_list(portal):
    portal.fault("missing_results", times=1)
    body = portal.call("POST", PATH, ROWS).json()
    assert len(body["results"]) == 7 and "errors" not in body
    portal.fault("silent_empty", times=1)
    body = portal.call("POST", PATH, ROWS).json()
    assert body["results"] == [] and "errors" not in body


@pytest.mark.parametrize("kind", ["slow", "drip"])
def test_answers_that_take_their_time(portal, kind):
    portal.fault(kind, times=1, seconds=0.4)
    started = time.monotonic()
    assert len(portal.call("POST", PATH, ROWS).json()["results"]) == 10
    assert time.monotonic() - started >= 0.35


def test_the_migration_says_when_to_come_back(portal):
    portal.fault("migrating", times=1, seconds=120)
    assert portal.call("POST", PATH, ROWS).headers["retry-after"] == "120"


def test_another_status(portal):
    portal.fault("server_error", times=1, status=524)
    assert portal.call("POST", PATH, ROWS).status_code == 524


def test_a_rule_names_the_requests_that_it_befalls(portal):
    portal.fault("server_error", method="POST", path="/batch/", skip=1, times=2)
    reads = [portal.call("GET", "/crm/v3/objects/contacts").status_code for _ in range(3)]
    writes = [portal.call("POST", PATH, ROWS).status_code for _ in range(4)]
    assert reads == [200] * 3 and writes == [201, 500, 500, 201]
    assert portal.ok("GET", "/_faults")["counts"] == [{"matched": 4, "fired": 2}]
    assert [entry.get("fault") for entry in portal.ok("GET", "/_log")["log"][-4:]] == [
        None, "server_error", "server_error", None,
    ]  # fmt: skip


def test_one_seed_gives_one_run(portal):
    def run(seed):
        portal.fault("server_error", seed=seed, probability=0.4)
        return [portal.call("GET", "/crm/v3/objects/contacts").status_code for _ in range(30)]

    first = run(1)
    assert run(1) == first != run(2) and 200 in first and 500 in first


def test_a_plan_that_cannot_be_is_refused(portal):
    for rule in ({"kind": "nonsense"}, {"kind": "slow", "path": "("}, {"kind": "slow", "probability": 2}):
        assert portal.call("POST", "/_faults", {"rules": [rule]}).status_code == 400


def test_the_first_rule_that_fires_wins_and_all_can_be_ended(portal):
    rules = [{"kind": "locked", "times": 1}, {"kind": "server_error"}]
    portal.ok("POST", "/_faults", {"rules": rules})
    path = "/crm/v3/objects/contacts"
    assert [portal.call("GET", path).status_code for _ in range(3)] == [423, 500, 500]
    portal.call("DELETE", "/_faults")
    assert portal.call("GET", path).status_code == 200


def test_a_record_that_is_being_written_is_locked(portal):
    portal.define(text_property("key", hasUniqueValue=True))
    portal.set(latency_seconds=0.4)
    statuses = {}

    def write(name, *keys):
        statuses[name] = portal.batch("contacts", "upsert", *(upsert_input(key) for key in keys)).status_code

    threads = [threading.Thread(target=write, args=("first", "a", "b"))]
    threads[0].start()
    time.sleep(0.1)
    threads += [threading.Thread(target=write, args=("same", "b", "c"))]
    threads += [threading.Thread(target=write, args=("other", "d"))]
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == {"first": 200, "same": 423, "other": 200}
    assert portal.batch("contacts", "upsert", upsert_input("b")).status_code == 200


def test_in_virtual_time_slow_answers_come_at_once(tmp_path):
    with running(tmp_path / "portal.sqlite", settings=CALM, virtual_clock=True) as url:
        portal = EmulatedPortal(url)
        portal.fault("slow", times=1, seconds=3_600)
        before = portal.ok("GET", "/_clock")["monotonic"]
        portal.ok("POST", PATH, ROWS)
        assert portal.ok("GET", "/_clock")["monotonic"] == pytest.approx(before + 3_600)
        portal.fault("commit_then_timeout", times=1, seconds=3_600)
        with pytest.raises(httpx.RemoteProtocolError):
            portal.call("POST", PATH, ROWS)
        assert portal.ok("GET", "/_clock")["monotonic"] == pytest.approx(before + 7_200) and portal.count() == 20
