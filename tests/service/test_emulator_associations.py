"""Associations of an emulated portal: labels, both directions, caps, and what cannot be associated."""

import pytest

from ennu_lib.emulator import running
from tests.support.emulated_portal import CALM, EmulatedPortal

CREATE = "/crm/v4/associations/contacts/companies/batch/create"
LABELS = "/crm/v4/associations/contacts/companies/labels"
CAPS = "/crm/v4/associations/definitions/configurations/contacts/companies"
PLAIN = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}
PRIMARY = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with running(tmp_path_factory.mktemp("associations") / "portal.sqlite", settings=CALM) as url:
        yield EmulatedPortal(url)


@pytest.fixture
def portal(emulator):
    return emulator.renew()


@pytest.fixture
def people(portal):
    return portal.add("contacts", {"firstname": "a"}, {"firstname": "b"})


@pytest.fixture
def firms(portal):
    return portal.add("companies", {"name": "x"}, {"name": "y"}, {"name": "z"})


def pair(from_id, to_id, *types):
    return {"from": {"id": from_id}, "to": {"id": to_id}, "types": list(types)}


def spec(definition):
    return {"associationCategory": definition["category"], "associationTypeId": definition["typeId"]}


def associate(portal, *pairs):
    return portal.ok("POST", CREATE, {"inputs": list(pairs)})


def labels_of(portal, from_type, from_id, to_type):
    """Type ids by associated record."""
    found = portal.ok("GET", f"/crm/v4/objects/{from_type}/{from_id}/associations/{to_type}")
    return {str(r["toObjectId"]): {t["typeId"] for t in r["associationTypes"]} for r in found["results"]}


def test_an_association_is_seen_from_both_sides(portal, people, firms):
    associate(portal, pair(people[0], firms[0], PLAIN))
    assert labels_of(portal, "contacts", people[0], "companies") == {firms[0]: {279}}
    assert labels_of(portal, "companies", firms[0], "contacts") == {people[0]: {280}}


def test_the_unlabelled_association_is_always_there(portal, people, firms):
    associate(portal, pair(people[0], firms[0], PRIMARY))
    assert labels_of(portal, "contacts", people[0], "companies") == {firms[0]: {279, 1}}
    assert labels_of(portal, "companies", firms[0], "contacts") == {people[0]: {280, 2}}


def test_sent_labels_replace_the_labels_that_were_there(portal, people, firms):
    employer = portal.ok("POST", LABELS, {"label": "Employer", "inverseLabel": "Employee", "name": "e"})["results"][0]
    sponsor = portal.ok("POST", LABELS, {"label": "Sponsor", "name": "s"})["results"][0]
    associate(portal, pair(people[0], firms[0], spec(employer)))
    answer = associate(portal, pair(people[0], firms[0], spec(sponsor)))
    assert answer["results"][0]["labels"] == ["Sponsor"]
    assert labels_of(portal, "contacts", people[0], "companies") == {firms[0]: {279, sponsor["typeId"]}}
    associate(portal, pair(people[0], firms[0], spec(sponsor), spec(employer)))
    both = {279, sponsor["typeId"], employer["typeId"]}
    assert labels_of(portal, "contacts", people[0], "companies") == {firms[0]: both}


def test_a_contact_has_one_primary_company(portal, people, firms):
    associate(portal, pair(people[0], firms[0], PRIMARY), pair(people[1], firms[0], PRIMARY))
    associate(portal, pair(people[0], firms[1], PRIMARY))
    assert labels_of(portal, "contacts", people[0], "companies") == {firms[0]: {279}, firms[1]: {279, 1}}
    assert labels_of(portal, "companies", firms[0], "contacts") == {people[0]: {280}, people[1]: {280, 2}}


def test_sending_an_association_again_changes_nothing(portal, people, firms):
    for _ in range(2):
        associate(portal, pair(people[0], firms[0], PRIMARY))
    assert portal.ok("GET", "/_state")["association_rows"] == 4


def test_the_direction_of_a_type_id_is_checked(portal, people, firms):
    wrong = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 280}
    answer = portal.call("POST", CREATE, {"inputs": [pair(people[0], firms[0], wrong)]})
    (error,) = answer.json()["errors"]
    assert answer.status_code == 207 and error["subCategory"] == "crm.associations.INVALID_ASSOCIATION_TYPE"
    assert labels_of(portal, "contacts", people[0], "companies") == {}


