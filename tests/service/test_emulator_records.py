"""Records of an emulated portal: single calls and batches, keys, trace ids, what is written and what is refused."""

import pytest

from ennu_lib.emulator import running
from tests.support.emulated_portal import CALM, EmulatedPortal, choice, text_property, upsert_input


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with running(tmp_path_factory.mktemp("records") / "portal.sqlite", settings=CALM) as url:
        yield EmulatedPortal(url)


@pytest.fixture
def portal(emulator):
    emulator.renew()
    emulator.define(text_property("key", hasUniqueValue=True), choice("tags", "abc", "checkbox"))
    return emulator


def test_a_record_is_created_read_changed_and_archived(portal):
    made = portal.ok("POST", "/crm/v3/objects/contacts", {"properties": {"firstname": "Ada", "key": "k1"}})
    path = f"/crm/v3/objects/contacts/{made['id']}"
    assert made["properties"]["hs_object_id"] == made["id"] and made["archived"] is False
    changed = portal.ok("PATCH", path, {"properties": {"firstname": "Eve"}})
    assert changed["properties"]["firstname"] == "Eve"
    assert portal.read("contacts", made["id"], "firstname", "key")["key"] == "k1"
    assert portal.call("DELETE", path).status_code == 204
    assert portal.refused("GET", path, status=404)["category"] == "OBJECT_NOT_FOUND"
    gone = portal.ok("GET", path, archived="true")
    assert gone["archived"] is True and gone["archivedAt"] and portal.count() == 0


def test_a_record_is_found_by_its_unique_property(portal):
    (record_id,) = portal.add("contacts", {"key": "k1", "email": "Ada@Example.com"})
    by_key = portal.ok("GET", "/crm/v3/objects/contacts/k1", idProperty="key")
    by_mail = portal.ok("GET", "/crm/v3/objects/contacts/ADA@example.com", idProperty="email")
    assert by_key["id"] == by_mail["id"] == record_id
    error = portal.refused("GET", "/crm/v3/objects/contacts/Ada", idProperty="firstname")
    assert error["message"].startswith("Unable to perform update/upsert by non-unique 0-1 property firstname")


def test_what_is_asked_for_and_not_set_is_null_and_unknown_names_are_left_out(portal):
    (record_id,) = portal.add("contacts", {"firstname": "Ada"})
    found = portal.read("contacts", record_id, "firstname", "lastname", "nonsense")
    assert found["firstname"] == "Ada" and found["lastname"] is None and "nonsense" not in found
    assert {"hs_object_id", "createdate", "lastmodifieddate"} <= found.keys()


def test_values_come_back_as_text_and_addresses_in_lower_case(portal):
    portal.define(text_property("n", type="number", fieldType="number"))
    portal.define(text_property("d", type="date", fieldType="date"))
    sent = {"email": "Ada.Reyes@Example.COM", "n": 12.5, "d": 0, "firstname": 7}
    (record_id,) = portal.add("contacts", sent)
    found = portal.read("contacts", record_id, *sent)
    assert (found["email"], found["n"], found["d"], found["firstname"]) == (
        "ada.reyes@example.com", "12.5", "1970-01-01", "7",
    )  # fmt: skip


def test_null_changes_nothing_and_an_empty_string_clears(portal):
    (record_id,) = portal.add("contacts", {"firstname": "Ada", "lastname": "Reyes"})
    portal.ok("PATCH", f"/crm/v3/objects/contacts/{record_id}", {"properties": {"firstname": None, "lastname": ""}})
    found = portal.read("contacts", record_id, "firstname", "lastname")
    assert found["firstname"] == "Ada" and found["lastname"] is None


def test_a_leading_semicolon_appends_to_a_multiple_choice(portal):
    (record_id,) = portal.add("contacts", {"tags": "a"})
    path = f"/crm/v3/objects/contacts/{record_id}"
    portal.ok("PATCH", path, {"properties": {"tags": ";b;a"}})
    assert portal.read("contacts", record_id, "tags")["tags"] == "a;b"
    portal.ok("PATCH", path, {"properties": {"tags": "c"}})
    assert portal.read("contacts", record_id, "tags")["tags"] == "c"


