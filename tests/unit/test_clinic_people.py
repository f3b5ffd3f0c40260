"""People of the built clinic: families, second registrations with their truth, contacts, memberships."""

import numpy as np
import polars as pl
import pytest

from ennu_lib.catalog import load_catalogue
from ennu_lib.clinic.params import ClinicParams
from ennu_lib.clinic.people_draw import clinic_table
from ennu_lib.clinic.people_duplicates import day_and_month_swapped, typo
from ennu_lib.clinic.people_names import nicknames
from ennu_lib.clinic.people_params import DUPLICATE_KINDS, TRAP_KINDS, people_params
from ennu_lib.clinic.people_text import garbled
from ennu_lib.config import params_dir
from ennu_lib.errors import ConfigurationError
from tests.support.one_clinic import one_clinic

VISIBLE = [
    "first_name",
    "middle_name",
    "last_name",
    "date_of_birth",
    "phone_mobile",
    "email_address",
    "address_line1",
    "city",
    "ssn",
]
REAL_PHONE = r"^\([2-9][0-8]\d\) [2-9]\d\d-\d{4}$"


@pytest.fixture(scope="module")
def clinic():
    return one_clinic(defects=False)


@pytest.fixture(scope="module")
def people(clinic):
    """Patient rows with what is true of them."""
    return clinic.tables["patients"].join(clinic.truth, on="patient_id")


@pytest.fixture(scope="module")
def pairs(people):
    """Second registrations with the first one's fields as `…_first`."""
    first = people.filter(~pl.col("kind").is_in(DUPLICATE_KINDS)).select("person_id", "patient_id", *VISIBLE)
    return people.filter(pl.col("kind").is_in(DUPLICATE_KINDS)).join(first, on="person_id", suffix="_first")


def of_kind(pairs, kind):
    rows = pairs.filter(pl.col("kind") == kind)
    assert len(rows), f"no {kind}"
    return rows


def test_the_truth_names_every_patient_row_once(clinic, people):
    assert len(people) == len(clinic.tables["patients"]) == len(clinic.truth)
    assert people["patient_id"].n_unique() == len(people)


def test_the_share_of_second_registrations_is_that_of_the_parameters(people):
    share = people["kind"].is_in(DUPLICATE_KINDS).mean()
    assert 0.07 < share < 0.09


def test_every_way_of_registering_twice_and_every_trap_occurs(people):
    assert set(DUPLICATE_KINDS) | set(TRAP_KINDS) | {"unique", "original"} == set(people["kind"])


def test_every_second_registration_has_exactly_one_first(people):
    persons = people.group_by("person_id").agg(
        pl.len().alias("rows"),
        pl.col("kind").is_in(DUPLICATE_KINDS).sum().alias("second"),
        pl.col("household_id").n_unique(),
    )
    assert (persons["rows"] - persons["second"] == 1).all()
    assert (persons["household_id"] == 1).all()
    doubled = people.filter(pl.col("person_id").is_in(persons.filter(pl.col("second") > 0)["person_id"].implode()))
    assert set(doubled.filter(~pl.col("kind").is_in(DUPLICATE_KINDS))["kind"]) == {"original"}


def test_second_registrations_come_after_the_first(people, pairs):
    created = people.select("patient_id", "created_at")
    both = pairs.join(created, left_on="patient_id_first", right_on="patient_id", suffix="_earlier")
    assert (both["created_at"] >= both["created_at_earlier"]).all()


@pytest.mark.parametrize(
    ("kind", "condition"),
    [
        ("exact_reregistration", pl.all_horizontal(pl.col(c).eq_missing(pl.col(f"{c}_first")) for c in VISIBLE)),
        (
            "name_typo",
            (pl.col("first_name") != pl.col("first_name_first")) | (pl.col("last_name") != pl.col("last_name_first")),
        ),
        (
            "swapped_names",
            (pl.col("first_name") == pl.col("last_name_first")) & (pl.col("last_name") == pl.col("first_name_first")),
        ),
        ("birth_date_typo", pl.col("date_of_birth") != pl.col("date_of_birth_first")),
        (
            "married_and_moved",
            (pl.col("last_name") != pl.col("last_name_first"))
            & (pl.col("address_line1") != pl.col("address_line1_first")),
        ),
        (
            "contact_changed",
            (pl.col("address_line1") != pl.col("address_line1_first"))
            & (pl.col("phone_mobile") != pl.col("phone_mobile_first")),
        ),
        ("missing_fields", pl.col("ssn").is_null() & pl.col("middle_name").is_null()),
        ("accents_dropped", ~(pl.col("first_name") + pl.col("last_name")).str.contains(r"[^\x00-\x7f]|['-]")),
        ("merged_earlier", pl.col("is_deleted") & (pl.col("patient_status") == "merged")),
    ],
)
def test_a_second_registration_shows_what_its_kind_says(pairs, kind, condition):
    assert of_kind(pairs, kind).select(condition.all()).item()


