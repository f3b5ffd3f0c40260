"""Records and links against an emulated portal over HTTP: all API versions, every fault, many threads, virtual days."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ennu_lib.emulator import EmulatorSettings, running
from ennu_lib.errors import TargetRefused, TargetUnreachable
from ennu_lib.hubspot.apply import apply_plan
from ennu_lib.hubspot.client import connect
from ennu_lib.hubspot.limit_params import flat_limits
from ennu_lib.hubspot.live import read_portal
from ennu_lib.hubspot.outcomes import Link
from ennu_lib.hubspot.planning import make_plan
from ennu_lib.hubspot.portal_schema import load_portal_schema
from ennu_lib.hubspot.retry import RetryPolicy
from ennu_lib.hubspot.schema import EXTERNAL_ID
from ennu_lib.hubspot.shared_clock import SharedVirtualClock
from ennu_lib.hubspot.transport import Timeouts

pytestmark = pytest.mark.slow

LIMITS = flat_limits(1_000_000, 10_000_000, 1_000_000, 10_000_000)
UNLIMITED = EmulatorSettings(limits_enforced=False, burst=1_000_000, association_burst=1_000_000)
QUICK = RetryPolicy(attempts=12, first_seconds=0.01, locked_seconds=0.01, burst_seconds=0.01, migrating_seconds=0.01)
VERSIONS = ["v3", "2026-03", "2026-09"]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    schema = load_portal_schema()
    with running(tmp_path_factory.mktemp("portal") / "portal.sqlite", settings=UNLIMITED) as url:
        with connect(url, "test-token", limits=LIMITS) as client:
            plan = make_plan(schema, read_portal(client, schema))
            apply_plan(plan, client, schema, {"schema", "sensitive", "unique"})
        yield url


@pytest.fixture
def portal(emulator):
    httpx.delete(f"{emulator}/_faults")
    httpx.patch(f"{emulator}/_settings", json=UNLIMITED.model_dump(mode="json"))
    return emulator


@pytest.fixture
def client(portal):
    with connect(portal, "test-token", limits=LIMITS, policy=QUICK, timeouts=Timeouts(1, 1)) as client:
        yield client


def keys(prefix, count):
    return [f"{prefix}-{number:04d}" for number in range(count)]


def contacts(names, **more):
    return [{EXTERNAL_ID: name, "firstname": f"First {name}", **more} for name in names]


def break_it(portal, *rules, seed=11):
    httpx.post(f"{portal}/_faults", json={"seed": seed, "rules": list(rules)}).raise_for_status()


def records_held(portal, type_id="0-1"):
    return httpx.get(f"{portal}/_state").json()["object_types"][type_id]["records"]


@pytest.mark.parametrize("version", VERSIONS)
def test_upsert_read_list_archive(portal, version):
    names = keys(f"crud{version}", 150)
    with connect(portal, "test-token", version, limits=LIMITS) as client:
        for start in (0, 100):
            outcome = client.batch_upsert("contacts", EXTERNAL_ID, contacts(names[start : start + 100]))
            assert all(done.new for done in outcome.done.values())
        again = client.batch_upsert("contacts", EXTERNAL_ID, contacts(names[:100], lastname="Roe"))
        assert set(again.done) == set(names[:100]) and not any(done.new for done in again.done.values())

        found = client.batch_read("contacts", EXTERNAL_ID, [*names[:99], "nobody"], ["firstname", "lastname"])
        assert set(found.found) == set(names[:99]) and found.missing == {"nobody"} and not found.ambiguous
        assert found.found[names[7]].properties["firstname"] == f"First {names[7]}"

        listed = {
            record.properties.get(EXTERNAL_ID): record.id for record in client.list_records("contacts", [EXTERNAL_ID])
        }
        assert set(names) <= set(listed)
        client.batch_archive("contacts", [listed[name] for name in names[:100]])
        assert client.batch_read("contacts", EXTERNAL_ID, names[:100], []).missing == set(names[:100])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("multi_status", [True, False])
def test_bad_rows_are_rejected_and_good_rows_written(portal, version, multi_status):
    httpx.patch(f"{portal}/_settings", json={"multi_status_2026_09": multi_status})
    names = keys(f"bad{version}{multi_status}", 60)
    batch = contacts(names)
    batch[7]["patient_gender"] = "unheard-of"
    batch[8]["patient_date_of_birth"] = "31.12.1999"
    batch[9]["no_such_property"] = "x"
    with connect(portal, "test-token", version, limits=LIMITS) as client:
        outcome = client.batch_upsert("contacts", EXTERNAL_ID, batch)
    assert {key: (why.code, why.property) for key, why in outcome.rejected.items()} == {
        names[7]: ("INVALID_OPTION", "patient_gender"),
        names[8]: ("INVALID_DATE", "patient_date_of_birth"),
        names[9]: ("PROPERTY_DOESNT_EXIST", "no_such_property"),
    }
    assert set(outcome.done) == set(names) - set(outcome.rejected) and not outcome.ambiguous
    assert "unheard-of" not in str(outcome) and "31.12.1999" not in str(outcome)


def test_a_second_owner_of_a_unique_value_is_rejected(client):
    first, second = contacts(keys("mail", 2), email="Shared@Example.org")
    assert client.batch_upsert("contacts", EXTERNAL_ID, [first]).done
    outcome = client.batch_upsert("contacts", EXTERNAL_ID, [second])
    assert not outcome.done and outcome.rejected[second[EXTERNAL_ID]].category in ("CONFLICT", "VALIDATION_ERROR")


def test_empty_text_clears_and_none_leaves_alone(client):
    (name,) = keys("clear", 1)
    client.batch_upsert("contacts", EXTERNAL_ID, [{EXTERNAL_ID: name, "city": "Austin", "zip": "00501"}])
    client.batch_upsert("contacts", EXTERNAL_ID, [{EXTERNAL_ID: name, "city": "", "zip": None}])
    held = client.batch_read("contacts", EXTERNAL_ID, [name], ["city", "zip"]).found[name].properties
    assert held.get("city", "") == "" and held["zip"] == "00501"


FAULTS = {
    "reset_before": {},
    "locked": {},
    "burst": {},
    "migrating": {"seconds": 0},
    "server_error": {},
    "gateway_timeout": {},
    "silent_empty": {},
    "partial": {},
    "commit_then_timeout": {"seconds": 3, "times": 1},
    "drop_after_write": {},
    "reset_after": {},
    "bad_gateway": {},
    "html": {},
    "truncated": {},
    "drip": {"seconds": 4, "times": 1},
    "missing_results": {},
}


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_ends_with_every_record_written_once(client, portal, kind):
    """Two of five answers are spoilt; afterwards each record is in the portal once, and the client knows its id."""
    names = keys(f"fault-{kind}", 120)
    before = records_held(portal)
    break_it(portal, {"kind": kind, "path": "batch/upsert", "probability": 0.4, **FAULTS[kind]})
    done = {}
    for start in range(0, 120, 20):
        outcome = client.batch_upsert("contacts", EXTERNAL_ID, contacts(names[start : start + 20]))
        assert not outcome.rejected and not outcome.ambiguous
        done |= {key: result.id for key, result in outcome.done.items()}
    fired = httpx.get(f"{portal}/_faults").json()["counts"][0]["fired"]
    httpx.delete(f"{portal}/_faults")
    found = client.batch_read("contacts", EXTERNAL_ID, names[:100], []).found
    assert fired > 0 and records_held(portal) == before + 120
    assert {key: record.id for key, record in found.items()} == {key: done[key] for key in names[:100]}


def test_reading_survives_faults_too(client, portal):
    names = keys("readfault", 100)
    client.batch_upsert("contacts", EXTERNAL_ID, contacts(names))
    for kind in ("html", "truncated", "missing_results", "server_error", "reset_after"):
        break_it(portal, {"kind": kind, "path": "batch/read", "probability": 0.4})
        outcome = client.batch_read("contacts", EXTERNAL_ID, [*names[:50], "nobody"], ["firstname"])
        assert set(outcome.found) == set(names[:50]) and outcome.missing == {"nobody"}, kind


def test_a_portal_that_stays_silent_is_not_believed(client, portal):
    break_it(portal, {"kind": "silent_empty", "path": "batch/upsert"})
    outcome = client.batch_upsert("contacts", EXTERNAL_ID, contacts(keys("silent", 3)))
    assert outcome.ambiguous == set(keys("silent", 3)) and not outcome.done


def types_between(client, first, second):
    return {found["label"]: (found["category"], found["typeId"]) for found in client.association_labels(first, second)}


@pytest.mark.parametrize("version", VERSIONS)
def test_links_are_written_and_read_back_with_their_labels(portal, version):
    with connect(portal, "test-token", version, limits=LIMITS, policy=QUICK) as client:
        people = client.batch_upsert("contacts", EXTERNAL_ID, contacts(keys(f"link{version}", 40))).done
        staff = client.batch_upsert(
            "staff_management",
            EXTERNAL_ID,
            [{EXTERNAL_ID: key, "staff_id": key} for key in keys(f"staff{version}", 2)],
        ).done
        first, second = (found.id for found in staff.values())
        ids = [found.id for found in people.values()]
        types = types_between(client, "contacts", "staff_management")
        primary, team = types["Primary Provider"], types["Care Team"]
        links = [Link(person, first, (primary, team)) for person in ids] + [Link(ids[0], second, (team,))]
        outcome = client.associate("contacts", "staff_management", links)
        assert outcome.done == {link.pair for link in links} and not outcome.rejected and not outcome.ambiguous

        found = client.read_associations("contacts", "staff_management", ids)
        plain = types[None]
        assert found.links[ids[0]] == {first: {plain, primary, team}, second: {plain, team}}
        assert all(found.links[person] == {first: {plain, primary, team}} for person in ids[1:])
        backwards = client.read_associations("staff_management", "contacts", [first, second]).links
        assert set(backwards[first]) == set(ids) and set(backwards[second]) == {ids[0]}
        assert client.read_associations("contacts", "lab_results", ids[:3]).links == {person: {} for person in ids[:3]}


def test_records_with_more_links_than_a_page_are_read_whole(client):
    people = [
        done.id
        for start in range(0, 700, 100)
        for done in client.batch_upsert("contacts", EXTERNAL_ID, contacts(keys(f"page{start}", 100))).done.values()
    ]
    (staff,) = client.batch_upsert(
        "staff_management", EXTERNAL_ID, [{EXTERNAL_ID: "pg", "staff_id": "pg"}]
    ).done.values()
    team = types_between(client, "contacts", "staff_management")["Care Team"]
    assert (
        len(client.associate("contacts", "staff_management", [Link(p, staff.id, (team,)) for p in people]).done) == 700
    )
    assert set(client.read_associations("staff_management", "contacts", [staff.id]).links[staff.id]) == set(people)


def test_bad_pairs_are_found_among_good_ones(client):
    """HubSpot's errors of associations name ids at best, and a record linked to itself names nobody."""
    done = client.batch_upsert("contacts", EXTERNAL_ID, contacts(keys("pair", 30))).done
    ids = [found.id for found in done.values()]
    family = types_between(client, "contacts", "contacts")["Family Member"]
    good = [Link(ids[n], ids[n + 1], (family,)) for n in range(0, 28, 2)]
    bad = [Link(ids[0], ids[0], (family,)), Link(ids[1], "99999999999", (family,)), Link(ids[2], "what", (family,))]
    outcome = client.associate("contacts", "contacts", good + bad)
    assert outcome.done == {link.pair for link in good}
    assert set(outcome.rejected) == {link.pair for link in bad} and not outcome.ambiguous


