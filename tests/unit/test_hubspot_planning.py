"""The plan: what would be created, changed, kept, and what conflicts, with its cure."""

import copy

import pytest

from ennu_lib.hubspot.bodies import group_body, property_body, schema_body
from ennu_lib.hubspot.live import LivePortal
from ennu_lib.hubspot.planning import make_plan
from ennu_lib.hubspot.portal_schema import load_portal_schema
from ennu_lib.hubspot.render import render_plan


@pytest.fixture(scope="module")
def schema():
    return load_portal_schema()


@pytest.fixture
def finished(schema):
    """A portal as it is after apply."""
    properties = {
        name: {
            p.name: {**property_body(p), "dataSensitivity": {"none": "non_sensitive"}.get(p.sensitivity, p.sensitivity)}
            for p in held
        }
        for name, held in schema.properties.items()
    }
    labels = {}
    for found in schema.associations:
        forth = labels.setdefault((found.from_object, found.to_object), [{"category": "X", "typeId": 1, "label": None}])
        back = labels.setdefault((found.to_object, found.from_object), [{"category": "X", "typeId": 2, "label": None}])
        for number, label in enumerate(found.labels):
            forth.append({"category": "USER_DEFINED", "typeId": 10 + number, "label": label.label})
            back.append({"category": "USER_DEFINED", "typeId": 20 + number, "label": label.inverse or label.label})
    return LivePortal(
        type_ids={name: f"2-{n}" for n, name in enumerate(schema.objects)},
        schemas={found.name: schema_body(found, schema.properties[found.name]) for found in schema.custom_objects()},
        properties=copy.deepcopy(properties),
        groups={name: {g.name: group_body(g) for g in found.groups} for name, found in schema.objects.items()},
        labels=labels,
    )


@pytest.fixture
def empty(schema, finished):
    """A new portal: standard objects with HubSpot's own properties only."""
    defaults = {p.name: property_body(p) for p in schema.properties["contacts"] if p.default}
    standard = {("contacts", "contacts"), ("contacts", "companies"), ("companies", "contacts")}
    return LivePortal(
        type_ids={"contacts": "0-1"},
        schemas={},
        properties={"contacts": defaults},
        groups={"contacts": {"contactinformation": {}}},
        labels={pair: found[:1] for pair, found in finished.labels.items() if pair in standard},
    )


def contact(live, name):
    return live.properties["contacts"][name]


def test_a_finished_portal_needs_nothing(schema, finished):
    plan = make_plan(schema, finished)
    assert plan.empty, render_plan(plan)
    assert "The portal is as it should be." in render_plan(plan)


def test_an_empty_portal_needs_everything(schema, empty):
    plan = make_plan(schema, empty)
    kinds = [step.kind for step in plan.create]
    assert plan.conflicts == () and plan.change == ()
    assert kinds.count("schema") == 6
    # The key that names an object is created with its schema; nine contact properties are HubSpot's own.
    assert kinds.count("property") == 278 - 6 - 9
    assert kinds.count("association") == 13
    assert kinds.count("label") == 16
    assert kinds.count("group") == 12


def test_steps_come_in_an_order_that_works(schema, empty):
    steps = make_plan(schema, empty).steps
    order = [step.kind for step in steps]
    assert order == sorted(order, key=["schema", "group", "property", "association", "label"].index)
    unique = [bool(step.body.get("hasUniqueValue")) for step in steps if step.kind == "property"]
    assert unique == sorted(unique)


def test_schema_bodies_carry_what_the_schema_names(schema, empty):
    step = next(step for step in make_plan(schema, empty).create if step.target == "lab_results")
    assert [held["name"] for held in step.body["properties"]] == ["lab_results_id"]
    assert step.body["allowsSensitiveProperties"] is True
    assert step.body["primaryDisplayProperty"] == "lab_results_id"


def test_irreversible_steps_are_named_by_kind_object_and_property(schema, empty):
    plan = make_plan(schema, empty)
    assert plan.permissions() == ["schema", "sensitive", "unique"]
    step = next(step for step in plan.create if step.target == "contacts.patient_gender")
    assert step.missing(set()) == ["sensitive"]
    for name in ("sensitive", "sensitive:contacts", "sensitive:contacts.patient_gender"):
        assert step.missing({name}) == []
    assert step.missing({"sensitive:lab_results", "unique", "schema"}) == ["sensitive"]
    created = next(step for step in plan.create if step.target == "health_scores")
    assert created.missing({"schema"}) == ["unique"]


def test_changes_show_before_and_after(schema, finished):
    contact(finished, "patient_status")["label"] = "State"
    plan = make_plan(schema, finished)
    (step,) = plan.change
    assert step.body == {"label": "Patient Status"}
    assert 'label: "State" -> "Patient Status"' in render_plan(plan)


def test_options_of_the_portal_are_kept_behind_ours(schema, finished):
    own = {"value": "twice_daily", "label": "Twice Daily", "displayOrder": 9, "hidden": False}
    present = contact(finished, "communication_frequency")
    present["options"] = [own, *present["options"][1:]]
    (step,) = make_plan(schema, finished).change
    values = [option["value"] for option in step.body["options"]]
    assert values == ["daily", "weekly", "monthly", "as_needed", "twice_daily"]
    present["options"] = step.body["options"]
    assert make_plan(schema, finished).empty


