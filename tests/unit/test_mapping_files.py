"""Mapping files: every column has a destination or a reason, and every mistake of every file is named at once."""

import shutil

import pytest
import yaml

from ennu_lib.catalog import load_catalogue
from ennu_lib.config import params_dir
from ennu_lib.errors import ConfigurationError
from ennu_lib.hubspot.portal_schema import load_portal_schema
from ennu_lib.mapping import coverage, flow_steps, load_mappings
from ennu_lib.mapping.money import MAKES

CATALOGUE = load_catalogue(params_dir() / "catalog")
PORTAL = load_portal_schema()
TEN_TABLES = {
    "25againmetrics",
    "25againmembers",
    "25againzoommeeting",
    "25againrecommendations",
    "patients",
    "clinical_notes",
    "lab_orders",
    "lab_results",
    "billing_records",
    "appointments",
}


@pytest.fixture
def folder(tmp_path):
    for name in ("mappings", "codes"):
        shutil.copytree(params_dir() / name, tmp_path / name)
    return tmp_path


def change(folder, table, edit):
    path = folder / "mappings" / f"{table}.yml"
    data = yaml.safe_load(path.read_text())
    edit(data)
    path.write_text(yaml.safe_dump(data, sort_keys=False))


def test_the_ten_tables_of_the_strategy_document_are_mapped_column_by_column():
    maps = load_mappings(params_dir(), CATALOGUE, PORTAL)
    assert set(maps.mappings) >= TEN_TABLES
    for table in TEN_TABLES:
        spoken = {c for c in maps.mappings[table].columns_spoken_for() if not c.startswith("@")}
        assert spoken == set(CATALOGUE.table(table).column_names)


def test_all_six_custom_objects_and_contacts_are_fed():
    maps = load_mappings(params_dir(), CATALOGUE, PORTAL)
    assert {m.object for m in maps.mappings.values() if m.records} == set(PORTAL.objects)
    filled = coverage(maps, PORTAL)
    assert (filled["filled"] + filled["open"] == filled["properties"]).all()


DEFECTS = {
    "column_without_destination": (
        lambda d: d["left_out"].pop(),
        "column created_at has no destination and no reason",
    ),
    "unknown_column": (lambda d: d["fields"].append({"source": "colour", "target": "city"}), "colour is not a column"),
    "unknown_property": (lambda d: d["fields"][0].update(target="first_nam"), "contacts has no property first_nam"),
    "property_filled_twice": (lambda d: d["fields"][1].update(target="firstname"), "firstname is filled twice"),
    "rule_of_another_type": (lambda d: d["fields"][2].update(rule="text"), "the rule text does not make a date"),
    "unknown_code_list": (lambda d: d["fields"][3].update(codes="sexes"), "there is no code list sexes"),
    "unknown_association": (
        lambda d: d["links"][0].update(association="friend_of"),
        "there is no association friend_of",
    ),
    "unknown_label": (lambda d: d["links"][0].update(label="best_friend"), "has no label best_friend"),
    "unknown_key": (lambda d: d.update(colour="red"), "colour: unknown key"),
    "orphan_without_table": (
        lambda d: d["refuse"].append({"column": "city", "test": "orphan", "account": "quarantined", "reason": "X_X"}),
        "the test orphan, and no other, needs `table`",
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_is_named(defect, folder):
    edit, words = DEFECTS[defect]
    change(folder, "patients", edit)
    with pytest.raises(ConfigurationError, match=r"patients\.yml") as raised:
        load_mappings(folder, CATALOGUE, PORTAL)
    assert words in str(raised.value)


ADDED = {
    "records_of_nothing": (lambda a: a.update(records_of="patients_"), "no mapping makes records of patients_"),
    "property_of_the_record_itself": (
        lambda a: a["summaries"][0].update(target="zoom_meeting_id"),
        "property zoom_meeting_id is filled twice",
    ),
    "unknown_property_of_the_record": (
        lambda a: a["summaries"][0].update(target="advice"),
        "telehealth_sessions has no property advice",
    ),
    "order_that_forgets_an_option": (lambda a: a["summaries"][1]["order"].pop(), "does not name each option"),
    "highest_without_an_order": (lambda a: a["summaries"][1].pop("order"), "needs `codes` and `order`"),
}


@pytest.mark.parametrize("defect", ADDED)
def test_each_defect_of_an_addition_is_named(defect, folder):
    edit, words = ADDED[defect]
    change(folder, "25againrecommendations", lambda d: edit(d["adds_to"][0]))
    with pytest.raises(ConfigurationError, match=r"25againrecommendations\.yml") as raised:
        load_mappings(folder, CATALOGUE, PORTAL)
    assert words in str(raised.value)


CALCULATED = {
    "calculation_of_another_property": (lambda c: c[0].update(by="C15"), "there is no calculation C15 that makes it"),
    "property_that_nothing_calculates": (lambda c: c[0].update(target="city"), "city: there is no calculation C14"),
    "property_calculated_twice": (lambda c: c.append(c[0]), "property total_revenue is filled twice"),
    "column_that_is_none": (lambda c: c[0].update(column="fee"), "fee is not a column of payments"),
}


@pytest.mark.parametrize("defect", CALCULATED)
def test_each_defect_of_a_calculation_is_named(defect, folder):
    edit, words = CALCULATED[defect]
    change(folder, "payments", lambda d: edit(d["calculated"]))
    with pytest.raises(ConfigurationError, match=r"payments\.yml") as raised:
        load_mappings(folder, CATALOGUE, PORTAL)
    assert words in str(raised.value)


def test_what_the_portal_says_is_calculated_is_what_calculates_it():
    maps = load_mappings(params_dir(), CATALOGUE, PORTAL)
    made = {c.target: c.by for m in maps.mappings.values() for c in m.calculated}
    assert {name: PORTAL.property("contacts", name).calculated for name in made} == made == MAKES
    steps = flow_steps(maps, "payments", PORTAL)
    assert {"source": "amount", "rule": "calculation C14", "target": "total_revenue"} in steps


def test_mistakes_of_several_files_come_together(folder):
    change(folder, "patients", DEFECTS["unknown_property"][0])
    change(folder, "lab_orders", lambda d: d.update(table="lab_orderz"))
    (folder / "codes" / "people.yml").write_text("lists: [")
    with pytest.raises(ConfigurationError) as raised:
        load_mappings(folder, CATALOGUE, PORTAL)
    files = {m.split()[0].rstrip(":") for m in raised.value.mistakes}
    assert {"codes/people.yml", "mappings/patients.yml", "mappings/lab_orders.yml"} <= files


def test_a_code_list_may_not_lead_to_an_option_that_is_none(folder):
    path = folder / "codes" / "people.yml"
    path.write_text(path.read_text().replace("male: [M", "masculine: [M"))
    with pytest.raises(ConfigurationError, match="gives masculine, no option of it"):
        load_mappings(folder, CATALOGUE, PORTAL)


def test_the_page_shows_every_column_of_a_table_once():
    maps = load_mappings(params_dir(), CATALOGUE, PORTAL)
    steps = flow_steps(maps, "patients", PORTAL)
    named = [word for step in steps for word in step["source"].split(" else ")]
    assert set(CATALOGUE.table("patients").column_names) <= set(named)
    assert all(step["rule"] for step in steps)