def test_nicknames_mojibake_and_swapped_days_come_from_the_first_registration(pairs):
    for row in of_kind(pairs, "nickname").iter_rows(named=True):
        assert row["first_name"] in nicknames()[row["first_name_first"]]
    for row in of_kind(pairs, "mojibake_name").iter_rows(named=True):
        assert (row["first_name"], row["last_name"]) == (
            garbled(row["first_name_first"]),
            garbled(row["last_name_first"]),
        )
        assert row["first_name"] + row["last_name"] != row["first_name_first"] + row["last_name_first"]
    swapped = of_kind(pairs, "birth_date_day_month").with_columns(pl.col("^date_of_birth.*$").str.to_date())
    for row in swapped.iter_rows(named=True):
        assert row["date_of_birth"] == day_and_month_swapped(row["date_of_birth_first"]) != row["date_of_birth_first"]


def test_twins_share_birth_date_and_address_but_not_the_first_name(people):
    twins = (
        people.filter(pl.col("kind") == "twin_trap")
        .group_by("household_id")
        .agg(
            pl.col("person_id").n_unique(),
            pl.col("first_name").n_unique(),
            pl.col("last_name").n_unique(),
            pl.col("date_of_birth").n_unique(),
            pl.col("address_line1", "city").n_unique(),
        )
    )
    assert len(twins) >= 2
    assert twins.select(pl.col("person_id", "first_name") == 2).to_numpy().all()
    assert twins.select(pl.col("last_name", "date_of_birth", "address_line1", "city") == 1).to_numpy().all()


def test_juniors_bear_the_name_of_a_senior_who_is_a_generation_older(people):
    house = (
        people.filter(pl.col("kind") == "junior_senior_trap")
        .sort("household_id", "date_of_birth")
        .group_by("household_id")
        .agg(pl.col("first_name", "last_name").n_unique(), pl.col("suffix"), pl.col("date_of_birth").str.to_date())
    )
    assert len(house) and house.select(pl.col("first_name", "last_name") == 1).to_numpy().all()
    for row in house.iter_rows(named=True):
        assert row["suffix"] == ["Sr", "Jr"]
        assert (row["date_of_birth"][1] - row["date_of_birth"][0]).days > 18 * 365


def test_strangers_who_share_a_number_or_a_name_are_different_persons(people):
    shared = (
        people.filter(pl.col("kind") == "shared_ssn_trap")
        .group_by("ssn")
        .agg(pl.col("person_id", "household_id").n_unique())
    )
    assert len(shared) and (shared["person_id"] == 2).all() and (shared["household_id"] == 2).all()
    same_name = (
        people.filter(pl.col("kind") == "namesake_trap")
        .group_by("first_name", "last_name")
        .agg(pl.col("person_id").n_unique())
    )
    assert len(same_name) and (same_name["person_id"] >= 2).all()


def test_housemates_share_address_and_some_the_phone_and_the_mailbox(people):
    first = people.filter(~pl.col("kind").is_in(DUPLICATE_KINDS))
    houses = (
        first.group_by("household_id")
        .agg(
            pl.len(),
            pl.col("address_line1").n_unique(),
            pl.col("phone_primary").n_unique(),
            pl.col("email_address").drop_nulls().n_unique().alias("mails"),
            pl.col("email_address").drop_nulls().len().alias("known"),
        )
        .filter(pl.col("len") > 1)
    )
    assert (houses["address_line1"] == 1).all()
    assert 0.1 < (houses["phone_primary"] < houses["len"]).mean() < 0.6
    assert 0.03 < (houses["mails"] < houses["known"]).mean() < 0.4


def test_city_state_zip_and_phones_are_real_and_belong_together(people):
    known = people.drop_nulls(["zip_code", "city", "state"]).select(pl.col("zip_code").alias("zip"), "city", "state")
    assert known.join(clinic_table("places"), on=["zip", "city", "state"], how="anti").is_empty()
    for column in ("phone_primary", "phone_mobile", "emergency_phone"):
        assert people[column].drop_nulls().str.contains(REAL_PHONE).all()
        assert not people[column].drop_nulls().str.contains(r"\) (555|.11)-").any()


def test_names_come_from_several_languages_and_scripts(clinic, people):
    assert people["preferred_language"].n_unique() >= 6
    assert 0.03 < people["last_name"].str.contains(r"[^\x00-\x7f]").mean() < 0.3
    assert people["last_name"].str.contains(r"^(de|De|van|Van|von|O'|D'|Mc|Al-)").any()
    scripts = clinic.tables["patient_aliases"].filter(pl.col("alias_type") == "legal")["last_name"]
    assert scripts.str.contains(r"[\p{Han}\p{Arabic}\p{Hangul}\p{Cyrillic}ễầạỳ]").any()


