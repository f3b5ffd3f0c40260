"""Properties, groups, schemas and association labels of an emulated portal."""

import pytest

from ennu_lib.emulator import running
from tests.support.emulated_portal import CALM, EmulatedPortal, choice, text_property

CONTACTS = "/crm/v3/properties/contacts"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    with running(tmp_path_factory.mktemp("definitions") / "portal.sqlite", settings=CALM) as url:
        yield EmulatedPortal(url)


@pytest.fixture
def portal(emulator):
    return emulator.renew()


def test_a_property_is_made_listed_changed_archived_and_brought_back(portal):
    made = portal.ok("POST", CONTACTS, text_property("nickname"))
    assert made["archived"] is False and made["createdAt"]
    assert "nickname" in {p["name"] for p in portal.ok("GET", CONTACTS)["results"]}
    changed = portal.ok("PATCH", f"{CONTACTS}/nickname", {"label": "Other", "name": "ignored"})
    assert (changed["name"], changed["label"]) == ("nickname", "Other")
    assert portal.call("DELETE", f"{CONTACTS}/nickname").status_code == 204
    portal.refused("GET", f"{CONTACTS}/nickname", status=404)
    assert portal.ok("GET", f"{CONTACTS}/nickname", archived="true")["archivedAt"]
    back = portal.ok("POST", CONTACTS, text_property("nickname", type="number", fieldType="number"))
    assert (back["type"], back["label"], back["createdAt"]) == ("number", "Nickname", made["createdAt"])


def test_an_active_name_is_taken(portal):
    portal.define(text_property("nickname"))
    error = portal.refused("POST", CONTACTS, text_property("nickname"), status=409)
    assert error["category"] == "OBJECT_ALREADY_EXISTS"
    assert error["subCategory"] == "Properties.PROPERTY_WITH_NAME_EXISTS"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Upper"}, {"name": "1st"}, {"name": "x" * 101}, {"label": ""}, {"groupName": "nowhere"},
        {"type": "text"}, {"type": "number"}, {"type": "date", "fieldType": "text"}, {"type": "enumeration"},
        {"type": "enumeration", "fieldType": "select"}, {"type": "bool", "fieldType": "booleancheckbox"},
        {"dataSensitivity": "secret"}, {"hasUniqueValue": True, "type": "date", "fieldType": "date"},
    ],
)  # fmt: skip
def test_definitions_that_are_refused(portal, wrong):
    portal.refused("POST", CONTACTS, {**text_property("nickname"), **wrong})


def test_a_patch_replaces_the_options_as_a_whole_or_keeps_them(portal):
    portal.define(choice("grade", "abc"))
    kept = portal.ok("PATCH", f"{CONTACTS}/grade", {"label": "Other"})
    assert [option["value"] for option in kept["options"]] == ["a", "b", "c"]
    changed = portal.ok("PATCH", f"{CONTACTS}/grade", {"options": [{"label": "B", "value": "b"}]})
    assert [option["value"] for option in changed["options"]] == ["b"]
    portal.refused("POST", "/crm/v3/objects/contacts", {"properties": {"grade": "a"}})


def test_uniqueness_and_sensitivity_cannot_be_changed(portal):
    portal.define(text_property("nickname"))
    sent = {"hasUniqueValue": True, "dataSensitivity": "sensitive"}
    changed = portal.ok("PATCH", f"{CONTACTS}/nickname", sent)
    assert changed["hasUniqueValue"] is False and changed["dataSensitivity"] == "non_sensitive"


def test_hubspots_own_properties_are_neither_changed_nor_deleted(portal):
    portal.refused("PATCH", f"{CONTACTS}/email", {"label": "Other"})
    portal.refused("DELETE", f"{CONTACTS}/email")


def test_a_refused_change_leaves_the_definition_as_it_was(portal):
    portal.define(choice("grade", "ab"))
    portal.refused("PATCH", f"{CONTACTS}/grade", {"label": "Other", "options": [{"label": "x", "value": ""}]})
    assert portal.ok("GET", f"{CONTACTS}/grade")["label"] == "Grade"


def test_a_property_in_use_cannot_be_archived(portal):
    type_id = portal.make_type("labs")
    error = portal.refused("DELETE", f"/crm/v3/properties/{type_id}/key")
    assert error["subCategory"] == "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"
    formula = text_property("twice", type="number", fieldType="calculation_equation", calculationFormula="a + a")
    portal.define(text_property("a", type="number", fieldType="number"), formula)
    error = portal.refused("DELETE", f"{CONTACTS}/a")
    assert error["errors"][0]["context"]["parentName"] == ["0-1/twice"]
    portal.refused("POST", "/crm/v3/objects/contacts", {"properties": {"twice": "2"}})


