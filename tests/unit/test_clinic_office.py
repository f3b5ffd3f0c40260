"""Staff, scheduling, billing and reference tables, made around hand-made visits of 150 patients."""

import re
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from ennu_lib.catalog import load_catalogue
from ennu_lib.clinic import office
from ennu_lib.clinic.check_digits import loinc_numbers, npis, verhoeff_digit
from ennu_lib.clinic.chunk import REFERENCE_CHUNK, Chunk, KeyCounter
from ennu_lib.clinic.conform import conform
from ennu_lib.clinic.labels import LabelSink
from ennu_lib.clinic.params import load_clinic_params

PARAMS = Path(__file__).parents[2] / "params"
CATALOGUE = load_catalogue(PARAMS / "catalog")
PATIENTS = 150
CENT = 0.005
ICD10 = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")
ICD9 = re.compile(r"(\d{3}(\.\d{1,2})?|V\d{2}(\.\d{1,2})?|E\d{3}(\.\d)?)")


def chunk(index: int, keys: KeyCounter, floor: int = 100) -> Chunk:
    params = load_clinic_params(PARAMS / "clinic.yml").model_copy(update={"fixed_table_floor": floor})
    return Chunk(
        index=index,
        first_patient=1,
        patients=PATIENTS,
        total_patients=PATIENTS,
        seed=3,
        as_of=params.as_of,
        params=params,
        catalogue=CATALOGUE,
        labels=LabelSink(None),
        keys=keys,
    )


def hand_made_care(shared: dict[str, pl.DataFrame], as_of: date) -> dict[str, pl.DataFrame]:
    """Patients with visits, telehealth meetings, memberships with fees, and laboratory orders."""
    rng = np.random.default_rng(8)
    n, today = 1_400, (as_of - date(1970, 1, 1)).days
    moment = (today - rng.integers(1, 2_500, n)) * 86_400 + rng.integers(32, 70, n) * 900
    kind = rng.choice(["office visit", "telehealth", "lab draw", "injection", "pellet", "initial consult"], n)
    providers = shared["providers"].filter(pl.col("end_date").is_null())["provider_id"]
    visits = pl.DataFrame(
        {
            "encounter_id": np.arange(1, n + 1),
            "patient_id": rng.integers(1, PATIENTS + 1, n),
            "provider_id": providers.gather(rng.integers(0, len(providers), n)),
            "facility_id": rng.integers(1, 8, n),
            "appointment_id": pl.Series([None] * n, dtype=pl.Int64),
            "encounter_date": pl.Series(moment * 1_000_000).cast(pl.Datetime("us")),
            "encounter_type": kind,
            "is_telehealth": kind == "telehealth",
            "status": rng.choice(["signed", "open", "cancelled", "void"], n, p=[0.9, 0.04, 0.04, 0.02]),
            "is_deleted": rng.random(n) < 0.01,
        }
    )
    meetings = visits.filter(pl.col("is_telehealth")).select(
        pl.col("encounter_id").alias("meeting_id"),
        "patient_id",
        "provider_id",
        pl.col("encounter_date").alias("meeting_date"),
        pl.lit("completed").alias("meeting_status"),
    )
    members = pl.DataFrame(
        {
            "member_id": np.arange(1, 36),
            "patient_id": np.arange(1, 36),
            "membership_status": ["Active", "Cancelled"] * 17 + ["Active"],
            "billing_frequency": ["Monthly"] * 35,
            "monthly_fee": [149.0] * 35,
        }
    )
    days = pl.Series((today - rng.integers(1, 900, 700)).astype(np.int32)).cast(pl.Date)
    fees = pl.DataFrame(
        {
            "member_billing_id": np.arange(1, 701),
            "member_id": rng.integers(1, 36, 700),
            "charge_date": days,
            "amount": rng.choice([149.0, 199.5], 700),
            "result": rng.choice(["approved", "declined", "void"], 700, p=[0.9, 0.07, 0.03]),
        }
    )
    orders = pl.DataFrame(
        {
            "order_id": np.arange(1, 431),
            "patient_id": rng.integers(1, PATIENTS + 1, 430),
            "ordering_provider": providers.gather(rng.integers(0, len(providers), 430)),
            "order_date": days.head(430),
        }
    )
    died = [date(2025, 1, 1)] * 5 + [None] * (PATIENTS - 5)
    patients = pl.DataFrame({"patient_id": np.arange(1, PATIENTS + 1), "deceased_date": died})
    return {
        "patients": patients,
        "encounters": visits,
        "25againzoommeeting": meetings,
        "25againmembers": members,
        "25againmemberbilling": fees,
        "lab_orders": orders,
    }


