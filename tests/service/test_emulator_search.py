"""Search of an emulated portal: operators, paging, its caps, and the lag of its index."""

import pytest

from ennu_lib.emulator import running
from tests.support.emulated_portal import CALM, EmulatedPortal, choice, text_property, upsert_input

SEARCH = "/crm/v3/objects/contacts/search"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with running(tmp_path_factory.mktemp("search") / "portal.sqlite", settings=CALM, virtual_clock=True) as url:
        yield EmulatedPortal(url)


@pytest.fixture
def portal(emulator):
    emulator.renew()
    emulator.define(
        text_property("key", hasUniqueValue=True),
        text_property("age", type="number", fieldType="number"),
        text_property("born", type="date", fieldType="date"),
        text_property("seen", type="datetime", fieldType="date"),
        choice("tags", "abc", "checkbox"),
    )
    return emulator


@pytest.fixture
def people(portal):
    rows = [
        upsert_input("ada", firstname="Ada Maria", age="9", born="1990-05-01", seen="2026-01-01T10:00:00Z", tags="a;b"),
        upsert_input("ben", firstname="Ben", age="30", born="2001-12-31", seen="2026-01-01T10:00:00.500Z", tags="b"),
        upsert_input("cleo", firstname="Cleo", age="100", born="1990-05-02"),
        upsert_input("dan", email="dan@example.com"),
    ]
    assert portal.batch("contacts", "upsert", *rows).status_code == 200
    return portal


def keys(portal, *filters, **body):
    groups = [{"filters": list(filters)}] if filters else []
    found = portal.ok("POST", SEARCH, {"filterGroups": groups, "properties": ["key"], **body})
    return [r["properties"]["key"] for r in found["results"]]


def match(name, operator, value=None, **more):
    return {"propertyName": name, "operator": operator, **({"value": value} if value is not None else {}), **more}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (match("key", "EQ", "ada"), {"ada"}),
        (match("firstname", "EQ", "BEN"), {"ben"}),
        (match("firstname", "NEQ", "Ben"), {"ada", "cleo", "dan"}),
        (match("age", "GT", "9"), {"ben", "cleo"}),
        (match("age", "GTE", "30"), {"ben", "cleo"}),
        (match("age", "LT", "100"), {"ada", "ben"}),
        (match("age", "LTE", 9), {"ada"}),
        (match("age", "BETWEEN", "9", highValue="30"), {"ada", "ben"}),
        (match("born", "BETWEEN", "1990-05-01", highValue="1990-05-02"), {"ada", "cleo"}),
        (match("born", "LT", "641692800000"), {"ada", "cleo"}),
        (match("seen", "GT", "2026-01-01T10:00:00Z"), {"ben"}),
        (match("firstname", "IN", values=["ben", "cleo"]), {"ben", "cleo"}),
        (match("firstname", "NOT_IN", values=["ben", "cleo"]), {"ada"}),
        (match("firstname", "HAS_PROPERTY"), {"ada", "ben", "cleo"}),
        (match("firstname", "NOT_HAS_PROPERTY"), {"dan"}),
        (match("firstname", "CONTAINS_TOKEN", "maria"), {"ada"}),
        (match("firstname", "CONTAINS_TOKEN", "mar*"), {"ada"}),
        (match("firstname", "CONTAINS_TOKEN", "mar"), set()),
        (match("email", "CONTAINS_TOKEN", "*@example.com"), {"dan"}),
        (match("firstname", "NOT_CONTAINS_TOKEN", "maria"), {"ben", "cleo", "dan"}),
        (match("tags", "EQ", "b"), {"ada", "ben"}),
        (match("email", "EQ", "DAN@example.com"), {"dan"}),
        (match("hs_object_id", "GTE", "100000003"), {"cleo", "dan"}),
    ],
)
def test_operators(people, condition, expected):
    assert set(keys(people, condition)) == expected


def test_filters_of_a_group_are_and_and_groups_are_or(people):
    both = [match("age", "GT", "9"), match("born", "LT", "2000-01-01")]
    assert keys(people, *both) == ["cleo"]
    groups = [{"filters": both}, {"filters": [match("key", "EQ", "dan")]}]
    assert set(keys(people, filterGroups=groups)) == {"cleo", "dan"}