def test_ten_unique_properties_and_no_more(portal):
    portal.define(*(text_property(f"key_{i}", hasUniqueValue=True) for i in range(10)))
    portal.refused("POST", CONTACTS, text_property("key_10", hasUniqueValue=True))
    portal.define(text_property("key_10"))


def test_property_budgets_per_object_and_per_account(portal):
    portal.set(properties_per_object=2, properties_per_account=3)
    portal.define(text_property("a"), text_property("b"))
    assert portal.refused("POST", CONTACTS, text_property("c"))["subCategory"] == "LIMIT_EXCEEDED"
    company = {"groupName": "companyinformation"}
    portal.define(text_property("a", **company), object_type="companies")
    portal.refused("POST", "/crm/v3/properties/companies", text_property("b", **company))
    limits = portal.ok("GET", "/crm/v3/limits/custom-properties")
    assert (limits["overallLimit"], limits["overallUsage"]) == (3, 3)


def test_batches_of_properties(portal):
    inputs = [text_property("a"), text_property("b", type="wrong"), text_property("c")]
    answer = portal.call("POST", f"{CONTACTS}/batch/create", {"inputs": inputs})
    assert answer.status_code == 207 and [p["name"] for p in answer.json()["results"]] == ["a", "c"]
    names = {"inputs": [{"name": "a"}, {"name": "nothing"}], "archived": False}
    answer = portal.call("POST", f"{CONTACTS}/batch/read", names)
    assert answer.status_code == 207 and [p["name"] for p in answer.json()["results"]] == ["a"]
    assert portal.call("POST", f"{CONTACTS}/batch/archive", names).status_code == 204
    portal.refused("GET", f"{CONTACTS}/a", status=404)


def test_groups(portal):
    groups = f"{CONTACTS}/groups"
    portal.ok("POST", groups, {"name": "ennu", "label": "Ennu"})
    portal.refused("POST", groups, {"name": "ennu", "label": "Ennu"}, status=409)
    assert portal.ok("PATCH", f"{groups}/ennu", {"label": "Other"})["label"] == "Other"
    portal.define(text_property("nickname", groupName="ennu"))
    error = portal.refused("DELETE", f"{groups}/ennu")
    assert "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES" in error["message"]
    portal.call("DELETE", f"{CONTACTS}/nickname")
    assert portal.call("DELETE", f"{groups}/ennu").status_code == 204
    assert "ennu" not in {g["name"] for g in portal.ok("GET", groups)["results"]}
    portal.refused("GET", f"{groups}/ennu", status=404)
    portal.refused("POST", CONTACTS, text_property("nickname", groupName="ennu"))
    assert portal.ok("POST", groups, {"name": "ennu", "label": "Again"})["archived"] is False


def test_a_custom_object_has_what_it_was_made_with_and_what_every_object_has(portal):
    type_id = portal.make_type("labs", text_property("note"), searchableProperties=["note"])
    schema = portal.ok("GET", f"/crm-object-schemas/v3/schemas/{type_id}")
    names = {p["name"] for p in schema["properties"]}
    assert names >= {"key", "note", "hs_object_id", "hs_createdate", "hs_lastmodifieddate", "hubspot_owner_id"}
    assert schema["fullyQualifiedName"] == "p44000001_labs" and schema["searchableProperties"] == ["note"]
    for name in (type_id, "p44000001_labs", "p_labs"):
        assert portal.ok("GET", f"/crm/v3/objects/{name}") == {"results": []}
    portal.refused("GET", "/crm/v3/objects/labs")
    to = {a["toObjectTypeId"] for a in schema["associations"] if a["fromObjectTypeId"] == type_id}
    assert to == {"0-1", "0-49", "0-47", "0-46", "0-27", "0-48", "0-11"}