def build(floor: int = 100, care: bool = True) -> dict[str, pl.DataFrame]:
    keys = KeyCounter()
    shared = chunk(REFERENCE_CHUNK, keys, floor)
    shared.reference = shared.frames
    for generator in office.REFERENCE:
        shared.frames.update(generator(shared))
    portion = chunk(0, keys, floor)
    portion.reference = shared.frames
    made = hand_made_care(shared.frames, portion.as_of)
    portion.frames.update(made if care else {name: frame.clear() for name, frame in made.items()})
    for generator in office.PER_CHUNK:
        portion.frames.update(generator(portion))
    return {**shared.frames, **portion.frames}


@pytest.fixture(scope="module")
def made() -> dict[str, pl.DataFrame]:
    return build()


def of_the_office(made: dict[str, pl.DataFrame]) -> list[str]:
    groups = ("billing", "scheduling", "admin_reference")
    return [table.name for table in CATALOGUE.tables if table.group in groups and table.name in made]


def sums(frame: pl.DataFrame, by: str, amount: pl.Expr) -> dict[int, float]:
    return dict(frame.group_by(by).agg(amount.sum().alias("sum")).rows())


# --- all tables


def test_only_purely_generic_tables_are_left_to_the_catalogues_content(made):
    groups = ("billing", "scheduling", "admin_reference")
    bespoke = {
        table.name
        for table in CATALOGUE.tables
        if table.group in groups and any(column.content == "bespoke" for column in table.columns)
    }
    assert bespoke == set(of_the_office(made))


def test_every_frame_has_the_catalogues_shape_and_some_rows(made):
    for name in of_the_office(made):
        frame = conform(CATALOGUE.table(name), made[name])
        assert frame.height > 0, name


def test_keys_are_unique(made):
    for name in of_the_office(made):
        table = CATALOGUE.table(name)
        for column in [*table.primary_key, *(c.name for c in table.columns if c.unique), *table.row_key]:
            assert made[name][column].is_unique().all(), (name, column)


def test_every_reference_inside_the_office_resolves(made):
    for name in of_the_office(made):
        for column in CATALOGUE.table(name).references:
            parent, key = column.references
            if parent in made and column.name in made[name].columns:
                lost = made[name].filter(~pl.col(column.name).is_in(made[parent][key].implode()))
                assert lost[column.name].null_count() == lost.height, (name, column.name)


def test_enumerations_hold_only_their_values_and_text_fits(made):
    for name in of_the_office(made):
        for column in CATALOGUE.table(name).columns:
            if column.name not in made[name].columns:
                continue
            values = made[name][column.name].drop_nulls()
            if column.type.kind == "enum":
                assert set(values.unique()) <= set(column.type.values), (name, column.name)
            if column.type.length:
                assert (values.str.len_chars().max() or 0) <= column.type.length, (name, column.name)


def test_the_same_seed_gives_the_same_rows(made):
    again = build()
    for name in of_the_office(made):
        assert made[name].equals(again[name], null_equal=True), name


def test_a_clinic_with_the_shortest_code_lists_can_be_built():
    assert build(floor=1)["appointments"].height > 0


def test_patients_whom_nobody_saw_have_no_appointments_and_owe_nothing():
    unseen = build(care=False)
    assert unseen["appointments"].is_empty()
    assert unseen["billing_records"].is_empty()
    assert unseen["patient_balances"]["current_balance"].to_list() == [0.0] * PATIENTS


# --- reference tables


@pytest.mark.parametrize(("number", "digit"), [(236, 3), (4405400, 6), (4093000, 8), (5962100, 0)])
def test_verhoeff_digit_of_known_numbers(number, digit):
    assert verhoeff_digit(np.array([number, 7]))[0] == digit


def test_npi_and_loinc_check_digits_of_known_numbers():
    assert npis(np.array([123456789]))[0] == "1234567893"
    assert loinc_numbers(np.array([2986, 4548, 98979])).to_list() == ["2986-8", "4548-4", "98979-8"]


