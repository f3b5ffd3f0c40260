"""Imports of an emulated portal: what becomes of the rows, what is refused, and how it is told."""

import json
import time

import pytest

from ennu_lib.emulator import running
from tests.support.emulated_portal import CALM, EmulatedPortal, text_property

IMPORTS = "/crm/v3/imports"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with running(tmp_path_factory.mktemp("imports") / "portal.sqlite", settings=CALM) as url:
        yield EmulatedPortal(url)


@pytest.fixture
def portal(emulator):
    emulator.renew()
    emulator.define(text_property("key", hasUniqueValue=True), text_property("age", type="number", fieldType="number"))
    return emulator


def columns(*mappings):
    return [
        {
            "columnObjectTypeId": "0-1",
            "columnName": name,
            "propertyName": prop,
            **({"columnType": kind} if kind else {}),
        }
        for name, prop, kind in mappings
    ]


KEYED = columns(("Key", "key", "HUBSPOT_ALTERNATE_ID"), ("First", "firstname", None), ("Age", "age", None))


def start(portal, text, mappings=KEYED, **page):
    request = {
        "name": "leads",
        "files": [{"fileName": "a.csv", "fileImportPage": {"hasHeader": True, **page, "columnMappings": mappings}}],
    }
    form = {"importRequest": (None, json.dumps(request)), "files": ("a.csv", text.encode(), "text/csv")}
    return portal.http.post(IMPORTS, files=form)


def finished(portal, import_id):
    deadline = time.monotonic() + 20
    while (found := portal.ok("GET", f"{IMPORTS}/{import_id}"))["state"] not in ("DONE", "FAILED", "CANCELED"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_rows_are_upserted_by_a_unique_property(portal):
    portal.add("contacts", {"key": "k1", "firstname": "Old"})
    begun = start(portal, "Key,First,Age\nk1,Ada,30\nk2,Ben,\n").json()
    assert begun["state"] == "STARTED" and begun["importName"] == "leads"
    done = finished(portal, begun["id"])
    assert done["state"] == "DONE" and done["mappedObjectTypeIds"] == ["0-1"]
    counters = done["metadata"]["counters"]
    assert (counters["TOTAL_ROWS"], counters["CREATED_OBJECTS"], counters["UPDATED_OBJECTS"]) == (2, 1, 1)
    found = portal.ok("GET", "/crm/v3/objects/contacts/k1", idProperty="key", properties="firstname,age")
    assert (found["properties"]["firstname"], found["properties"]["age"]) == ("Ada", "30") and portal.count() == 2


def test_rows_without_a_key_are_created_and_rows_with_a_record_id_updated(portal):
    plain = columns(("First", "firstname", None))
    finished(portal, start(portal, '\ufeffFirst\n"Ada, the first"\nBen\n', plain).json()["id"])
    ids = [r["id"] for r in portal.ok("GET", "/crm/v3/objects/contacts")["results"]]
    by_id = columns(("Id", "hs_object_id", "HUBSPOT_OBJECT_ID"), ("First", "firstname", None))
    done = finished(portal, start(portal, f"Id,First\n{ids[0]},Eve\n77,No\n", by_id).json()["id"])
    assert portal.read("contacts", ids[0], "firstname")["firstname"] == "Eve" and portal.count() == 2
    assert done["metadata"]["counters"]["ERRORS"] == 1


def test_refused_values_are_told_with_line_and_column(portal):
    done = finished(portal, start(portal, "Key,First,Age\nk1,Ada,old\nk2,Ben,3\n").json()["id"])
    assert done["metadata"]["counters"]["ERRORS"] == 1 and portal.count() == 1
    (error,) = portal.ok("GET", f"{IMPORTS}/{done['id']}/errors")["results"]
    assert error["errorType"] == "COULD_NOT_PARSE_NUMBER" and error["invalidValue"] == "old"
    assert error["sourceData"]["lineNumber"] == 2 and error["knownColumnNumber"] == 2


def test_a_file_without_a_header(portal):
    finished(portal, start(portal, "k1,Ada,30\n", hasHeader=False).json()["id"])
    assert portal.count() == 1


def test_a_large_import_gives_way_to_requests_and_can_be_cancelled(portal):
    rows = "".join(f"k{i},Ada,{i}\n" for i in range(20_000))
    begun = start(portal, "Key,First,Age\n" + rows).json()
    answer = portal.ok("POST", f"{IMPORTS}/{begun['id']}/cancel")
    assert answer["status"] == "COMPLETE"
    assert finished(portal, begun["id"])["state"] == "CANCELED"
    count = portal.count()
    assert count < 20_000 and count % 100 == 0
    portal.refused("POST", f"{IMPORTS}/{begun['id']}/cancel")


def test_three_imports_run_at_once_and_the_next_is_deferred(portal):
    rows = "Key,First,Age\n" + "".join(f"k{i},Ada,{i}\n" for i in range(3_000))
    begun = [start(portal, rows).json() for _ in range(4)]
    states = [b["state"] for b in begun]
    assert states[:3] == ["STARTED"] * 3 and states[3] in ("STARTED", "DEFERRED")
    assert {finished(portal, b["id"])["state"] for b in begun} == {"DONE"} and portal.count() == 3_000
    assert [i["id"] for i in portal.ok("GET", IMPORTS)["results"]] == [b["id"] for b in reversed(begun)]


@pytest.mark.parametrize(
    ("text", "mappings"),
    [
        ("Key\nk1\n", columns(("Nothing", "key", None))),
        ("Key\nk1\n", []),
        ("Key\nk1\n", [*columns(("Key", "key", None)), {"columnObjectTypeId": "0-2", "columnName": "Key"}]),
        ("Key\nk1\n", [{"columnObjectTypeId": "butterflies", "columnName": "Key", "propertyName": "key"}]),
    ],
)
def test_imports_that_are_refused(portal, text, mappings):
    assert start(portal, text, mappings).status_code == 400


def test_requests_that_are_no_import(portal):
    portal.refused("POST", IMPORTS, {"name": "x"})
    form = {"importRequest": (None, "no json"), "files": ("a.csv", b"a", "text/csv")}
    assert portal.http.post(IMPORTS, files=form).status_code == 400
    portal.refused("GET", f"{IMPORTS}/1", status=404)
    portal.refused("GET", f"{IMPORTS}/1/errors", status=404)


def test_the_rows_of_a_day_are_limited(portal):
    portal.set(tier="free")
    rows = "Key\n" + "k\n" * 500_001
    answer = start(portal, rows, columns(("Key", "key", None)))
    assert answer.status_code == 429 and answer.json()["totalImportRowsLimit"] == 500_000


def test_an_import_that_was_cut_off_has_failed(tmp_path):
    state = tmp_path / "portal.sqlite"
    with running(state, settings=CALM) as url:
        portal = EmulatedPortal(url)
        portal.define(text_property("key", hasUniqueValue=True), text_property("age"))
        rows = "Key,First,Age\n" + "".join(f"k{i},Ada,{i}\n" for i in range(50_000))
        begun = start(portal, rows).json()
    with running(state, settings=CALM) as url:
        assert EmulatedPortal(url).ok("GET", f"{IMPORTS}/{begun['id']}")["state"] == "FAILED"