SCHEMAS = "/crm-object-schemas/v3/schemas"
PLAIN = {
    "name": "labs", "labels": {"singular": "Lab", "plural": "Labs"}, "requiredProperties": [],
    "primaryDisplayProperty": "key", "associatedObjects": ["CONTACT"],
    "properties": [{"name": "key", "label": "K", "type": "string", "fieldType": "text"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "sub_category"),
    [
        ({"name": "1labs"}, "InboundDbObjectTypeError.OBJECT_TYPE_NAME_FORMAT"),
        ({"name": "x" * 51}, "InboundDbObjectTypeError.OBJECT_TYPE_NAME_FORMAT"),
        ({"primaryDisplayProperty": None}, "ObjectSchemaError.PRIMARY_DISPLAY_PROPERTY_REQUIRED"),
        (
            {"primaryDisplayProperty": "nope"},
            "ObjectSchemasSandboxesSyncErrorType.INVALID_PRIMARY_DISPLAY_PROPERTY",
        ),
        ({"requiredProperties": ["nope"]}, "InvalidPropertiesError.INVALID_REQUIRED_PROPERTIES"),
        ({"labels": {}}, None),
        ({"associatedObjects": ["butterflies"]}, None),
    ],
)
def test_schemas_that_are_refused_leave_nothing_behind(portal, wrong, sub_category):
    error = portal.refused("POST", SCHEMAS, {**PLAIN, **wrong})
    assert error.get("subCategory") == sub_category
    assert portal.ok("GET", SCHEMAS) == {"results": []}
    portal.ok("POST", SCHEMAS, PLAIN)


def test_an_active_name_returns_the_schema_and_another_case_is_refused(portal):
    made = portal.ok("POST", SCHEMAS, PLAIN)
    assert portal.ok("POST", SCHEMAS, PLAIN)["objectTypeId"] == made["objectTypeId"]
    error = portal.refused("POST", SCHEMAS, {**PLAIN, "name": "LABS"}, status=409)
    assert error["subCategory"] == "InboundDbObjectTypeError.OBJECT_TYPE_ALREADY_EXIST"


def test_a_schema_is_archived_only_without_records_and_its_name_is_free_again(portal):
    type_id = portal.ok("POST", SCHEMAS, PLAIN)["objectTypeId"]
    (record_id,) = portal.add(type_id, {"key": "k"})
    error = portal.refused("DELETE", f"{SCHEMAS}/{type_id}")
    assert error["subCategory"] == "ObjectSchemaError.EXISTING_OBJECT_RECORDS"
    portal.batch(type_id, "archive", {"id": record_id})
    portal.refused("DELETE", f"{SCHEMAS}/{type_id}", archived="true")
    assert portal.call("DELETE", f"{SCHEMAS}/{type_id}").status_code == 204
    assert portal.ok("GET", SCHEMAS) == {"results": []}
    assert portal.ok("GET", SCHEMAS, archived="true")["results"][0]["archived"] is True
    portal.refused("GET", f"/crm/v3/objects/{type_id}")
    again = portal.ok("POST", SCHEMAS, PLAIN)["objectTypeId"]
    assert again != type_id and portal.ok("GET", f"/crm/v3/objects/{again}") == {"results": []}


def test_a_schema_is_changed(portal):
    type_id = portal.ok("POST", SCHEMAS, PLAIN)["objectTypeId"]
    portal.refused("PATCH", f"{SCHEMAS}/{type_id}", {"requiredProperties": ["nope"]})
    changes = {"labels": {"plural": "Laboratories"}, "requiredProperties": ["key"], "description": "Words."}
    changed = portal.ok("PATCH", f"{SCHEMAS}/{type_id}", changes)
    assert changed["labels"] == {"singular": "Lab", "plural": "Laboratories"} and changed["description"] == "Words."
    portal.refused("POST", f"/crm/v3/objects/{type_id}", {"properties": {}})
    error = portal.refused("PATCH", f"{SCHEMAS}/{type_id}", {"allowsSensitiveProperties": False})
    assert error["subCategory"].endswith("SENSITIVE_PROPERTIES_SUPPORT_CANNOT_BE_TURNED_OFF")
    portal.refused("PATCH", f"{SCHEMAS}/contacts", {"description": "x"})


def test_the_number_of_custom_objects_and_the_tier(portal):
    portal.set(custom_object_types=1)
    portal.ok("POST", SCHEMAS, PLAIN)
    portal.refused("POST", SCHEMAS, {**PLAIN, "name": "visits"})
    limits = portal.ok("GET", "/crm/v3/limits/custom-object-types")
    assert limits == {"limit": 1, "usage": 1, "percentage": 100.0}
    portal.set(tier="professional", custom_object_types=10)
    portal.refused("POST", SCHEMAS, {**PLAIN, "name": "visits"}, status=403)


def test_association_definitions_of_schemas(portal):
    first, second = portal.make_type("labs"), portal.make_type("visits")
    labels = f"/crm/v4/associations/{first}/{second}/labels"
    assert portal.ok("GET", labels) == {"results": []}
    body = {"fromObjectTypeId": first, "toObjectTypeId": second, "name": "lab_of_visit"}
    made = portal.ok("POST", f"{SCHEMAS}/{first}/associations", body)
    (spec,) = portal.ok("GET", labels)["results"]
    assert spec == {"category": "USER_DEFINED", "typeId": int(made["id"]), "label": None}
    assert portal.call("DELETE", f"{SCHEMAS}/{first}/associations/{made['id']}").status_code == 204
    assert portal.ok("GET", labels) == {"results": []}
    portal.refused("DELETE", f"{SCHEMAS}/{first}/associations/{made['id']}", status=404)


LABELS = "/crm/v4/associations/contacts/companies/labels"


def test_a_pair_of_labels_has_a_type_id_for_each_direction(portal):
    made = portal.ok("POST", LABELS, {"label": "Employer", "inverseLabel": "Employee", "name": "employment"})
    forth, back = made["results"]
    assert (forth["label"], back["label"]) == ("Employer", "Employee") and forth["typeId"] != back["typeId"]
    assert forth in portal.ok("GET", LABELS)["results"]
    assert back in portal.ok("GET", "/crm/v4/associations/companies/contacts/labels")["results"]
    assert {r["typeId"] for r in portal.ok("GET", LABELS)["results"]} == {279, 1, forth["typeId"]}


def test_a_label_of_one_type_with_itself(portal):
    path = "/crm/v4/associations/contacts/contacts/labels"
    same = portal.ok("POST", path, {"label": "Family", "name": "family"})["results"]
    pair = portal.ok("POST", path, {"label": "Guarantor", "inverseLabel": "Dependent", "name": "guarantee"})["results"]
    assert len(same) == 1 and len({spec["typeId"] for spec in pair}) == 2


def test_labels_that_are_refused(portal):
    portal.ok("POST", LABELS, {"label": "Employer", "name": "employment"})
    portal.refused("POST", LABELS, {"label": "Other", "name": "employment"})
    portal.refused("POST", LABELS, {"label": "Employer", "name": "other"})
    portal.refused("POST", LABELS, {"name": "other"})
    error = portal.refused("POST", LABELS, {"label": "", "name": "plain"})
    assert error["subCategory"] == "AssociationValidationError.DUPLICATE_ASSOCIATION_LABEL"
    portal.set(association_labels_per_pair=1)
    portal.refused("POST", LABELS, {"label": "Other", "name": "other"}, status=437)


def test_labels_are_reworded_and_deleted_from_either_side(portal):
    forth, back = portal.ok("POST", LABELS, {"label": "Employer", "inverseLabel": "Employee", "name": "e"})["results"]
    body = {"associationTypeId": forth["typeId"], "label": "Firm"}
    assert portal.call("PUT", LABELS, body).status_code == 204
    labels = {r["label"] for r in portal.ok("GET", "/crm/v4/associations/companies/contacts/labels")["results"]}
    assert labels == {None, "Primary", "Firm"}
    assert portal.call("DELETE", f"{LABELS}/{back['typeId']}").status_code == 204
    assert {r["typeId"] for r in portal.ok("GET", LABELS)["results"]} == {279, 1}
    portal.refused("DELETE", f"{LABELS}/{forth['typeId']}")
    portal.refused("PUT", LABELS, body)


def test_the_unlabelled_association_of_a_pair_is_made_with_its_first_label_and_goes_last(portal):
    first, second = portal.make_type("labs"), portal.make_type("visits")
    path = f"/crm/v4/associations/{first}/{second}/labels"
    portal.ok("POST", path, {"label": "Reviewed", "name": "review"})
    plain, labelled = portal.ok("GET", path)["results"]
    assert plain["label"] is None
    portal.refused("DELETE", f"{path}/{plain['typeId']}")
    portal.call("DELETE", f"{path}/{labelled['typeId']}")
    assert portal.call("DELETE", f"{path}/{plain['typeId']}").status_code == 204
    assert portal.ok("GET", path) == {"results": []}


def test_type_ids_differ_from_portal_to_portal(portal, tmp_path):
    here = portal.ok("POST", LABELS, {"label": "Employer", "name": "employment"})["results"][0]["typeId"]
    settings = CALM.model_copy(update={"portal_id": 44_000_009})
    with running(tmp_path / "other.sqlite", settings=settings) as url:
        there = EmulatedPortal(url).ok("POST", LABELS, {"label": "Employer", "name": "employment"})
    assert there["results"][0]["typeId"] != here


def test_definitions_outlive_the_process(tmp_path):
    state = tmp_path / "portal.sqlite"
    with running(state, settings=CALM) as url:
        portal = EmulatedPortal(url)
        type_id = portal.make_type("labs", choice("grade", "ab"))
        portal.ok("POST", LABELS, {"label": "Employer", "name": "employment"})
        before = [portal.ok("GET", p) for p in (f"{SCHEMAS}/{type_id}", LABELS, CONTACTS, f"{CONTACTS}/groups")]
    with running(state, settings=CALM) as url:
        portal = EmulatedPortal(url)
        after = [portal.ok("GET", p) for p in (f"{SCHEMAS}/{type_id}", LABELS, CONTACTS, f"{CONTACTS}/groups")]
        portal.refused("POST", f"/crm/v3/objects/{type_id}", {"properties": {"key": "k", "grade": "x"}})
    assert before == after