def test_every_invalid_value_of_a_request_is_named(portal):
    sent = {"email": "nobody", "tags": "a;x", "nonsense": "1", "hs_object_id": "5"}
    error = portal.refused("POST", "/crm/v3/objects/contacts", {"properties": sent})
    assert error["category"] == "VALIDATION_ERROR" and error["message"].startswith("Property values were not valid: [")
    assert {(e["context"]["propertyName"][0], e["code"]) for e in error["errors"]} == {
        ("email", "INVALID_EMAIL"),
        ("tags", "INVALID_OPTION"),
        ("nonsense", "PROPERTY_DOESNT_EXIST"),
        ("hs_object_id", "READ_ONLY_VALUE"),
    }
    assert portal.count() == 0


def test_a_hundred_inputs_are_taken_and_one_more_is_too_many(portal):
    rows = [upsert_input(f"k{i}") for i in range(101)]
    error = portal.refused("POST", "/crm/v3/objects/contacts/batch/upsert", {"inputs": rows})
    assert error["message"].startswith("The maximum number of inputs supported in a batch is 100.")
    assert portal.count() == 0
    assert len(portal.batch("contacts", "upsert", *rows[:100]).json()["results"]) == 100


def test_an_upsert_creates_then_changes_and_says_which(portal):
    first = portal.batch("contacts", "upsert", upsert_input("k1", firstname="Ada"), upsert_input("k2")).json()
    second = portal.batch("contacts", "upsert", upsert_input("k1", lastname="Reyes"), upsert_input("k3")).json()
    assert {r["properties"]["key"]: r["new"] for r in first["results"]} == {"k1": True, "k2": True}
    assert {r["properties"]["key"]: r["new"] for r in second["results"]} == {"k1": False, "k3": True}
    record_id = next(r["id"] for r in first["results"] if r["properties"]["key"] == "k1")
    found = portal.read("contacts", record_id, "firstname", "lastname")
    assert (found["firstname"], found["lastname"]) == ("Ada", "Reyes") and portal.count() == 3


def test_an_upsert_takes_its_key_from_the_id_when_the_properties_lack_it(portal):
    item = {"id": "k9", "idProperty": "key", "properties": {"firstname": "Ada"}}
    (made,) = portal.batch("contacts", "upsert", item).json()["results"]
    assert made["properties"]["key"] == "k9"


@pytest.mark.parametrize("trace", [None, "t"])
def test_the_same_key_twice_refuses_the_whole_batch(portal, trace):
    rows = [upsert_input(key, trace and f"{trace}{i}") for i, key in enumerate(["k1", "K1", "k2"])]
    error = portal.refused("POST", "/crm/v3/objects/contacts/batch/upsert", {"inputs": rows})
    assert error["message"] == "Duplicate IDs found in batch input: [k1]. IDs must be unique"
    assert error["context"] == {"ids": ["k1"]} and error["category"] == "VALIDATION_ERROR" and portal.count() == 0


@pytest.mark.parametrize("name", ["hs_object_id", "firstname", "nonsense"])
def test_only_a_unique_property_is_a_key(portal, name):
    item = {"id": "5", "idProperty": name, "properties": {"lastname": "x"}}
    error = portal.refused("POST", "/crm/v3/objects/contacts/batch/upsert", {"inputs": [item]})
    assert f"by non-unique 0-1 property {name} in portal ID" in error["message"]


def test_an_upsert_needs_a_key(portal):
    item = {"id": "5", "properties": {"lastname": "x"}}
    portal.refused("POST", "/crm/v3/objects/contacts/batch/upsert", {"inputs": [item]})
    portal.refused("POST", "/crm/v3/objects/contacts/batch/upsert", {"inputs": [upsert_input("")]})


def test_an_update_by_address_is_refused_although_an_upsert_is_not(portal):
    item = upsert_input("ada@example.com", id_property="email", lastname="x")
    assert portal.batch("contacts", "upsert", item).status_code == 200
    assert "non-unique 0-1 property email" in portal.batch("contacts", "update", item).json()["message"]