def test_a_query_looks_into_the_searchable_properties(people):
    assert keys(people, query="maria ada") == ["ada"]
    assert keys(people, query="dan@example.com") == ["dan"]
    assert keys(people, query="nobody") == []


def test_sorting_and_paging(people):
    numbers = [{"propertyName": "age", "direction": "DESCENDING"}]
    assert keys(people, match("age", "HAS_PROPERTY"), sorts=numbers) == ["cleo", "ben", "ada"]
    assert keys(people, match("age", "HAS_PROPERTY"), sorts=["age"]) == ["ada", "ben", "cleo"]
    page = people.ok("POST", SEARCH, {"limit": 3, "sorts": ["key"]})
    assert page["total"] == 4 and page["paging"]["next"]["after"] == "3"
    assert keys(people, limit=3, after="3", sorts=["key"]) == ["dan"]


def test_default_properties(people):
    (found,) = people.ok("POST", SEARCH, {"query": "cleo"})["results"]
    expected = {"createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"}
    assert found["properties"].keys() == expected


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201}, {"limit": 0}, {"after": "x"}, {"limit": 100, "after": "9901"},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [match("age", "GT", "1")] * 7}]},
        {"filterGroups": [{"filters": [match("age", "GT", "1")] * 5}] * 4},
        {"filterGroups": [{"filters": [match("nothing", "EQ", "1")]}]},
        {"filterGroups": [{"filters": [match("age", "LIKE", "1")]}]},
        {"filterGroups": [{"filters": [match("age", "EQ")]}]},
        {"filterGroups": [{"filters": [match("age", "GT", "old")]}]},
        {"filterGroups": [{"filters": [match("born", "GT", "old")]}]},
        {"filterGroups": [{"filters": [match("age", "IN", "1")]}]},
        {"filterGroups": [{"filters": [match("age", "BETWEEN", "1")]}]},
        {"query": "x" * 3_001}, {"sorts": ["nothing"]},
    ],
)  # fmt: skip
def test_searches_that_are_refused(people, body):
    people.refused("POST", SEARCH, body)


def test_the_last_page_within_ten_thousand_is_served(people):
    assert people.ok("POST", SEARCH, {"limit": 100, "after": "9900"})["results"] == []


def test_archived_records_never_appear(people):
    record_id = people.ok("GET", "/crm/v3/objects/contacts/ada", idProperty="key")["id"]
    people.batch("contacts", "archive", {"id": record_id})
    assert set(keys(people)) == {"ben", "cleo", "dan"}


def test_the_index_lags_behind(portal):
    portal.set(search_lag_seconds=5)
    portal.batch("contacts", "upsert", upsert_input("ada", city="Rome"))
    rome, bari = match("city", "EQ", "Rome"), match("city", "EQ", "Bari")
    assert keys(portal, rome) == []
    portal.ok("POST", "/_clock", {"advance": 6})
    assert keys(portal, rome) == ["ada"]
    portal.batch("contacts", "upsert", upsert_input("ada", city="Bari"))
    assert keys(portal, rome) == ["ada"] and keys(portal, bari) == []
    portal.ok("POST", "/_clock", {"advance": 3})
    portal.batch("contacts", "upsert", upsert_input("ada", city="Bari", zip="1"))
    portal.ok("POST", "/_clock", {"advance": 3})
    assert keys(portal, rome) == ["ada"] and keys(portal, bari) == []
    portal.ok("POST", "/_clock", {"advance": 3})
    assert keys(portal, rome) == [] and keys(portal, bari) == ["ada"]


def test_a_search_of_a_custom_object(portal):
    type_id = portal.make_type("labs", text_property("note"), searchableProperties=["note"])
    portal.add(type_id, {"key": "k1", "note": "thyroid panel"}, {"key": "k2", "note": "lipids"})
    found = portal.ok("POST", f"/crm/objects/2026-09/{type_id}/search", {"query": "panel", "properties": ["key"]})
    assert found["total"] == 1 and found["results"][0]["properties"]["key"] == "k1"