def test_types_without_a_definition_cannot_be_associated(portal):
    first, second = portal.make_type("labs"), portal.make_type("visits")
    (a,), (b,) = portal.add(first, {"key": "k"}), portal.add(second, {"key": "k"})
    body = {"inputs": [{"from": {"id": a}, "to": {"id": b}}]}
    portal.refused("POST", f"/crm/v4/associations/{first}/{second}/batch/associate/default", body)


def test_records_that_are_not_there_are_named_and_the_others_associated(portal, people, firms):
    portal.batch("companies", "archive", {"id": firms[2]})
    rows = [pair(people[0], firms[0], PLAIN), pair("55", firms[0], PLAIN), pair(people[1], firms[2], PLAIN)]
    answer = portal.call("POST", CREATE, {"inputs": rows})
    assert answer.status_code == 207 and len(answer.json()["results"]) == 1
    assert sorted(e["context"]["ids"][0] for e in answer.json()["errors"]) == sorted(["55", firms[2]])
    assert {e["category"] for e in answer.json()["errors"]} == {"OBJECT_NOT_FOUND"}


@pytest.mark.parametrize(
    ("path", "limit"),
    [("batch/create", 2_000), ("batch/associate/default", 2_000), ("batch/read", 1_000), ("batch/archive", 100)],
)
def test_how_many_inputs_a_batch_takes(portal, path, limit):
    rows = [{"id": "1", "from": {"id": "1"}, "to": {"id": "2"}, "types": [PLAIN]}] * (limit + 1)
    if path == "batch/archive":
        rows = [{"from": {"id": "1"}, "to": [{"id": "2"}]}] * (limit + 1)
    url = f"/crm/v4/associations/contacts/companies/{path}"
    assert f"batch is {limit}." in portal.refused("POST", url, {"inputs": rows})["message"]
    assert portal.call("POST", url, {"inputs": rows[:limit]}).is_success


def test_default_associations_are_answered_once_per_direction(portal, people, firms):
    body = {"inputs": [{"from": {"id": people[0]}, "to": {"id": firms[0]}}]}
    answer = portal.ok("POST", "/crm/v4/associations/contacts/companies/batch/associate/default", body)
    found = {(r["from"]["id"], r["to"]["id"], r["associationSpec"]["associationTypeId"]) for r in answer["results"]}
    assert found == {(people[0], firms[0], 279), (firms[0], people[0], 280)}


