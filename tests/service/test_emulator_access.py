"""Who may do what in an emulated portal: the token, its scopes, and sensitive properties."""

import pytest

from ennu_lib.emulator import running
from tests.support.emulated_portal import CALM, EmulatedPortal, text_property, upsert_input

CONTACTS = "/crm/v3/objects/contacts"
PROPERTIES = "/crm/v3/properties/contacts"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with running(tmp_path_factory.mktemp("access") / "portal.sqlite", token="secret-1", settings=CALM) as url:
        yield EmulatedPortal(url, "secret-1")


@pytest.fixture
def portal(emulator):
    return emulator.renew()


@pytest.mark.parametrize("header", [None, "Bearer wrong", "secret-1", "Basic secret-1"])
def test_a_request_needs_the_token(portal, header):
    answer = portal.http.get(CONTACTS, headers={"Authorization": header or ""})
    error = answer.json()
    assert answer.status_code == 401 and error["category"] == "INVALID_AUTHENTICATION"
    assert error["message"].startswith("Authentication credentials not found.") and error["correlationId"]
    assert answer.headers["x-hubspot-correlation-id"] == error["correlationId"]


READ_CONTACTS = "crm.objects.contacts.read"
CASES = [
    ("GET", CONTACTS, None, READ_CONTACTS),
    ("POST", CONTACTS, {"properties": {}}, "crm.objects.contacts.write"),
    ("POST", f"{CONTACTS}/batch/upsert", {"inputs": []}, "crm.objects.contacts.write"),
    ("POST", f"{CONTACTS}/batch/read", {"inputs": []}, READ_CONTACTS),
    ("POST", f"{CONTACTS}/search", {}, READ_CONTACTS),
    ("GET", "/crm/v3/objects/companies", None, "crm.objects.companies.read"),
    ("GET", PROPERTIES, None, "crm.schemas.contacts.read"),
    ("POST", PROPERTIES, {}, "crm.schemas.contacts.write"),
    ("GET", "/crm-object-schemas/v3/schemas", None, "crm.schemas.custom.read"),
    ("POST", "/crm-object-schemas/v3/schemas", {}, "crm.schemas.custom.write"),
    ("GET", "/crm/v3/limits/custom-object-types", None, "crm.schemas.custom.read"),
    ("GET", "/crm/v3/owners", None, "crm.objects.owners.read"),
    ("GET", "/crm/v3/imports", None, "crm.import"),
]


@pytest.mark.parametrize(("method", "path", "body", "scope"), CASES)
def test_a_missing_scope_is_named_and_having_it_helps(portal, method, path, body, scope):
    portal.set(scopes=["crm.nothing"])
    error = portal.refused(method, path, body, status=403)
    named = error.get("context") or error["errors"][0]["context"]
    assert error["category"] == "MISSING_SCOPES" and scope in named["requiredGranularScopes"]
    portal.set(scopes=[scope])
    assert portal.call(method, path, body).status_code != 403


def test_the_scopes_of_a_custom_object(portal):
    type_id = portal.make_type("labs")
    portal.set(scopes=["crm.objects.custom.read"])
    portal.ok("GET", f"/crm/v3/objects/{type_id}")
    error = portal.refused("POST", f"/crm/v3/objects/{type_id}", {"properties": {"key": "k"}}, status=403)
    assert error["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.custom.write"]


def test_the_token_tells_its_scopes(portal):
    path = "/oauth/v2/private-apps/get/access-token-info"
    assert "crm.objects.contacts.sensitive.read.v2" in portal.ok("POST", path, {"tokenKey": "secret-1"})["scopes"]
    portal.set(scopes=[READ_CONTACTS])
    info = portal.ok("POST", path, {"tokenKey": "secret-1"})
    assert set(info["scopes"]) == {"oauth", READ_CONTACTS} and info["hubId"] == 44_000_001
    portal.refused("POST", path, {"tokenKey": "other"})


@pytest.mark.parametrize("change", [{"sensitive_data": False}, {"tier": "professional"}])
def test_sensitive_properties_need_the_switch_and_enterprise(portal, change):
    portal.set(**change)
    portal.refused("POST", PROPERTIES, text_property("diagnosis", dataSensitivity="sensitive"))


def test_sensitive_properties_show_only_when_asked_for(portal):
    portal.define(text_property("diagnosis", dataSensitivity="sensitive"))
    portal.define(text_property("genome", dataSensitivity="highly_sensitive"))

    def listed(**query):
        return {p["name"] for p in portal.ok("GET", PROPERTIES, **query)["results"]}

    assert {"diagnosis", "genome"}.isdisjoint(listed())
    assert listed(dataSensitivity="sensitive") == {"diagnosis"}
    assert listed(dataSensitivity="highly_sensitive") == {"genome"}
    portal.refused("GET", PROPERTIES, dataSensitivity="very")
    portal.refused("GET", f"{PROPERTIES}/diagnosis", status=404)
    found = portal.ok("GET", f"{PROPERTIES}/diagnosis", dataSensitivity="sensitive")
    assert found["sensitiveDataCategories"] == ["HIPAA"] and found["dataSensitivity"] == "sensitive"


