"""The agreed check of medications, step by step: names, active intervals, pairs, duplicate therapy, allergies."""

import polars as pl
import pytest

from ennu_lib.rules import Tables
from ennu_lib.rules.drugs import ingredients
from ennu_lib.rules.worst_first import interaction_list
from tests.support.small_tables import found, outcome, small_tables

KNOWN = {
    "testosterone", "testosterone cypionate", "estradiol", "atorvastatin", "linezolid", "sertraline", "calcium citrate",
    "levothyroxine", "st. john's wort", "hydrocodone", "ferrous sulfate", "olmesartan",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Estradiol 0.05 mg/24hr", ["estradiol"]),
        ("estradiol 0.075 mg/24hr patch", ["estradiol"]),
        ("Testosterone Cypionate 200 MG/ML Injectable Solution", ["testosterone cypionate"]),
        ("testosterone 1.62 % gel", ["testosterone"]),
        ("atorvastatin calcium 20 mg tablet", ["atorvastatin"]),
        ("olmesartan medoxomil 40mg", ["olmesartan"]),
        ("Levothyroxine Sodium 50 mcg [Synthroid]", ["levothyroxine"]),
        ("calcium citrate 500 mg", ["calcium citrate"]),
        ("ferrous sulfate 325 mg", ["ferrous sulfate"]),
        ("linezolid 600 mg + sertraline 50 mg", ["linezolid", "sertraline"]),
        ("Estradiol/Testosterone 1/2 mg/g cream", ["estradiol", "testosterone"]),
        ("St. John's Wort", ["st. john's wort"]),
        ("sertralin 50 mg", []),  # never by likeness
        ("something 20mgs", []),
    ],
)
def test_a_name_is_its_ingredients_without_strength_form_and_salt(name, wanted):
    assert ingredients(name, KNOWN) == wanted


def medicine(key, name, **more):
    given = {"patient_id": 1, "drug_name": name, "start_date": "2025-01-01", "is_active": True}
    return {"patient_medication_id": key} | given | more


def of_patient(reasons):
    return {(key, reason) for _, key, reason in reasons}


def test_a_pair_is_found_in_either_order_and_in_nobody_else():
    rows = [
        medicine(1, "sildenafil 50 mg"),
        medicine(2, "nitroglycerin 0.4 mg"),
        medicine(3, "riociguat", patient_id=2),
    ]
    wanted = {("1", "CONTRAINDICATED"), ("2", "CONTRAINDICATED")}
    assert of_patient(found("CLN-12", patient_medications=rows)) == wanted
    assert of_patient(found("CLN-12", patient_medications=rows[::-1])) == wanted


def test_a_code_says_the_ingredient_where_the_name_does_not():
    codes = [
        {"rxcui": "1", "name": "warfarin", "tty": "IN"},
        {"rxcui": "2", "name": "x", "tty": "SCD", "ingredient_rxcui": "1"},
    ]
    rows = [medicine(1, "blood thinner (house label)", rxcui="2"), medicine(2, "testosterone gel")]
    assert of_patient(found("CLN-12", patient_medications=rows)) == set()
    named = found("CLN-12", patient_medications=rows, drug_codes_rxnorm=codes)
    assert of_patient(named) == {("1", "MAJOR"), ("2", "MAJOR")}


@pytest.mark.parametrize(
    ("more", "acts"),
    [
        ({"stop_date": "2026-07-15"}, True),
        ({"stop_date": "2026-06-29"}, False),
        ({"stop_date": "2026-06-01", "route": "intramuscular"}, True),  # 29 days ago
        ({"stop_date": "2026-05-30", "route": "intramuscular"}, False),  # 31 days ago
        ({"stop_date": "2026-03-05", "drug_name": "testosterone 100 mg pellet", "route": "subcutaneous"}, True),  # 117
        ({"stop_date": "2026-02-28", "drug_name": "testosterone 100 mg pellet", "route": "subcutaneous"}, False),  # 122
        ({"is_active": False}, False),
        ({"is_active": False, "frequency": "as needed"}, True),
        ({"is_active": False, "frequency": "PRN"}, True),
        ({"start_date": "2026-07-02"}, False),
        ({"is_deleted": True}, False),
    ],
)
def test_what_acts_today(more, acts):
    rows = [medicine(1, "testosterone cypionate 200 mg/mL") | more, medicine(2, "warfarin 5 mg")]
    result, named = outcome("CLN-12", patient_medications=rows)
    assert of_patient(named) == ({("1", "MAJOR"), ("2", "MAJOR")} if acts else set())
    assert result.population == 1 + acts  # what does not act is not counted over