def test_without_trace_ids_one_bad_row_refuses_all(portal):
    rows = [upsert_input("k1"), upsert_input("k2", email="nobody"), upsert_input("k3")]
    error = portal.refused("POST", "/crm/v3/objects/contacts/batch/upsert", {"inputs": rows})
    assert [e["code"] for e in error["errors"]] == ["INVALID_EMAIL"] and portal.count() == 0


@pytest.mark.parametrize(("version", "status"), [("v3", 207), ("2026-03", 207), ("2026-09", 200)])
def test_with_trace_ids_good_rows_are_written_and_bad_ones_named(portal, version, status):
    rows = [upsert_input("k1", "a"), upsert_input("k2", "b", email="nobody"), upsert_input("k3", "c")]
    answer = portal.batch("contacts", "upsert", *rows, version=version)
    body = answer.json()
    assert answer.status_code == status and body["numErrors"] == 1
    assert [e["context"]["objectWriteTraceId"] for e in body["errors"]] == [["b"]]
    assert sorted(r["properties"]["key"] for r in body["results"]) == ["k1", "k3"] and portal.count() == 2


def test_2026_09_can_be_made_to_answer_207(portal):
    portal.set(multi_status_2026_09=True)
    rows = [upsert_input("k1", "a"), upsert_input("k2", "b", email="nobody")]
    assert portal.batch("contacts", "upsert", *rows, version="2026-09").status_code == 207


def test_trace_ids_that_repeat_or_are_missing_are_none(portal):
    for traces in (("a", "a"), ("a", None)):
        rows = [upsert_input("k1", traces[0]), upsert_input("k2", traces[1], email="nobody")]
        assert portal.batch("contacts", "upsert", *rows).status_code == 400


def test_an_upsert_by_address_is_all_or_nothing(portal):
    rows = [
        upsert_input("a@example.com", "a", id_property="email"),
        upsert_input("b@example.com", "b", id_property="email", tags="x"),
    ]
    assert portal.batch("contacts", "upsert", *rows).status_code == 400 and portal.count() == 0


def test_unknown_ids_of_an_update_come_back_as_one_error_without_a_trace_id(portal):
    (record_id,) = portal.add("contacts", {"firstname": "Ada"})
    rows = [{"id": i, "properties": {"lastname": "x"}, "objectWriteTraceId": i} for i in (record_id, "77", "none")]
    answer = portal.batch("contacts", "update", *rows)
    (error,) = answer.json()["errors"]
    assert answer.status_code == 207 and error["context"] == {"ids": ["77", "none"]}
    assert [r["id"] for r in answer.json()["results"]] == [record_id]


def test_a_taken_address_is_a_conflict_that_names_the_holder(portal):
    (holder,) = portal.add("contacts", {"email": "ada@example.com"})
    error = portal.refused("POST", "/crm/v3/objects/contacts", {"properties": {"email": "ADA@example.com"}}, status=409)
    assert error["message"] == f"Contact already exists. Existing ID: {holder}" and error["category"] == "CONFLICT"