def test_ages_are_those_of_a_wellness_clinic(people):
    age = (
        people.select((pl.date(2026, 6, 30) - pl.col("date_of_birth").str.to_date()).dt.total_days() / 365.25)
        .to_series()
        .drop_nulls()
    )
    assert 42 < age.median() < 52
    assert age.min() >= 14 and age.max() < 99
    assert 0.0 < (age < 18).mean() < 0.05


def test_the_clinical_history_is_split_over_both_registrations(clinic, pairs):
    living = pairs.filter(pl.col("kind") != "merged_earlier")
    visits = clinic.tables["encounters"]["patient_id"]
    assert living["patient_id"].is_in(visits.implode()).mean() > 0.5
    assert living["patient_id_first"].is_in(visits.implode()).mean() > 0.8
    merged = pairs.filter(pl.col("kind") == "merged_earlier")["patient_id"]
    assert not merged.is_in(visits.implode()).any()
    assert set(merged) == set(clinic.tables["patient_merge_log"]["from_patient_id"])


def test_credits_of_members_are_the_sum_of_the_ledger_and_never_negative(clinic):
    members, ledger = clinic.tables["25againmembers"], clinic.tables["25againpackagecredits"]
    signed = pl.when(pl.col("entry_type") == "grant").then("credits").otherwise(-pl.col("credits"))
    sums = ledger.group_by("member_id").agg(signed.sum().alias("left"), pl.col("balance_after").min().alias("lowest"))
    both = members.join(sums, on="member_id", how="left")
    assert (both["package_credits"] == both["left"]).all()
    assert both["lowest"].min() >= 0
    assert members["patient_id"].n_unique() == len(members)


def test_meetings_paid_by_credit_and_ledger_entries_name_each_other(clinic):
    meetings, ledger = clinic.tables["25againzoommeeting"], clinic.tables["25againpackagecredits"]
    paid = meetings.filter(pl.col("billing_status") == "package credit")
    entries = ledger.drop_nulls("meeting_id").join(meetings, on="meeting_id")
    assert len(paid) and set(paid["meeting_id"]) == set(entries["meeting_id"])
    assert (entries["entry_date"] == entries["meeting_date"].dt.date()).all()


def test_active_memberships_renew_in_the_future_and_all_after_their_start(clinic):
    members = clinic.tables["25againmembers"].with_columns(pl.col("renewal_date", "start_date").str.to_date())
    active = members.filter(pl.col("membership_status") == "Active")
    assert active.select((pl.col("renewal_date") >= pl.date(2026, 6, 30)).all()).item()
    assert members.select((pl.col("renewal_date") > pl.col("start_date")).all()).item()


def test_nearly_all_meetings_and_most_visits_have_their_appointment(clinic):
    appointments = clinic.tables["appointments"].select(
        "appointment_id", pl.col("patient_id").alias("booked"), "appointment_date"
    )
    meetings = clinic.tables["25againzoommeeting"].join(appointments, on="appointment_id")
    assert 0.9 < len(meetings) / len(clinic.tables["25againzoommeeting"]) <= 1
    assert (meetings["patient_id"] == meetings["booked"]).all()
    assert (meetings["meeting_date"] == meetings["appointment_date"]).all()
    assert 0.1 < clinic.tables["encounters"]["appointment_id"].is_null().mean() < 0.3


def test_every_reference_of_every_table_resolves(clinic):
    catalogue = load_catalogue(params_dir() / "catalog")
    orphans = []
    for column in (column for table in catalogue.tables for column in table.references):
        table, key = column.references
        children = clinic.tables[column.table][column.name].drop_nulls().cast(pl.String)
        parents = clinic.tables[table][key].cast(pl.String).unique()
        if not children.is_in(parents.implode()).all():
            orphans.append(f"{column.table}.{column.name}")
    assert orphans == []


@pytest.mark.slow
def test_the_same_seed_gives_the_same_people_and_another_one_others():
    build = one_clinic.__wrapped__
    first, again, other = (build(60, seed, defects=True).tables for seed in (5, 5, 6))
    assert all(first[name].equals(again[name]) for name in first)
    assert not other["patients"]["last_name"].equals(again["patients"]["last_name"])


def test_all_mistakes_in_the_people_section_are_told():
    params = ClinicParams(as_of="2026-06-30", people={"duplicate_share": 0.9, "colour": "red"})
    with pytest.raises(ConfigurationError) as problem:
        people_params(params)
    assert "people.duplicate_share" in str(problem.value) and "people.colour" in str(problem.value)
    with pytest.raises(ConfigurationError, match="no such kind: telepathy"):
        people_params(ClinicParams(as_of="2026-06-30", people={"duplicate_kinds": {"telepathy": 1}}))


@pytest.mark.parametrize("word", ["Li", "Ng", "Johnson", "O'Brien", "de la Cruz", "X"])
def test_a_typo_changes_the_word_by_little(word):
    changed = {typo(np.random.default_rng(seed), word) for seed in range(40)}
    assert word not in changed or len(changed) > 1
    assert all(abs(len(other) - len(word)) <= 1 for other in changed)
