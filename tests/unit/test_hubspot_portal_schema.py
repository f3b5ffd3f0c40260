"""The portal's schema files: complete, coherent, and refused with every mistake named at once."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from ennu_lib.config import params_dir
from ennu_lib.errors import ConfigurationError
from ennu_lib.hubspot.portal_schema import load_portal_schema
from ennu_lib.hubspot.schema import EXTERNAL_ID

STRATEGY_PROPERTIES = {
    "contacts": 100,
    "lab_results": 25,
    "measurement_history": 36,
    "health_scores": 34,
    "telehealth_sessions": 29,
    "assessment_results": 20,
    "staff_management": 27,
}
UPSERT_KEYS = {
    "contacts": {"legacy_patient_id", "legacy_member_id"},
    "lab_results": {"lab_results_id"},
    "measurement_history": {"measurement_history_id"},
    "health_scores": {"health_score_id"},
    "telehealth_sessions": {"telehealth_session_id"},
    "assessment_results": {"assessment_result_id"},
    "staff_management": {"staff_id"},
}


@pytest.fixture(scope="module")
def schema():
    return load_portal_schema()


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(params_dir() / "portal", tmp_path / "portal"))


def edit(path, old, new, count=1):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))


def mistakes_of(folder):
    with pytest.raises(ConfigurationError) as refused:
        load_portal_schema(folder)
    return refused.value.mistakes


def test_every_object_has_its_properties_of_the_target_model_and_the_external_id(schema):
    assert {name: len(held) - 1 for name, held in schema.properties.items()} == STRATEGY_PROPERTIES
    assert sum(STRATEGY_PROPERTIES.values()) == 271
    assert all(schema.property(name, EXTERNAL_ID).unique for name in schema.objects)


def test_only_the_upsert_keys_are_unique(schema):
    unique = {name: {p.name for p in held if p.unique} - {EXTERNAL_ID} for name, held in schema.properties.items()}
    assert unique == UPSERT_KEYS


def test_sensitivity_follows_the_target_model(schema):
    found = Counter(p.sensitivity for held in schema.properties.values() for p in held)
    assert found == {"sensitive": 137, "none": 134 + 7}
    assert all(p.sensitivity == "none" for p in schema.properties["staff_management"])


def test_the_nine_default_contact_properties_are_never_created(schema):
    defaults = {p.name for p in schema.properties["contacts"] if p.default}
    assert defaults == {"firstname", "lastname", "email", "phone", "mobilephone", "address", "city", "state", "zip"}


def test_every_enumeration_has_concrete_options(schema):
    for name, held in schema.properties.items():
        for found in held:
            assert (found.type == "enumeration") == bool(found.options), (name, found.name)


def test_lists_that_several_properties_share_are_concrete(schema, folder):
    assert schema.options("contacts", "lead_source") == schema.options("contacts", "referral_source")
    assert len(schema.options("staff_management", "license_states")) == 56
    flags = {option.value for option in schema.options("lab_results", "data_quality_flags")}
    assert {"PAT-01", "CLN-22", "GEN-09", "REVIEW_OVERDUE"} <= flags and "GEN-06" not in flags
    file = folder / "options.yml"
    south = "{value: south_clinic, label: 'South, Suite 2'}"
    file.write_text(file.read_text().replace("[telehealth]", f"[north_clinic, {south}, telehealth]"))
    changed = load_portal_schema(folder)
    values = [option.value for option in changed.options("contacts", "appointment_location")]
    assert values == ["north_clinic", "south_clinic", "telehealth"]
    assert changed.options("staff_management", "practice_locations")[1].label == "South, Suite 2"


def test_option_labels_are_written_for_people(schema):
    labels = {option.value: option.label for option in schema.options("contacts", "payment_preferences")}
    assert labels["credit_card"] == "Credit Card"
    assert labels["ach"] == "ACH"
    assert labels["hsa_fsa"] == "HSA/FSA"


def test_the_fifteen_associations_stand_with_their_labels(schema):
    assert [found.id for found in schema.associations] == [f"A{n:02d}" for n in range(1, 16)]
    care = next(found for found in schema.associations if found.id == "A09")
    assert [label.name for label in care.labels] == [
        "primary_provider",
        "care_team",
        "preferred_provider",
        "last_assessed_by",
    ]


def test_two_mistakes_of_one_file_are_both_reported_with_their_lines(folder):
    path = folder / "properties" / "lab_results.yml"
    edit(
        path,
        "type: string\n    field_type: text\n    group: ennu_migration",
        "type: string\n    field_type: file\n    group: ennu_migration",
    )
    edit(path, "group: lab_results_information", "group: lab_stuff")
    first, second = sorted(mistakes_of(folder))
    lines = path.read_text().splitlines()
    assert first.startswith("properties/lab_results.yml line ") and second.startswith(
        "properties/lab_results.yml line "
    )
    assert "field_type file does not go with type string" in first + second
    assert "no group lab_stuff" in first + second
    place = next(m for m in (first, second) if "lab_stuff" in m)
    line = int(place.split("line ")[1].split(":")[0])
    assert "group: lab_stuff" in "".join(lines[line - 1 : line + 5])


def test_mistakes_of_different_files_are_gathered(folder):
    edit(folder / "objects.yml", "kind: standard", "kind: ordinary")
    edit(folder / "associations.yml", "to: lab_results", "to: lab_result")
    edit(folder / "options.yml", "options:", "choices:")
    edit(folder / "properties" / "contacts.yml", "unique: true", "unique: true\n    uniqe: true")
    found = "\n".join(mistakes_of(folder))
    for name in ("objects.yml line 5", "options.yml line", "properties/contacts.yml line"):
        assert name in found
    assert "unknown key" in found


GENDER = "options: [male, female, other, unknown]"
ONE_MISTAKE = [
    ("associations.yml", "to: lab_results", "to: lab_result", "A01 links the unknown object lab_result"),
    ("associations.yml", "id: A02", "id: A01", "the id A01 stands twice"),
    ("objects.yml", "property: staff_id", "property: staff", "unknown property staff"),
    ("properties/contacts.yml", "name: city", "name: zip", "the property zip stands twice"),
    ("properties/contacts.yml", "options_from: facilities", "options_from: places", "no list places"),
    ("properties/contacts.yml", GENDER, "options: [male, male]", "option value stands twice"),
    ("properties/contacts.yml", GENDER, "options: [male, fe;male]", "match pattern"),
    ("properties/contacts.yml", f"    {GENDER}\n", "", "has options or options_from"),
    ("properties/contacts.yml", "    default: true", "    unique: true", "give a group, or default: true"),
    ("properties/health_scores.yml", "name: ennu_external_id", "name: ennu_id", "key ennu_external_id is missing"),
    ("properties/health_scores.yml", "name: score_date", "name: ScoreDate", "match pattern"),
    ("properties/staff_management.yml", "sensitivity: none", "sensitivity: sensitive", "without sensitivity"),
]


@pytest.mark.parametrize(("file", "old", "new", "told"), ONE_MISTAKE)
def test_each_mistake_is_named(folder, file, old, new, told):
    edit(folder / file, old, new)
    assert any(told in mistake and " line " in mistake for mistake in mistakes_of(folder)), mistakes_of(folder)


def test_a_sensitive_property_needs_an_object_that_allows_it(folder):
    edit(folder / "objects.yml", "allows_sensitive_properties: true", "allows_sensitive_properties: false")
    found = mistakes_of(folder)
    assert len(found) > 5 and all("lab_results does not allow sensitive" in mistake for mistake in found)


def test_a_missing_file_is_named(folder):
    (folder / "properties" / "health_scores.yml").unlink()
    assert any("health_scores has no file" in mistake for mistake in mistakes_of(folder))


def test_more_than_ten_unique_properties_are_refused(folder):
    path = folder / "properties" / "contacts.yml"
    text = path.read_text()
    added = "".join(
        f"  - {{name: key_{n}, label: Key {n}, type: string, field_type: text, group: ennu_migration, "
        f"unique: true, sensitivity: none, origin: added}}\n"
        for n in range(8)
    )
    path.write_text(text + added)
    assert any("10 unique" in mistake for mistake in mistakes_of(folder))