def test_a_taken_unique_value_is_refused_on_create_and_on_change(portal):
    holder, other = portal.add("contacts", {"key": "k1"}, {"key": "k2"})
    error = portal.refused("POST", "/crm/v3/objects/contacts", {"properties": {"key": "k1"}})
    assert error["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE" and holder in error["message"]
    portal.refused("PATCH", f"/crm/v3/objects/contacts/{other}", {"properties": {"key": "k1"}})
    portal.ok("PATCH", f"/crm/v3/objects/contacts/{holder}", {"properties": {"key": "k3"}})
    portal.ok("PATCH", f"/crm/v3/objects/contacts/{other}", {"properties": {"key": "k1"}})
    assert portal.ok("GET", "/crm/v3/objects/contacts/k1", idProperty="key")["id"] == other


def test_two_inputs_of_one_batch_cannot_share_a_unique_value(portal):
    rows = [{"properties": {"key": "k1"}, "objectWriteTraceId": str(i)} for i in range(2)]
    answer = portal.batch("contacts", "create", *rows).json()
    assert len(answer["results"]) == 1 and answer["errors"][0]["context"]["objectWriteTraceId"] == ["1"]
    assert portal.count() == 1


@pytest.mark.parametrize("keeps", [False, True])
def test_whether_an_archived_record_keeps_its_unique_value_is_a_setting(portal, keeps):
    portal.set(archived_record_keeps_unique_value=keeps)
    (record_id,) = portal.add("contacts", {"key": "k1"})
    assert portal.batch("contacts", "archive", {"id": record_id}).status_code == 204
    answer = portal.batch("contacts", "upsert", upsert_input("k1"))
    assert answer.status_code == (409 if keeps else 200)


def test_archiving_again_does_no_harm(portal):
    (record_id,) = portal.add("contacts", {"key": "k1"})
    for _ in range(2):
        assert portal.batch("contacts", "archive", {"id": record_id}, {"id": "5"}).status_code == 204
    assert portal.count() == 0


def test_a_batch_read_returns_what_is_there_and_one_error_for_the_rest(portal):
    portal.add("contacts", {"key": "k1"}, {"key": "k2"})
    body = {"idProperty": "key", "properties": ["key"], "inputs": [{"id": k} for k in ("k1", "k2", "k3", "k4")]}
    answer = portal.call("POST", "/crm/v3/objects/contacts/batch/read", body)
    assert answer.status_code == 207
    assert sorted(r["properties"]["key"] for r in answer.json()["results"]) == ["k1", "k2"]
    (error,) = answer.json()["errors"]
    assert error["category"] == "OBJECT_NOT_FOUND" and error["context"]["ids"] == ["k3", "k4"]


def test_a_batch_read_with_history_takes_fifty(portal):
    body = {"propertiesWithHistory": ["firstname"], "inputs": [{"id": str(i)} for i in range(51)]}
    error = portal.refused("POST", "/crm/v3/objects/contacts/batch/read", body)
    assert "for property histories is 50" in error["message"]
    (record_id,) = portal.add("contacts", {"firstname": "Ada"})
    body = {"propertiesWithHistory": ["firstname"], "properties": [], "inputs": [{"id": record_id}]}
    (found,) = portal.ok("POST", "/crm/v3/objects/contacts/batch/read", body)["results"]
    assert found["propertiesWithHistory"]["firstname"][0]["value"] == "Ada"


def test_results_come_back_in_another_order_than_they_were_sent(portal):
    rows = [upsert_input(f"k{i:02}") for i in range(50)]
    keys = [r["properties"]["key"] for r in portal.batch("contacts", "upsert", *rows).json()["results"]]
    assert sorted(keys) == [row["id"] for row in rows] and keys != sorted(keys)


def test_the_list_pages_through_every_record_once(portal):
    ids = portal.add("contacts", *({"key": f"k{i}"} for i in range(7)))
    found, after = [], None
    while True:
        page = portal.ok("GET", "/crm/v3/objects/contacts", limit=3, **({"after": after} if after else {}))
        found += [record["id"] for record in page["results"]]
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
    assert found == ids
    portal.refused("GET", "/crm/v3/objects/contacts", limit=101)


def test_required_properties_of_a_custom_object(portal):
    type_id = portal.make_type("labs", text_property("note"))
    error = portal.refused("POST", f"/crm/v3/objects/{type_id}", {"properties": {"note": "x"}})
    assert error["message"] == f"Error creating {type_id}. Some required properties were not set."
    assert error["context"] == {"properties": ["key"]}
    (record_id,) = portal.add(type_id, {"key": "k1"})
    portal.refused("PATCH", f"/crm/v3/objects/{type_id}/{record_id}", {"properties": {"key": ""}})


def test_administrators_rules_hold_on_the_2026_09_paths_only(portal):
    rules = [
        {"object_type": "contacts", "requires": "lastname"},
        {"object_type": "contacts", "requires": "city", "when_property": "country", "when_value": "Spain"},
    ]
    portal.set(admin_rules=rules)
    item = {"properties": {"firstname": "Ada", "country": "Spain"}}
    assert portal.batch("contacts", "create", item).status_code == 201
    error = portal.batch("contacts", "create", item, version="2026-09").json()
    assert {e["code"] for e in error["errors"]} == {
        "MISSING_REQUIRED_PROPERTY", "MISSING_CONDITIONAL_REQUIRED_PROPERTY",
    }  # fmt: skip


def test_the_record_cap_of_a_type_and_of_all_custom_objects(portal):
    portal.set(records={"0-1": 1}, custom_object_records=2)
    first, second = portal.make_type("labs"), portal.make_type("visits")
    portal.add("contacts", {"key": "k1"})
    error = portal.refused("POST", "/crm/v3/objects/contacts", {"properties": {"key": "k2"}})
    assert error["subCategory"] == "LIMIT_EXCEEDED"
    portal.add(first, {"key": "k1"})
    portal.add(second, {"key": "k1"})
    portal.refused("POST", f"/crm/v3/objects/{first}", {"properties": {"key": "k2"}})
    assert portal.batch(first, "upsert", upsert_input("k1")).status_code == 200


def test_merged_records_get_a_new_id_and_the_old_ids_lead_to_it(portal):
    first, second = portal.add(
        "contacts", {"key": "k1", "email": "a@example.com", "city": "Rome"}, {"email": "b@example.com", "zip": "1"}
    )
    body = {"primaryObjectId": first, "objectIdToMerge": second}
    merged = portal.ok("POST", "/crm/v3/objects/contacts/merge", body)
    assert merged["id"] not in (first, second) and portal.count() == 1
    for old in (first, second):
        found = portal.ok("GET", f"/crm/v3/objects/contacts/{old}", properties="city,zip,email,hs_merged_object_ids")
        assert found["id"] == merged["id"]
    assert found["properties"]["hs_merged_object_ids"] == f"{first};{second}"
    assert (found["properties"]["email"], found["properties"]["zip"]) == ("a@example.com", "1")
    update = portal.batch("contacts", "update", {"id": first, "properties": {"city": "Bari"}})
    assert update.json()["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    assert portal.ok("GET", "/crm/v3/objects/contacts/k1", idProperty="key")["id"] == merged["id"]


def test_a_forgotten_contact_is_gone_and_its_address_cannot_return(portal):
    (record_id,) = portal.add("contacts", {"email": "ada@example.com", "key": "k1"})
    body = {"objectId": "ada@example.com", "idProperty": "email"}
    assert portal.call("POST", "/crm/v3/objects/contacts/gdpr-delete", body).status_code == 204
    portal.refused("GET", f"/crm/v3/objects/contacts/{record_id}", status=404)
    portal.refused("GET", f"/crm/v3/objects/contacts/{record_id}", status=404, archived="true")
    portal.refused("POST", "/crm/v3/objects/contacts", {"properties": {"email": "Ada@example.com"}})
    assert portal.batch("contacts", "upsert", upsert_input("k1")).json()["results"][0]["new"] is True


def test_a_body_that_is_no_json_and_an_unknown_path(portal):
    answer = portal.http.post("/crm/v3/objects/contacts/batch/upsert", content=b"{", headers={})
    assert answer.status_code == 400 and answer.json()["correlationId"]
    portal.refused("GET", "/crm/v3/nothing", status=404)
    portal.refused("PUT", "/crm/v3/objects/contacts", status=405)
    portal.refused("POST", "/crm/v3/objects/contacts/batch/upsert", {"inputs": "x"})
    portal.refused("POST", "/crm/v3/objects/contacts/batch/create", {"inputs": [{"properties": {"firstname": []}}]})
    assert portal.count() == 0


def test_two_portals_with_the_same_content_have_the_same_digest(portal):
    def digests(keys):
        portal.renew()
        portal.define(text_property("key", hasUniqueValue=True))
        for key in keys:
            portal.batch("contacts", "upsert", upsert_input(key, firstname="Ada"))
        return portal.ok("GET", "/_state", digest="true")["digests"]

    one = digests(["a", "b", "c"])
    assert one["records"] and digests(["c", "a", "b"]) == one != digests(["a", "b", "d"])