def luhn_holds(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return sum(d if n % 2 == 0 else sum(divmod(2 * d, 10)) for n, d in enumerate(digits)) % 10 == 0


def test_identifiers_of_providers_hold_their_check_digit(made):
    numbers = made["providers"]["npi"].to_list()
    assert all(len(npi) == 10 and npi[0] in "12" and luhn_holds("80840" + npi) for npi in numbers)
    credentials = made["provider_credentials"]
    by_type = credentials.filter(pl.col("npi").is_not_null())["credential_type"].unique().to_list()
    assert by_type == ["NPI"]


def test_codes_have_the_form_of_their_system(made):
    assert all(ICD10.fullmatch(code) for code in made["diagnosis_codes_icd10"]["code"])
    assert all(ICD9.fullmatch(code) for code in made["diagnosis_codes_icd9"]["code"])
    loinc = made["loinc_codes"]["loinc_num"]
    body = loinc.str.split("-").list.first().cast(pl.Int64).to_numpy()
    assert loinc.equals(loinc_numbers(body))
    concepts = made["snomed_codes"]["concept_id"].to_numpy()
    assert (verhoeff_digit(concepts // 10) == concepts % 10).all()


def test_every_biomarkers_loinc_and_unit_is_known(made):
    metrics = pl.read_csv(PARAMS / "clinical" / "biomarkers.csv", infer_schema=False)
    assert set(metrics["loinc_code"].drop_nulls()) <= set(made["loinc_codes"]["loinc_num"])
    assert set(metrics["measurement_unit"]) <= set(made["ucum_units"]["ucum_code"])


def test_towns_of_patients_stand_first_and_lie_in_their_state(made):
    towns = pl.read_csv(PARAMS / "clinic" / "places.csv", infer_schema=False)
    codes = made["postal_codes"]
    assert set(towns["zip"]) <= set(codes["zip"])
    assert codes.head(towns["zip"].n_unique())["time_zone"].null_count() == 0
    joined = towns.join(codes, on="zip").filter(pl.col("state") != pl.col("state_right"))
    assert joined.is_empty()


def test_sites_have_real_time_zones_and_one_is_virtual(made):
    sites = made["facilities"]
    for zone in sites["time_zone"]:
        ZoneInfo(zone)
    assert sites.filter(pl.col("facility_type") == "virtual").height == 1


def test_clinicians_were_employed_before_they_left(made):
    staff = made["providers"].filter(pl.col("end_date").is_not_null())
    assert (staff["end_date"] > staff["hire_date"]).all()
    assert made["staff_users"].filter(pl.col("employee_id").is_null())["user_type"].is_in(["system", "interface"]).all()


# --- scheduling


def test_history_ends_in_the_stored_status_and_never_runs_backwards(made):
    assert made["appointment_status_history"].sort("status_change_id")["changed_at"].is_sorted()
    history = made["appointment_status_history"].sort("changed_at", "status_change_id")
    last = history.group_by("appointment_id").agg(pl.col("status", "changed_at").last())
    booked = made["appointments"].join(last, on="appointment_id", how="left")
    assert (booked["status"] == booked["appointment_status"]).all()
    assert (booked["changed_at"] == booked["last_updated"]).all()
    assert (booked["changed_at"] >= booked["created_at"]).all()


def test_times_of_appointments_fit_their_status(made):
    booked, now = made["appointments"], date(2026, 6, 30)
    minutes = (booked["end_time"] - booked["appointment_date"]).dt.total_minutes()
    assert (minutes == booked["duration"]).all()
    assert minutes.is_between(5, 480).all()
    ahead = booked["appointment_status"].is_in(["Scheduled", "Confirmed"])
    assert (booked.filter(ahead)["appointment_date"].cast(pl.Date) > now).all()
    assert (booked.filter(~ahead)["appointment_date"].cast(pl.Date) <= now).all()


def test_the_dead_have_no_appointment_ahead(made):
    ahead = made["appointments"].filter(pl.col("appointment_date") > pl.datetime(2026, 7, 1))
    assert ahead.filter(pl.col("patient_id") <= 5).is_empty()


def test_visits_know_their_booking(made):
    booked = made["encounters"].filter(pl.col("appointment_id").is_not_null())
    joined = booked.join(made["appointments"], on="appointment_id", suffix="_booked")
    assert joined.height == booked.height
    assert (joined["patient_id"] == joined["patient_id_booked"]).all()
    assert (joined["encounter_date"] == joined["appointment_date"]).all()
    assert 0.6 < booked.height / made["encounters"].height < 0.95


def test_telehealth_is_held_at_the_virtual_site(made):
    virtual = made["facilities"].filter(pl.col("facility_type") == "virtual")["facility_id"][0]
    assert ((made["appointments"]["location"] == virtual) == made["appointments"]["is_telehealth"]).all()


def test_a_rescheduled_visit_points_at_a_later_one_of_the_same_patient(made):
    booked = made["appointments"]
    moved = booked.filter(pl.col("appointment_status") == "Rescheduled")
    joined = moved.join(booked, left_on="rescheduled_to", right_on="appointment_id", suffix="_new")
    assert joined.height == moved.height > 0
    assert (joined["patient_id"] == joined["patient_id_new"]).all()
    assert (joined["appointment_date_new"] > joined["appointment_date"]).all()


# --- billing


def test_lines_add_up_to_the_charge(made):
    lines = made["billing_line_items"]
    total = sums(lines, "billing_id", pl.col("qty") * pl.col("price") - pl.col("discount") + pl.col("tax"))
    for billing_id, amount in made["billing_records"].select("billing_id", "service_amount").rows():
        assert abs(total[billing_id] - amount) < CENT


def settled(made) -> pl.DataFrame:
    """Charges that are not void, with what was allocated, adjusted and refunded."""
    rows = made["billing_records"].filter(pl.col("is_void") == "N")
    for table in ("payment_allocations", "adjustments", "refunds"):
        part = made[table].group_by("billing_id").agg(pl.col("amount").sum().alias(table))
        rows = rows.join(part, on="billing_id", how="left")
    return rows.with_columns(pl.col("payment_allocations", "adjustments", "refunds").fill_null(0))


def test_balances_follow_from_payments_adjustments_and_refunds(made):
    rows = settled(made)
    open_ = rows["service_amount"] - rows["payment_allocations"] - rows["adjustments"] + rows["refunds"]
    assert ((open_ - rows["outstanding_balance"]).abs() < CENT).all()
    assert (rows["outstanding_balance"] >= 0).all()
    assert rows["refunds"].sum() > 0
    assert rows["adjustments"].sum() > 0


def test_void_charges_take_no_money(made):
    void = made["billing_records"].filter(pl.col("is_void") == "Y")
    assert void.height > 0
    assert (void["outstanding_balance"] == 0).all()
    for table in ("payment_allocations", "adjustments", "refunds"):
        assert not made[table]["billing_id"].is_in(void["billing_id"].implode()).any()


def test_status_agrees_with_the_money(made):
    rows, today = settled(made), date(2026, 6, 30)
    of = {status: rows.filter(pl.col("payment_status") == status) for status in rows["payment_status"].unique()}
    assert (of["Paid"]["outstanding_balance"] <= 0).all()
    assert ((of["Partial"]["payment_allocations"] > 0) & (of["Partial"]["outstanding_balance"] > 0)).all()
    assert ((of["Overdue"]["outstanding_balance"] > 0) & (of["Overdue"]["due_date"] < today)).all()
    assert (of["Refunded"]["refunds"] >= of["Refunded"]["payment_allocations"] - CENT).all()
    assert ((of["Pending"]["payment_allocations"] == 0) & (of["Pending"]["due_date"] >= today)).all()


def test_payments_are_allocated_to_the_cent(made):
    allocated = made["payment_allocations"].group_by("payment_id").agg(pl.col("amount").sum().alias("used"))
    paid = made["payments"].join(allocated, on="payment_id", how="left")
    posted = paid.filter(pl.col("status") == "posted")
    assert ((posted["amount"] - posted["used"] - posted["unallocated_amount"]).abs() < CENT).all()
    failed = paid.filter(pl.col("status") == "failed")
    assert failed.height > 0
    assert failed["used"].null_count() == failed.height


def test_an_allocation_stays_with_its_patient(made):
    joined = made["payment_allocations"].join(made["payments"].select("payment_id", "patient_id"), on="payment_id")
    joined = joined.join(made["billing_records"].select("billing_id", "patient_id"), on="billing_id", suffix="_charged")
    assert (joined["patient_id"] == joined["patient_id_charged"]).all()


def test_a_patients_balance_is_the_sum_of_open_charges_less_credit(made):
    open_ = sums(made["billing_records"], "patient_id", pl.col("outstanding_balance"))
    columns = ["aging_0_30", "aging_31_60", "aging_61_90", "aging_over_90"]
    for row in made["patient_balances"].iter_rows(named=True):
        owed = open_.get(row["patient_id"], 0.0)
        assert abs(row["current_balance"] + row["unallocated_credit"] - owed) < CENT
        assert abs(sum(row[name] for name in columns) - owed) < CENT


def test_claims_and_remittances_are_the_sums_of_their_lines(made):
    lines = made["claim_lines"]
    billed = sums(lines, "claim_id", pl.col("billed_amount"))
    paid = sums(lines, "claim_id", pl.col("paid_amount").fill_null(0))
    for claim in made["claims"].iter_rows(named=True):
        assert abs(billed[claim["claim_id"]] - claim["billed_amount"]) < CENT
        assert abs(paid[claim["claim_id"]] - (claim["paid_amount"] or 0)) < CENT
    remitted = sums(made["remittance_lines"], "remittance_id", pl.col("paid_amount"))
    for key, total in made["remittances"].select("remittance_id", "total_paid").rows():
        assert abs(remitted[key] - total) < CENT


def test_payers_pay_no_more_than_they_allow_and_allow_no_more_than_was_billed(made):
    lines = made["claim_lines"].drop_nulls("allowed_amount")
    assert (lines["paid_amount"] <= lines["allowed_amount"] + CENT).all()
    assert (lines["allowed_amount"] <= lines["billed_amount"] + CENT).all()


def test_the_charge_carries_the_status_of_its_claim(made):
    claims = made["claim_lines"].join(made["claims"].select("claim_id", "status"), on="claim_id")
    joined = made["billing_records"].join(claims.select("billing_id", "status"), on="billing_id", how="left")
    assert (joined["insurance_claim"] == joined["status"].fill_null("Not Applicable")).all()
    denied = made["claims"].filter(pl.col("status") == "Denied")
    assert denied["denial_reason_code"].null_count() == 0


def test_claim_history_ends_in_the_stored_status(made):
    history = made["claim_status_history"].sort("changed_at", "claim_status_id")
    last = history.group_by("claim_id").agg(pl.col("status").last().alias("last"))
    joined = made["claims"].join(last, on="claim_id", how="left")
    assert (joined["last"] == joined["status"]).all()


def test_invoices_are_the_sums_of_their_items(made):
    total = sums(made["invoice_items"], "invoice_id", pl.col("amount"))
    for key, amount in made["invoices"].select("invoice_id", "total").rows():
        assert abs(total[key] - amount) < CENT


def test_journals_balance_and_sales_multiply_out(made):
    ledger = made["account_ledger_entries"]
    assert abs(ledger["debit"].sum() - ledger["credit"].sum()) < CENT
    sales = made["product_sales"]
    assert ((sales["quantity"] * sales["unit_price"] - sales["amount"]).abs() < CENT).all()


def test_billed_fees_and_sales_know_their_charge(made):
    for table in ("25againmemberbilling", "product_sales"):
        billed = made[table].filter(pl.col("billing_id").is_not_null())
        assert 0.5 < billed.height / made[table].height < 0.95
    fees = made["25againmemberbilling"].join(made["billing_records"], on="billing_id")
    assert (fees["service_type"] == "Membership").all()
    assert ((fees["amount"] - fees["service_amount"]).abs() < CENT).all()


def test_one_primary_policy_per_patient_and_day(made):
    primary = made["insurance_policies"].filter(pl.col("rank") == 1).sort("patient_id", "effective_from")
    ahead = primary.select(
        pl.col("effective_to"), pl.col("effective_from").shift(-1).over("patient_id").alias("next")
    ).drop_nulls("next")
    assert ahead.height > 0
    assert (ahead["effective_to"] < ahead["next"]).all()


def test_no_posting_lies_in_the_future(made):
    today = date(2026, 6, 30)
    assert (made["billing_records"]["posted_date"] < today).all()
    assert (made["payments"]["posted_date"] < today).all()
    assert (made["refunds"]["refund_date"] < today).all()