@pytest.mark.parametrize(("refilled", "acts"), [("2026-01-05", True), ("2025-12-30", False)])
def test_without_a_stop_a_refill_within_180_days_counts(refilled, acts):
    warfarin = [medicine(1, "warfarin 5 mg")]
    script = {
        "prescription_id": 7,
        "patient_id": 1,
        "drug": "anabolic",
        "drug_id": 3,
        "active": 0,
        "written_date": "2025-01-01",
    }
    formulary = [{"drug_id": 3, "ingredient": "testosterone"}]
    refill = {"rx_refill_id": 1, "prescription_id": 7, "request_date": f"{refilled} 09:00:00", "status": "approved"}
    named = found(
        "CLN-12", patient_medications=warfarin, prescriptions=[script], drug_formulary=formulary,
        prescription_refills=[refill],
    )  # fmt: skip
    assert (("prescriptions", "7", "MAJOR") in named) is acts
    assert not found(
        "CLN-12", patient_medications=warfarin, prescriptions=[script], drug_formulary=formulary,
        prescription_refills=[refill | {"status": "denied"}],
    )  # fmt: skip
    member = {
        "member_medication_id": 4,
        "patient_id": 1,
        "medication_id": 9,
        "status": "on hold",
        "start_date": "2025-01-01",
    }
    named = found(
        "CLN-12", patient_medications=warfarin, t25againmembermedications=[member],
        t25againmedications=[{"medication_id": 9, "medication_name": "ENNU T", "ingredient": "testosterone"}],
        t25againmedicationrefills=[{"refill_id": 1, "member_medication_id": 4, "refill_date": refilled}],
    )  # fmt: skip
    assert (("25againmembermedications", "4", "MAJOR") in named) is acts


def test_an_injection_of_the_formulary_acts_on_though_the_prescription_says_no_route():
    script = {"prescription_id": 7, "patient_id": 1, "drug": "house T", "drug_id": 3, "active": 0,
              "written_date": "2025-01-01", "end_date": "2026-06-10"}  # fmt: skip
    injected = {"drug_id": 3, "ingredient": "testosterone", "form": "Injectable Solution"}
    warfarin = [medicine(1, "warfarin")]
    assert found("CLN-12", patient_medications=warfarin, prescriptions=[script], drug_formulary=[injected])
    tablet = [injected | {"form": "Oral Tablet"}]
    assert not found("CLN-12", patient_medications=warfarin, prescriptions=[script], drug_formulary=tablet)


def test_two_of_a_class_are_moderate_but_two_pde5_inhibitors_or_anticoagulants_major():
    assert of_patient(found("CLN-12", patient_medications=[medicine(1, "estradiol"), medicine(2, "estriol")])) == {
        ("1", "MODERATE"), ("2", "MODERATE")
    }  # fmt: skip
    for one, other in (("sildenafil", "tadalafil"), ("warfarin", "apixaban")):
        named = found("CLN-12", patient_medications=[medicine(1, one), medicine(2, other)])
        assert of_patient(named) == {("1", "MAJOR"), ("2", "MAJOR")}
    assert not found("CLN-12", patient_medications=[medicine(1, "estradiol 1 mg"), medicine(2, "estradiol 2 mg")])


def test_a_pair_of_ingredients_has_its_highest_severity_only(monkeypatch):
    whole = Tables.clinical

    def with_a_milder_entry(tables, name):
        milder = {"pair_id": "DDI-99", "side_a": "pde5_inhibitors", "side_b": "nitrates", "severity": "moderate"}
        frame = whole(tables, name)
        return pl.concat([frame, pl.DataFrame(milder)], how="diagonal") if name == "drug_interactions" else frame

    monkeypatch.setattr(Tables, "clinical", with_a_milder_entry)
    rows = [medicine(1, "sildenafil"), medicine(2, "nitroglycerin")]
    assert of_patient(found("CLN-12", patient_medications=rows)) == {("1", "CONTRAINDICATED"), ("2", "CONTRAINDICATED")}