@pytest.mark.parametrize("kind", ["drop_after_write", "html", "missing_results", "silent_empty", "bad_gateway"])
def test_links_survive_faults(client, portal, kind):
    people = [d.id for d in client.batch_upsert("contacts", EXTERNAL_ID, contacts(keys("lf" + kind, 50))).done.values()]
    labs = client.batch_upsert(
        "lab_results", EXTERNAL_ID, [{EXTERNAL_ID: k, "lab_results_id": k} for k in keys("lf" + kind, 50)]
    ).done
    plain = types_between(client, "contacts", "lab_results")[None]
    links = [Link(person, lab.id, (plain,)) for person, lab in zip(people, labs.values(), strict=True)]
    break_it(portal, {"kind": kind, "path": "associations.*batch/create", "probability": 0.4})
    outcome = client.associate("contacts", "lab_results", links)
    assert outcome.done == {link.pair for link in links}


def test_many_threads_never_meet_a_lock(portal):
    """The emulator answers 423 when two requests in flight write one record; one request per key range prevents it."""
    httpx.patch(f"{portal}/_settings", json={"latency_seconds": 0.02})
    before = httpx.get(f"{portal}/_stats").json()["by_status"].get("423", 0)
    batch = contacts(keys("threads", 50))
    with connect(portal, "test-token", limits=LIMITS, policy=QUICK) as client, ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(client.batch_upsert, "contacts", EXTERNAL_ID, batch) for _ in range(24)]
        assert all(set(write.result().done) == set(keys("threads", 50)) for write in writes)
    assert httpx.get(f"{portal}/_stats").json()["by_status"].get("423", 0) == before