BASIC = [READ_CONTACTS, "crm.objects.contacts.write", "crm.schemas.contacts.read", "crm.schemas.contacts.write"]


@pytest.mark.parametrize("suffix", ["", ".v2"])
def test_naming_a_sensitive_property_needs_its_scope(portal, suffix):
    portal.define(text_property("diagnosis", dataSensitivity="sensitive"), text_property("key", hasUniqueValue=True))
    portal.batch("contacts", "upsert", upsert_input("k1", diagnosis="x"))
    write = upsert_input("k1", diagnosis="y")
    portal.set(scopes=BASIC)
    assert portal.batch("contacts", "upsert", write).status_code == 403
    portal.refused("GET", CONTACTS, status=403, properties="diagnosis")
    portal.ok("GET", CONTACTS)
    body = {"filterGroups": [{"filters": [{"propertyName": "diagnosis", "operator": "HAS_PROPERTY"}]}]}
    portal.refused("POST", f"{CONTACTS}/search", body, status=403)
    portal.refused("GET", PROPERTIES, status=403, dataSensitivity="sensitive")
    error = portal.refused("POST", PROPERTIES, text_property("other", dataSensitivity="sensitive"), status=403)
    assert error["message"] == "Missing required scope for: sensitive-data-property-create"
    mine = [f"crm.objects.contacts.sensitive.{mode}{suffix}" for mode in ("read", "write")]
    portal.set(scopes=[*BASIC, *mine])
    assert portal.batch("contacts", "upsert", write).status_code == 200
    (found,) = portal.ok("GET", CONTACTS, properties="diagnosis")["results"]
    assert found["properties"]["diagnosis"] == "y"
    portal.ok("POST", f"{CONTACTS}/search", body)


def test_the_scope_of_the_sensitive_does_not_open_the_highly_sensitive(portal):
    portal.define(text_property("genome", dataSensitivity="highly_sensitive"))
    portal.set(scopes=[*BASIC, "crm.objects.contacts.sensitive.read", "crm.objects.contacts.sensitive.write"])
    portal.refused("POST", CONTACTS, {"properties": {"genome": "x"}}, status=403)


def test_highly_sensitive_properties_cannot_be_searched(portal):
    portal.define(text_property("genome", dataSensitivity="highly_sensitive"))
    body = {"filterGroups": [{"filters": [{"propertyName": "genome", "operator": "EQ", "value": "x"}]}]}
    assert "highly sensitive" in portal.refused("POST", f"{CONTACTS}/search", body)["message"]
    portal.refused("POST", f"{CONTACTS}/search", {"sorts": ["genome"]})


def test_a_sensitive_property_is_neither_a_key_nor_shown(portal):
    sensitive = text_property("diagnosis", dataSensitivity="sensitive")
    portal.refused("POST", PROPERTIES, {**sensitive, "hasUniqueValue": True})
    portal.set(sensitive_unique_properties=True)
    portal.ok("POST", PROPERTIES, {**sensitive, "hasUniqueValue": True})
    type_id = portal.make_type("labs", text_property("result", dataSensitivity="sensitive"))
    path = f"/crm-object-schemas/v3/schemas/{type_id}"
    portal.refused("PATCH", path, {"searchableProperties": ["result"]})
    portal.refused("PATCH", path, {"primaryDisplayProperty": "result"})
    assert "result" not in {p["name"] for p in portal.ok("GET", path)["properties"]}


def test_an_object_that_was_made_without_sensitive_properties_takes_none(portal):
    type_id = portal.make_type("labs", allowsSensitiveProperties=False)
    result = text_property("result", groupName="labs_information", dataSensitivity="sensitive")
    portal.refused("POST", f"/crm/v3/properties/{type_id}", result)
    portal.ok("PATCH", f"/crm-object-schemas/v3/schemas/{type_id}", {"allowsSensitiveProperties": True})
    portal.ok("POST", f"/crm/v3/properties/{type_id}", result)


def test_owners_are_listed_and_must_exist(portal):
    owners = portal.ok("GET", "/crm/v3/owners")["results"]
    one = portal.ok("GET", f"/crm/v3/owners/{owners[0]['id']}")
    assert one == owners[0] and one["type"] == "PERSON"
    assert portal.ok("GET", "/crm/v3/owners", email=owners[1]["email"])["results"] == [owners[1]]
    portal.ok("POST", CONTACTS, {"properties": {"hubspot_owner_id": owners[0]["id"]}})
    error = portal.refused("POST", CONTACTS, {"properties": {"hubspot_owner_id": "5"}})
    assert error["errors"][0]["code"] == "INVALID_OWNER_ID"
    portal.refused("GET", "/crm/v3/owners/5", status=404)