def test_the_list_to_sign_has_the_worst_first_with_what_to_do_and_no_value():
    rows = [
        medicine(1, "testosterone"), medicine(2, "warfarin"), medicine(3, "sildenafil"), medicine(4, "nitroglycerin"),
    ]  # fmt: skip
    listed = interaction_list(small_tables({"patient_medications": rows}))
    assert listed["severity"].to_list() == ["contraindicated", "major"]
    assert listed.row(0, named=True) == {
        "severity": "contraindicated", "pair_id": "DDI-01", "patient_id": "1",
        "table": "patient_medications", "key": "3", "other_table": "patient_medications", "other_key": "4",
        "mechanism": "Additive cGMP vasodilation: severe hypotension",
        "action": "Do not combine; confirm nitrate status",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("allergen", "hit"),
    [
        ("Morphine", True),
        ("morphine sulfate", True),
        ("Opioids", True),
        ("opioid", True),
        ("ACE inhibitors", False),
        ("Codeine", False),
    ],
)
def test_an_allergy_names_an_ingredient_or_a_class(allergen, hit):
    allergies = [{"allergy_id": 1, "patient_id": 1, "allergen": allergen, "status": "A"}]
    medication = [medicine(5, "morphine 15 mg tablet")]
    named = found("CLN-14", patient_medications=medication, allergies=allergies)
    assert named == ({("patient_medications", "5", "ALLERGY")} if hit else set())
    assert not found("CLN-14", patient_medications=medication, allergies=[allergies[0] | {"status": "I"}])


def test_an_allergy_counts_while_an_injection_still_acts():
    allergies = [
        {"allergy_id": 1, "patient_id": 1, "allergen": "Testosterone cypionate (cottonseed oil)", "status": "A"}
    ]
    for stop, hit in (("2026-06-10", True), ("2026-05-01", False)):
        shot = medicine(1, "testosterone cypionate 200 mg/mL", stop_date=stop, route="intramuscular", is_active=False)
        assert bool(found("CLN-14", patient_medications=[shot], allergies=allergies)) is hit


def reasons(rule="CLN-13", **rows):
    return {reason for _, _, reason in found(rule, **rows)}


WHOLE = {"dose": "50", "dose_unit": "mg", "route": "oral", "frequency": "twice weekly"}


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({}, set()),
        ({"dose": None}, {"NO_DOSE"}),
        ({"dose": "0"}, {"NO_DOSE"}),
        ({"dose_unit": None}, {"NO_UNIT"}),
        ({"route": "by owl"}, {"UNKNOWN_ROUTE"}),
        ({"frequency": "when the moon is full"}, {"UNKNOWN_FREQUENCY"}),
        ({"frequency": "every 4 months"}, set()),
        ({"stop_date": "2024-01-01", "is_active": False}, {"STOPS_BEFORE_START"}),
        ({"stop_date": "2026-01-01"}, {"ACTIVE_AFTER_STOP"}),
        ({"drug_name": "elixir"}, {"UNKNOWN_DRUG"}),
        ({"drug_name": "elixir", "is_deleted": True}, set()),
    ],
)
def test_a_medication_is_whole(more, wrong):
    assert reasons(patient_medications=[medicine(1, "sildenafil", **WHOLE) | more]) == wrong


def test_all_four_lists_are_looked_at():
    assert "UNKNOWN_DRUG" in reasons(prescriptions=[{"prescription_id": 1, "drug": "elixir", "quantity": 30}])
    member = [{"member_medication_id": 1, "medication_id": 9, "status": "active"}]
    known = [{"medication_id": 9, "medication_name": "x", "ingredient": "testosterone"}]
    assert reasons(t25againmembermedications=member, t25againmedications=known) == {"NO_DOSE"}
    assert "NO_DOSE" in reasons(t25againsupplements=[{"member_supplement_id": 1, "supplement_name": "Zinc"}])


def test_the_same_ingredient_and_two_of_a_class_are_listed():
    same = [medicine(1, "sildenafil 20 mg", **WHOLE), medicine(2, "sildenafil 50 mg", **WHOLE)]
    assert reasons(patient_medications=same) == {"INGREDIENT_TWICE"}
    related = [medicine(1, "sildenafil 20 mg", **WHOLE), medicine(2, "tadalafil 5 mg", **WHOLE)]
    assert reasons(patient_medications=related) == {"CLASS_TWICE"}