def test_a_missing_sensitive_scope_stops_the_load_and_is_named(client, portal):
    scopes = ["crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.custom.read"]
    httpx.patch(f"{portal}/_settings", json={"scopes": scopes}).raise_for_status()
    assert client.batch_upsert("contacts", EXTERNAL_ID, contacts(keys("scope", 1))).done
    with pytest.raises(TargetRefused, match=r"crm\.objects\.contacts\.sensitive\.write"):
        client.batch_upsert("contacts", EXTERNAL_ID, contacts(keys("scope", 1), patient_gender="female"))


def limited(tmp_path, **limits):
    settings = EmulatorSettings(**limits)
    return running(tmp_path / "limited.sqlite", settings=settings, virtual_clock=True)


def test_a_low_limit_is_respected_without_a_single_429(tmp_path):
    """In virtual time: 300 requests at 20 per 10 s, seeded with a far larger limit than the true one."""
    with limited(tmp_path, burst=20) as url:
        clock = SharedVirtualClock(url)
        with connect(url, "test-token", limits=flat_limits(20, 100_000), clock=clock) as client:
            for _ in range(300):
                client.account()
        stats = httpx.get(f"{url}/_stats").json()
    assert "429" not in stats["by_status"]
    assert 140 <= clock.monotonic() <= 145


