"""Answers of the real API that somebody recorded, restated as small shapes, and the emulator's held against them.

The recordings are public: request and response bodies in the tests of amp-labs/connectors (MIT). What is restated here
is which fields there are, of which kind, and the wording where a client depends on it. `...` stands for any text.
"""

import re

import pytest

from ennu_lib.emulator import running
from tests.support.emulated_portal import CALM, EmulatedPortal, text_property

BATCH = {"completedAt": "...", "status": "COMPLETE", "startedAt": "..."}
RECORD = {"id": "...", "createdAt": "...", "updatedAt": "...", "archived": False, "url": "..."}
SYSTEM = {"createdate", "lastmodifieddate", "hs_object_id", "hs_object_source", "hs_object_source_id",
          "hs_object_source_label"}  # fmt: skip


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with running(tmp_path_factory.mktemp("shapes") / "portal.sqlite", settings=CALM) as url:
        yield EmulatedPortal(url)


@pytest.fixture
def portal(emulator):
    return emulator.renew()


def assert_shape(found, expected, where="body"):
    """Same keys, same kinds, same literal values; `...` is any text, a pattern is matched."""
    if expected == "...":
        assert isinstance(found, str) and found, where
    elif isinstance(expected, re.Pattern):
        assert expected.fullmatch(found), f"{where}: {found}"
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys(), f"{where}: {sorted(found.keys() ^ expected.keys())}"
        for name, value in expected.items():
            assert_shape(found[name], value, f"{where}.{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for position, value in enumerate(expected):
            assert_shape(found[position], value, f"{where}[{position}]")
    elif isinstance(expected, type):
        assert isinstance(found, expected), f"{where}: {found}"
    else:
        assert found == expected, f"{where}: {found}"


def without(body, *names):
    return {name: value for name, value in body.items() if name not in names}


def test_batch_create_of_contacts(portal):
    rows = [{"properties": {"email": f"{name}@example.com", "firstname": name}} for name in ("lily", "marley")]
    answer = portal.batch("contacts", "create", *rows)
    assert answer.status_code == 201
    assert_shape(without(answer.json(), "results"), BATCH)
    for record in answer.json()["results"]:
        assert_shape(without(record, "properties"), RECORD)
        assert record["properties"].keys() >= SYSTEM | {"email", "firstname"}
        assert record["properties"]["hs_object_id"] == record["id"]
        assert record["url"].endswith(f"/record/0-1/{record['id']}")


def test_batch_create_conflict(portal):
    rows = [{"properties": {"email": "lily@example.com"}}] * 2
    answer = portal.batch("contacts", "create", *rows)
    assert answer.status_code == 409
    expected = {"status": "error", "message": "Contact already exists", "correlationId": "...", "category": "CONFLICT"}
    assert_shape(answer.json(), expected)


def test_batch_create_partial_success(portal):
    (holder,) = portal.add("contacts", {"email": "siena@example.com"})
    rows = [
        {"properties": {"email": "siena@example.com"}, "objectWriteTraceId": "0"},
        {"properties": {"email": "lily@example.com"}, "objectWriteTraceId": "1"},
    ]
    answer = portal.batch("contacts", "create", *rows)
    assert answer.status_code == 207
    error = {
        "status": "error",
        "category": "CONFLICT",
        "message": f"Contact already exists. Existing ID: {holder}",
        "context": {"objectWriteTraceId": ["0"], "existingId": [holder]},
    }
    assert_shape(without(answer.json(), "results"), {**BATCH, "errors": [error], "numErrors": 1})
    assert_shape(without(answer.json()["results"][0], "properties"), RECORD)


@pytest.mark.parametrize("operation", ["create", "update"])
def test_unknown_properties_of_several_inputs(portal, operation):
    ids = portal.add("contacts", {"firstname": "a"}, {"firstname": "b"})
    bad = {"first000name": "x", "last000name": "y"}
    answer = portal.batch("contacts", operation, *({"id": i, "properties": bad} for i in ids))
    assert answer.status_code == 400
    item = r'\{"isValid":false,"message":"Property \\"\w+\\" does not exist","error":"PROPERTY_DOESNT_EXIST",'
    item += r'"name":"\w+"\}'
    detail = {
        "message": re.compile(r'Property "\w+" does not exist'),
        "code": "PROPERTY_DOESNT_EXIST",
        "context": {"propertyName": [re.compile("first000name|last000name")]},
    }
    expected = {
        "status": "error",
        "message": re.compile(rf"Property values were not valid: \[{item}(,{item}){{3}}\]"),
        "correlationId": "...",
        "errors": [detail] * 4,
        "category": "VALIDATION_ERROR",
    }
    assert_shape(answer.json(), expected)


def test_batch_update(portal):
    ids = portal.add("contacts", {"firstname": "Markus", "email": "m@example.com"}, {"firstname": "Siena"})
    rows = [{"id": i, "properties": {"firstname": "x (updated)"}} for i in ids]
    answer = portal.batch("contacts", "update", *rows)
    assert answer.status_code == 200
    assert_shape(without(answer.json(), "results"), BATCH)
    for record in answer.json()["results"]:
        assert_shape(without(record, "properties"), RECORD)
        assert record["properties"].keys() >= SYSTEM | {"firstname"}
        assert "email" not in record["properties"]


def test_batch_update_with_duplicate_ids(portal):
    answer = portal.batch("contacts", "update", *[{"id": "123456", "properties": {"firstname": "x"}}] * 2)
    assert answer.status_code == 400
    expected = {
        "status": "error",
        "message": "Duplicate IDs found in batch input: [123456]. IDs must be unique",
        "correlationId": "...",
        "context": {"ids": ["123456"]},
        "category": "VALIDATION_ERROR",
    }
    assert_shape(answer.json(), expected)


def test_batch_update_partial_success(portal):
    (known,) = portal.add("contacts", {"firstname": "Siena"})
    rows = [
        {"id": known, "properties": {"firstname": "x"}, "objectWriteTraceId": "0"},
        {"id": "unknownIdentifier888", "properties": {"firstname": "x"}, "objectWriteTraceId": "1"},
    ]
    answer = portal.batch("contacts", "update", *rows)
    assert answer.status_code == 207
    error = {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.",
        "context": {"ids": ["unknownIdentifier888"]},
    }
    assert_shape(without(answer.json(), "results"), {**BATCH, "errors": [error], "numErrors": 1})


def test_batch_read_with_and_without_misses(portal):
    """Recorded of campaigns, whose records have more fields; the envelope is that of every batch read."""
    (known,) = portal.add("contacts", {"firstname": "Siena"})
    answer = portal.batch("contacts", "read", {"id": known})
    assert answer.status_code == 200
    assert_shape(answer.json(), {**BATCH, "results": [dict]})
    answer = portal.batch("contacts", "read", {"id": known}, {"id": "5"})
    assert answer.status_code == 207
    error = {"status": "error", "category": "...", "message": "...", "context": {"ids": ["5"]}}
    assert_shape(answer.json(), {**BATCH, "results": [dict], "errors": [error], "numErrors": 1})
    assert answer.json()["results"][0].keys() >= {"id", "properties", "createdAt", "updatedAt"}


def test_associations_between_contact_and_companies(portal):
    (contact,) = portal.add("contacts", {"firstname": "a"})
    companies = portal.add("companies", {"name": "x"}, {"name": "y"})
    inputs = [
        {"from": {"id": contact}, "to": {"id": company},
         "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}
        for company in companies
    ]  # fmt: skip
    answer = portal.call("POST", "/crm/v4/associations/contacts/companies/batch/create", {"inputs": inputs})
    assert answer.status_code == 201
    pair = {"fromObjectTypeId": "0-1", "fromObjectId": int, "toObjectTypeId": "0-2", "toObjectId": int, "labels": []}
    assert_shape(answer.json(), {**BATCH, "results": [pair, pair]})


def test_associations_that_cannot_be(portal):
    (contact,) = portal.add("contacts", {"firstname": "a"})
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 449}
    inputs = [
        {"from": {"id": contact}, "to": {"id": "unknown_id_1"}, "types": [kind]},
        {"from": {"id": contact}, "to": {"id": contact}, "types": [kind]},
    ]
    answer = portal.call("POST", "/crm/v4/associations/contacts/contacts/batch/create", {"inputs": inputs})
    assert answer.status_code == 207
    errors = [
        {
            "status": "error",
            "category": "VALIDATION_ERROR",
            "subCategory": "crm.associations.INVALID_IDENTIFIER",
            "message": "unknown_id_1 is not a valid ID",
            "context": {"id": ["unknown_id_1"]},
        },
        {
            "status": "error",
            "category": "VALIDATION_ERROR",
            "message": f"Object {contact} cannot be associated to itself ({contact})",
        },
    ]
    assert_shape(answer.json(), {**BATCH, "results": [], "errors": errors, "numErrors": 2})


def test_the_schema_of_contacts(portal):
    schema = portal.ok("GET", "/crm-object-schemas/v3/schemas/contacts")
    expected = {
        "labels": {"singular": "Contact", "plural": "Contacts"},
        "requiredProperties": [], "searchableProperties": list, "primaryDisplayProperty": "firstname",
        "secondaryDisplayProperties": [], "allowsSensitiveProperties": True, "archived": False, "restorable": True,
        "metaType": "HUBSPOT", "id": "1", "fullyQualifiedName": "CONTACT", "createdAt": "1970-01-01T00:00:00Z",
        "updatedAt": "...", "createdByUserId": None, "updatedByUserId": None, "objectTypeId": "0-1",
        "properties": list, "associations": list, "name": "CONTACT",
    }  # fmt: skip
    assert_shape(without(schema, "description"), expected)
    plain = next(a for a in schema["associations"] if a["id"] == "279")
    association = {
        "fromObjectTypeId": "0-1", "toObjectTypeId": "0-2", "name": "CONTACT_TO_COMPANY_UNLABELED",
        "cardinality": "ONE_TO_MANY", "inverseCardinality": "ONE_TO_MANY", "hasUserEnforcedMaxToObjectIds": False,
        "hasUserEnforcedMaxFromObjectIds": False, "maxToObjectIds": int, "maxFromObjectIds": int, "id": "279",
        "createdAt": None, "updatedAt": None,
    }  # fmt: skip
    assert_shape(plain, association)


def definition_shape(name, kind, options):
    return {
        "name": name, "label": "...", "type": kind[0], "fieldType": kind[1], "description": "...",
        "groupName": "integrationcreatedproperties", "options": options, "displayOrder": -1, "calculated": False,
        "externalOptions": False, "hasUniqueValue": False, "hidden": False,
        "modificationMetadata": {"archivable": True, "readOnlyDefinition": False, "readOnlyValue": False},
        "formField": True, "dataSensitivity": "non_sensitive",
    }  # fmt: skip


def recorded_definition(name, kind, *option_values):
    options = [{"label": v, "value": v, "description": v} for v in option_values]
    for order, option in enumerate(options[1:], start=1):
        option["displayOrder"] = order
    definition = text_property(
        name, type=kind[0], fieldType=kind[1], groupName="integrationcreatedproperties", description="Words.",
        formField=True, dataSensitivity="non_sensitive",
    )  # fmt: skip
    return definition | ({"options": options} if options else {})


NUMBER, SELECT, BOOL = ("number", "number"), ("enumeration", "select"), ("bool", "booleancheckbox")


def test_a_group_and_a_batch_of_properties(portal):
    group = {"name": "integrationcreatedproperties", "label": "Integration Created Properties"}
    made = portal.ok("POST", "/crm/v3/properties/contacts/groups", group)
    assert_shape(made, {**group, "displayOrder": int, "archived": False})
    inputs = [recorded_definition("age__c", NUMBER), recorded_definition("interests__c", SELECT, "art", "travel", "go")]
    answer = portal.call("POST", "/crm/v3/properties/contacts/batch/create", {"inputs": inputs})
    assert answer.status_code == 201
    options = [
        {"label": value, "value": value, "description": value, "displayOrder": order, "hidden": False}
        for value, order in (("art", 3), ("travel", 1), ("go", 2))
    ]
    results = [definition_shape("age__c", NUMBER, []), definition_shape("interests__c", SELECT, options)]
    assert_shape(answer.json(), {**BATCH, "results": results})

    again = [recorded_definition("isready__c", BOOL, "true", "false"), recorded_definition("age__c", NUMBER)]
    answer = portal.call("POST", "/crm/v3/properties/contacts/batch/create", {"inputs": again})
    assert answer.status_code == 207
    error = {
        "status": "error",
        "category": "OBJECT_ALREADY_EXISTS",
        "subCategory": "Properties.PROPERTY_WITH_NAME_EXISTS",
        "message": "A property named 'age__c' already exists.",
        "context": {"name": ["age__c"]},
    }
    assert_shape(without(answer.json(), "results"), {**BATCH, "errors": [error], "numErrors": 1})
    assert [option["displayOrder"] for option in answer.json()["results"][0]["options"]] == [2, 1]


def test_a_changed_property(portal):
    portal.ok("POST", "/crm/v3/properties/contacts/groups", {"name": "integrationcreatedproperties", "label": "I"})
    definition = recorded_definition("interests__c", SELECT, "art", "travel")
    portal.define(definition)
    found = portal.ok("PATCH", "/crm/v3/properties/contacts/interests__c", {**definition, "description": "Other."})
    options = [
        {"label": value, "value": value, "description": value, "displayOrder": order, "hidden": False}
        for value, order in (("art", 2), ("travel", 1))
    ]
    expected = definition_shape("interests__c", SELECT, options)
    expected |= {
        "updatedAt": "...",
        "createdAt": "...",
        "createdUserId": "...",
        "updatedUserId": "...",
        "archived": False,
    }
    assert_shape(found, expected)


def test_a_missing_scope_of_the_schema_endpoints(portal):
    portal.set(scopes=["crm.objects.contacts.read"])
    error = portal.refused("GET", "/crm-object-schemas/v3/schemas", status=403)
    expected = {
        "status": "error",
        "message": "One or more of the following scopes are required.",
        "correlationId": "...",
        "context": {"requiredGranularScopes": list, "links": ["https://developers.hubspot.com/scopes"]},
        "category": "MISSING_SCOPES",
    }
    assert_shape(error, expected)


def test_a_search_of_an_unknown_type(portal):
    answer = portal.call("POST", "/crm/v3/objects/butterflies/search", {})
    assert answer.status_code == 400
    expected = {"status": "error", "message": "Unable to infer object type from: butterflies", "correlationId": "..."}
    assert_shape(answer.json(), expected)