@pytest.mark.parametrize(
    ("name", "field", "value", "told"),
    [
        ("lifetime_value", "type", "string", "exists with type string/number, not number"),
        ("city", "type", "number", "exists with type number/text, not string"),
        ("patient_gender", "dataSensitivity", "non_sensitive", "exists as non_sensitive"),
        ("city", "dataSensitivity", "sensitive", ""),
        ("legacy_member_id", "hasUniqueValue", False, "exists without unique values"),
        ("membership_level", "hasUniqueValue", True, "exists with unique values"),
        ("membership_level", "fieldType", "checkbox", "exists with type enumeration/checkbox"),
        ("total_revenue", "calculated", True, "calculated property"),
    ],
)
def test_what_cannot_be_changed_is_a_conflict_with_a_cure(schema, finished, name, field, value, told):
    contact(finished, name)[field] = value
    conflicts = make_plan(schema, finished).conflicts
    if not told:
        assert conflicts == ()
        return
    (conflict,) = conflicts
    assert conflict.target == f"contacts.{name}" and told in conflict.problem
    assert f"rename ours to ennu_{name}" in conflict.cure


def test_a_property_of_somebody_else_is_taken_over_only_by_name(schema, finished):
    contact(finished, "lead_source")["groupName"] = "sales"
    (step,) = make_plan(schema, finished).change
    assert step.missing({"adopt", "sensitive", "unique"}) == ["adopt:contacts.lead_source"]
    assert step.body == {"groupName": "ennu_membership"}


def test_a_default_property_is_never_touched(schema, finished):
    contact(finished, "city").update(label="Town", description="where", groupName="elsewhere")
    assert make_plan(schema, finished).empty


def test_a_default_property_that_is_not_there_is_a_conflict(schema, finished):
    del finished.properties["contacts"]["mobilephone"]
    (conflict,) = make_plan(schema, finished).conflicts
    assert conflict.target == "contacts.mobilephone"


def test_more_than_ten_unique_properties_conflict(schema, finished):
    for number in range(8):
        finished.properties["contacts"][f"their_key_{number}"] = {"name": "x", "hasUniqueValue": True}
    (conflict,) = make_plan(schema, finished).conflicts
    assert "11 unique properties would be needed, 8 of them not ours" in conflict.problem
    del finished.properties["contacts"]["their_key_0"]
    assert make_plan(schema, finished).empty


def test_an_object_of_the_same_name_that_differs_conflicts(schema, finished):
    finished.schemas["health_scores"].update(allowsSensitiveProperties=False, primaryDisplayProperty="name")
    assert [found.target for found in make_plan(schema, finished).conflicts] == ["health_scores", "health_scores"]


def test_the_wording_of_an_object_is_changed(schema, finished):
    finished.schemas["lab_results"]["labels"] = {"singular": "Lab", "plural": "Labs"}
    (step,) = make_plan(schema, finished).change
    assert step.body == {"labels": {"singular": "Lab Result", "plural": "Lab Results"}}


def test_the_wording_of_a_group_is_changed(schema, finished):
    finished.groups["contacts"]["ennu_membership"]["label"] = "Members"
    (step,) = make_plan(schema, finished).change
    assert (step.kind, step.name, list(step.body)) == ("group", "ennu_membership", ["label"])


def test_the_group_that_hubspot_makes_with_an_object_keeps_its_wording(schema, finished):
    finished.groups["health_scores"]["health_scores_information"]["label"] = "Health Score Information"
    assert make_plan(schema, finished).empty


def test_a_half_made_object_is_completed(schema, finished):
    del finished.properties["health_scores"]["health_score_id"]
    del finished.properties["health_scores"]["ennu_external_id"]
    del finished.groups["health_scores"]["health_scores_information"]
    targets = [step.target for step in make_plan(schema, finished).steps]
    assert targets == [
        "health_scores.health_scores_information",
        "health_scores.ennu_external_id",
        "health_scores.health_score_id",
    ]


def test_a_label_with_another_inverse_is_reworded(schema, finished):
    back = finished.labels[("lab_results", "health_scores")]
    back[1]["label"] = "Found In"
    (step,) = make_plan(schema, finished).change
    assert step.kind == "label" and step.body["inverseLabel"] == "Used In" and step.body["associationTypeId"] == 10


def test_a_standard_association_that_is_missing_conflicts(schema, finished):
    finished.labels[("contacts", "companies")] = []
    (conflict,) = make_plan(schema, finished).conflicts
    assert conflict.target == "contacts > companies"


def test_the_digest_names_the_plan(schema, finished, empty):
    first = make_plan(schema, empty)
    assert first.digest == make_plan(schema, empty).digest
    assert first.digest != make_plan(schema, finished).digest
    assert first.digest in render_plan(first)


def test_every_step_and_every_conflict_is_printed(schema, empty):
    contact(empty, "zip")["type"] = "number"
    plan = make_plan(schema, empty)
    text = render_plan(plan)
    assert all(step.target in text for step in plan.steps)
    assert text.count("[!]") == sum(bool(step.needs) for step in plan.steps)
    assert "! contacts.zip exists with type number/text" in text and "cure: rename ours" in text
    assert "Nothing is applied while there are conflicts." in text