def test_a_seed_above_the_true_limit_costs_one_pause(tmp_path):
    """The first answer tells the truth, before the seed is used up."""
    with limited(tmp_path, burst=20) as url:
        clock = SharedVirtualClock(url)
        with connect(url, "test-token", limits=flat_limits(1000, 100_000), clock=clock) as client:
            for _ in range(100):
                client.account()
        assert "429" not in httpx.get(f"{url}/_stats").json()["by_status"]


def test_a_429_is_waited_out(tmp_path):
    with limited(tmp_path) as url:
        clock = SharedVirtualClock(url)
        break_it(url, {"kind": "burst", "times": 3})
        with connect(url, "test-token", limits=LIMITS, clock=clock) as client:
            client.account()
        assert clock.monotonic() == pytest.approx(30, abs=1)


def test_the_day_ends_at_midnight_of_the_account_in_virtual_time(tmp_path):
    with limited(tmp_path, daily=50, time_zone="America/Los_Angeles") as url:
        clock = SharedVirtualClock(url)
        with connect(url, "test-token", limits=flat_limits(190, 50), clock=clock, wait_for_midnight=True) as client:
            client.adopt_time_zone()
            for _ in range(120):
                client.account()
        stats = httpx.get(f"{url}/_stats").json()
        assert "429" not in stats["by_status"] and stats["requests"] >= 121
        assert clock.monotonic() > 24 * 3600


def test_a_used_up_day_stops_a_run_that_may_not_wait(tmp_path):
    with limited(tmp_path, daily=10) as url:
        clock = SharedVirtualClock(url)
        with (
            connect(url, "test-token", limits=flat_limits(190, 1000), clock=clock) as client,
            pytest.raises(TargetUnreachable, match="midnight"),
        ):
            for _ in range(20):
                client.account()