def test_records_without_associations_are_errors_of_a_batch_read(portal, people, firms):
    associate(portal, pair(people[0], firms[0], PLAIN), pair(people[0], firms[1], PLAIN))
    body = {"inputs": [{"id": people[0]}, {"id": people[1]}, {"id": "nobody"}]}
    answer = portal.call("POST", "/crm/v4/associations/contacts/companies/batch/read", body)
    assert answer.status_code == 207
    (found,) = answer.json()["results"]
    assert found["from"] == {"id": people[0]} and {t["toObjectId"] for t in found["to"]} == {int(f) for f in firms[:2]}
    nothing, invalid = answer.json()["errors"]
    assert nothing["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
    assert nothing["message"] == f"No company is associated with contact {people[1]}."
    assert invalid["subCategory"] == "crm.associations.INVALID_IDENTIFIER"


def test_many_associations_come_in_pages(portal, firms):
    people = [r["id"] for r in portal.batch(
        "contacts", "create", *({"properties": {"firstname": str(i)}} for i in range(7))
    ).json()["results"]]  # fmt: skip
    associate(portal, *(pair(person, firms[0], PLAIN) for person in people))
    path, found, after = f"/crm/v4/objects/companies/{firms[0]}/associations/contacts", [], None
    while True:
        page = portal.ok("GET", path, limit=3, **({"after": after} if after else {}))
        found += [str(r["toObjectId"]) for r in page["results"]]
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
    assert sorted(found) == sorted(people) and len(found) == 7


def test_single_associations_are_put_and_deleted(portal, people, firms):
    base = f"/crm/v4/objects/contacts/{people[0]}/associations"
    made = portal.call("PUT", f"{base}/companies/{firms[0]}", [PRIMARY])
    assert made.status_code == 201 and made.json()["labels"] == ["Primary"]
    portal.ok("PUT", f"/crm/v4/objects/contacts/{people[0]}/associations/default/companies/{firms[1]}")
    assert labels_of(portal, "contacts", people[0], "companies") == {firms[0]: {279, 1}, firms[1]: {279}}
    assert portal.call("DELETE", f"{base}/companies/{firms[0]}").status_code == 204
    assert labels_of(portal, "companies", firms[0], "contacts") == {}
    portal.refused("PUT", f"{base}/companies/77", [PLAIN], status=404)
    portal.refused("PUT", f"{base}/companies/none", [PLAIN])
    portal.refused("PUT", f"{base}/companies/{firms[0]}", {"no": "list"})
    portal.refused("GET", "/crm/v4/objects/contacts/99/associations/companies", status=404)


@pytest.mark.parametrize(
    ("prefix", "status", "body"),
    [
        ("/crm/v4/associations", 204, None),
        ("/crm/associations/2026-03", 200, {"completedAt", "startedAt", "status", "results"}),
        ("/crm/associations/2026-09", 200, {"completedAt", "startedAt", "status"}),
    ],
)
def test_archiving_answers_differ_by_version(portal, people, firms, prefix, status, body):
    associate(portal, pair(people[0], firms[0], PRIMARY))
    rows = {"inputs": [{"from": {"id": people[0]}, "to": [{"id": firms[0]}]}]}
    answer = portal.call("POST", f"{prefix}/contacts/companies/batch/archive", rows)
    assert answer.status_code == status and (set(answer.json()) if answer.content else None) == body
    assert labels_of(portal, "contacts", people[0], "companies") == {}


def test_creating_answers_201_and_on_2026_09_200(portal, people, firms):
    body = {"inputs": [pair(people[0], firms[0], PLAIN)]}
    statuses = [
        portal.call("POST", f"{prefix}/contacts/companies/batch/create", body).status_code
        for prefix in ("/crm/v4/associations", "/crm/associations/2026-03", "/crm/associations/2026-09")
    ]
    assert statuses == [201, 201, 200]


def test_archiving_one_label_keeps_the_rest_and_archiving_the_unlabelled_one_keeps_nothing(portal, people, firms):
    associate(portal, pair(people[0], firms[0], PRIMARY))
    path = "/crm/v4/associations/contacts/companies/batch/labels/archive"
    assert portal.call("POST", path, {"inputs": [pair(people[0], firms[0], PRIMARY)]}).status_code == 204
    assert labels_of(portal, "contacts", people[0], "companies") == {firms[0]: {279}}
    associate(portal, pair(people[0], firms[0], PRIMARY))
    portal.call("POST", path, {"inputs": [pair(people[0], firms[0], PLAIN)]})
    assert labels_of(portal, "contacts", people[0], "companies") == {}


def test_a_cap_of_an_administrator_holds_for_what_comes_after(portal, people, firms):
    associate(portal, pair(people[0], firms[0], PLAIN), pair(people[0], firms[1], PLAIN))
    cap = {"category": "HUBSPOT_DEFINED", "typeId": 279, "maxToObjectIds": 1}
    portal.ok("POST", f"{CAPS}/batch/create", {"inputs": [cap]})
    assert portal.ok("GET", CAPS)["results"][0]["userEnforcedMaxToObjectIds"] == 1
    rows = [pair(people[0], firms[2], PLAIN), pair(people[1], firms[0], PLAIN), pair(people[1], firms[1], PLAIN)]
    answer = portal.call("POST", CREATE, {"inputs": rows}).json()
    assert [r["fromObjectId"] for r in answer["results"]] == [int(people[1])]
    assert {e["subCategory"] for e in answer["errors"]} == {"crm.associations.ASSOCIATION_LIMIT_EXCEEDED"}
    assert set(labels_of(portal, "contacts", people[0], "companies")) == set(firms[:2])


def test_a_cap_of_one_direction_holds_when_the_other_end_is_written(portal, people, firms):
    cap = {"category": "HUBSPOT_DEFINED", "typeId": 280, "maxToObjectIds": 1}
    portal.ok("POST", CAPS.replace("contacts/companies", "companies/contacts") + "/batch/create", {"inputs": [cap]})
    associate(portal, pair(people[0], firms[0], PLAIN))
    answer = portal.call("POST", CREATE, {"inputs": [pair(people[1], firms[0], PLAIN)]})
    assert answer.status_code == 207 and answer.json()["results"] == []
    portal.call("POST", CAPS.replace("contacts/companies", "companies/contacts") + "/batch/purge", {"inputs": [cap]})
    assert len(associate(portal, pair(people[1], firms[0], PLAIN))["results"]) == 1


def test_records_near_their_association_limit_are_reported(portal, people, firms):
    portal.set(associations_per_record=3)
    associate(portal, *(pair(people[0], firm, PLAIN) for firm in firms))
    limits = "/crm/v3/limits/associations/records"
    assert portal.ok("GET", f"{limits}/from")["results"][0]["hasRecordsAtLimit"] is True
    assert portal.ok("GET", f"{limits}/contacts/to")["results"][0]["objectTypeId"] == "0-2"
    report = portal.ok("GET", f"{limits}/0-1/0-2")
    assert (report["limit"], report["totalRecordsAtLimit"], report["totalRecordsNearLimit"]) == (3, 1, 0)
    more = portal.add("companies", {"name": "w"})
    answer = portal.call("POST", CREATE, {"inputs": [pair(people[0], more[0], PLAIN)]})
    assert answer.json()["errors"][0]["context"]["limit"] == ["3"]
    assert portal.ok("POST", "/crm/v4/associations/usage/high-usage-report/70000001")["userId"] == 70000001


def test_labels_made_are_counted_by_direction(portal):
    portal.ok("POST", LABELS, {"label": "Employer", "name": "e"})
    (entry,) = portal.ok("GET", "/crm/v3/limits/associations/labels")["results"]
    assert (entry["limit"], entry["usage"]) == (50, 1)
    assert entry["fromObjectType"] == {"objectTypeId": "0-1"} and entry["toObjectType"] == {"objectTypeId": "0-2"}


def test_a_record_is_created_with_associations_and_not_upserted_with_them(portal, firms):
    links = [{"to": {"id": firms[0]}, "types": [PRIMARY]}]
    made = portal.ok("POST", "/crm/v3/objects/contacts", {"properties": {"firstname": "a"}, "associations": links})
    assert labels_of(portal, "contacts", made["id"], "companies") == {firms[0]: {279, 1}}
    shown = portal.ok("GET", f"/crm/v3/objects/contacts/{made['id']}", associations="companies")
    assert {t["id"] for t in shown["associations"]["companies"]["results"]} == {firms[0]}
    item = {"id": "b@example.com", "idProperty": "email", "properties": {}, "associations": links}
    (upserted,) = portal.batch("contacts", "upsert", item).json()["results"]
    assert labels_of(portal, "contacts", upserted["id"], "companies") == {}


def test_an_inline_association_that_cannot_be_refuses_its_record_only(portal, firms):
    good = {"properties": {"firstname": "a"}, "objectWriteTraceId": "0",
            "associations": [{"to": {"id": firms[0]}, "types": [PLAIN]}]}  # fmt: skip
    bad = {"properties": {"firstname": "b"}, "objectWriteTraceId": "1",
           "associations": [{"to": {"id": "5"}, "types": [PLAIN]}]}  # fmt: skip
    answer = portal.batch("contacts", "create", good, bad).json()
    assert len(answer["results"]) == 1 and answer["errors"][0]["context"]["objectWriteTraceId"] == ["1"]
    assert portal.count() == 1


def test_merging_moves_the_associations(portal, people, firms):
    associate(portal, pair(people[0], firms[0], PRIMARY), pair(people[1], firms[0], PLAIN),
              pair(people[1], firms[1], PLAIN))  # fmt: skip
    body = {"primaryObjectId": people[0], "objectIdToMerge": people[1]}
    merged = portal.ok("POST", "/crm/v3/objects/contacts/merge", body)["id"]
    assert labels_of(portal, "contacts", merged, "companies") == {firms[0]: {279, 1}, firms[1]: {279}}
    assert labels_of(portal, "companies", firms[1], "contacts") == {merged: {280}}


def test_an_archived_record_has_no_associations_left(portal, people, firms):
    associate(portal, pair(people[0], firms[0], PRIMARY), pair(people[0], firms[1], PLAIN))
    portal.batch("companies", "archive", {"id": firms[0]})
    assert labels_of(portal, "contacts", people[0], "companies") == {firms[1]: {279}}
    assert portal.ok("GET", "/_state")["association_rows"] == 2


def test_merging_two_associated_records_leaves_no_association_with_itself(portal, people):
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 449}
    other = portal.add("contacts", {"firstname": "c"})[0]
    body = {"inputs": [pair(people[0], people[1], kind), pair(people[1], other, kind)]}
    portal.ok("POST", "/crm/v4/associations/contacts/contacts/batch/create", body)
    merge = {"primaryObjectId": people[0], "objectIdToMerge": people[1]}
    merged = portal.ok("POST", "/crm/v3/objects/contacts/merge", merge)["id"]
    assert labels_of(portal, "contacts", merged, "contacts") == {other: {449}}
    assert labels_of(portal, "contacts", other, "contacts") == {merged: {449}}
