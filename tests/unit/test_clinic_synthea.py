"""Importing a tiny hand-made export in the form of Synthea's CSV files: four people, two sites in two time zones."""

import csv
import json
import shutil
import sqlite3
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
import yaml

from ennu_lib.catalog import load_catalogue
from ennu_lib.clinic import import_synthea, synthea_files
from ennu_lib.clinic.__main__ import main
from ennu_lib.clinic.synthea_account import ImportAccount
from ennu_lib.clinic.synthea_spec import load_import_plan
from ennu_lib.errors import ConfigurationError, DataLost

pytestmark = pytest.mark.slow

PARAMS = Path(__file__).parents[2] / "params"
CATALOGUE = load_catalogue(PARAMS / "catalog")

EXPORT = Path(__file__).parents[1] / "support" / "synthea_export"


def write_export(directory: Path, **changed: str) -> Path:
    """A copy of the export with other texts for some of its files."""
    shutil.copytree(EXPORT, directory)
    for name, text in changed.items():
        (directory / f"{name}.csv").write_text(text)
    return directory


def small_params(directory: Path) -> Path:
    content = yaml.safe_load((PARAMS / "clinic.yml").read_text())
    path = directory / "clinic.yml"
    path.write_text(yaml.safe_dump(content | {"fixed_table_floor": 60}))
    return path


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    directory = tmp_path_factory.mktemp("synthea")
    file = directory / "clinic.sqlite"
    return import_synthea(EXPORT, f"sqlite:///{file}", params=small_params(directory)), file


@pytest.fixture(scope="module")
def rows(imported):
    connection = sqlite3.connect(imported[1])
    yield lambda query: connection.execute(query).fetchall()
    connection.close()


def unplaced(summary, file: str, kind: str = "rows") -> dict[tuple, int]:
    found = summary.unplaced.filter((pl.col("file") == file) & (pl.col("kind") == kind))
    return {(row["column"], row["code"]): row["count"] for row in found.iter_rows(named=True)}


def test_the_whole_schema_is_there(rows):
    assert rows("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'") == [(len(CATALOGUE.tables),)]
    for catalogued in ("25againmetrics", "list_options", "lab_test_catalog", "database_versions"):
        assert rows(f'SELECT COUNT(*) FROM "{catalogued}"')[0][0] > 0


def test_all_patients_are_there_with_their_names_verbatim(imported, rows):
    assert imported[0].patients == 4
    names = rows("SELECT first_name, last_name FROM patients ORDER BY patient_id")
    assert names == [("Ana María697", "Núñez12"), ("Bo8", "Lee5"), ("Cy1", "Old2"), ("Dee4", 'O\'Hara "Dot", 7')]
    assert rows("SELECT patient_status, deceased_date FROM patients WHERE first_name = 'Cy1'") == [
        ("deceased", "2019-05-06")
    ]
    seen = rows("SELECT first_visit_date, created_at, last_updated FROM patients WHERE patient_id IN (1, 2)")
    assert seen == [
        ("2020-07-01", "2020-07-01 20:30:00", "2021-03-01 07:00:00"),
        (None, "2009-09-20 00:00:00", "2009-09-20 00:00:00"),
    ]
    assert rows("SELECT alias_type, last_name FROM patient_aliases") == [("maiden", "Vela532")]


def test_every_row_is_placed_or_counted(imported):
    summary = imported[0]
    assert set(summary.read) == {path.name for path in EXPORT.glob("*.csv")}
    for file, read in summary.read.items():
        with (EXPORT / file).open(newline="") as source:
            assert read == len(list(csv.reader(source))) - 1
        assert read == summary.placed[file] + summary.unplaced_rows[file]


def test_rows_without_a_home_are_told_apart_by_their_code(imported):
    summary = imported[0]
    assert unplaced(summary, "observations.csv") == {("CODE", "DALY"): 1, ("CODE", "2093-3"): 1}
    assert unplaced(summary, "payer_transitions.csv") == {("PAYER_NAME", "NO_INSURANCE"): 1}
    assert unplaced(summary, "supplies.csv") == {("CODE", "337388004"): 1}
    assert unplaced(summary, "conditions.csv") == {("CODE", "59621000"): 1}
    assert unplaced(summary, "claims_transactions.csv") == {("TYPE", "NOVELTY"): 1}
    reasons = summary.unplaced.filter(pl.col("file") == "conditions.csv")["reason"].to_list()
    assert "no problem_list.patient_id" in reasons


def test_values_without_a_home_are_counted_by_column(imported):
    summary = imported[0]
    assert unplaced(summary, "patients.csv", "values") == {("DRIVERS", None): 1, ("PREFIX", None): 1}
    assert unplaced(summary, "procedures.csv", "values")["CODE", None] == 1
    assert ("TOTAL_CLAIM_COST", None) not in unplaced(summary, "encounters.csv", "values")


def test_laboratory_values_are_those_of_the_export(rows):
    found = rows("SELECT loinc_code, test_name, test_value, test_unit FROM lab_results ORDER BY result_id")
    assert found == [
        ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "6.40", "%"),
        ("2093-3", "Total Cholesterol", "188.9", "mg/dL"),
        ("94531-1", "SARS-CoV-2 RNA Pnl Resp NAA+probe", "Not detected (qualifier value)", None),
        ("2093-3", "Total Cholesterol", "201.0", "mg/dL"),
    ]
    results = "(SELECT COUNT(*) FROM lab_results WHERE lab_order_id = order_id)"
    orders = rows(f"SELECT order_id, ordering_provider, {results} FROM lab_orders")
    assert [(provider, results) for _, provider, results in orders[:2]] == [(1, 3), (2, 1)]


def test_observations_reach_the_biomarkers_by_loinc(rows):
    query = """SELECT DISTINCT m.metric_name FROM lab_results r JOIN lab_test_catalog t USING (test_code)
               JOIN "25againmetrics" m USING (metric_id) ORDER BY 1"""
    assert rows(query) == [("Cholesterol, Total",), ("Hemoglobin A1c",)]


def test_instants_become_local_time_of_the_site(rows):
    assert rows("SELECT encounter_date FROM encounters ORDER BY encounter_id") == [
        ("2020-07-01 20:30:00",),
        ("2020-01-15 10:00:00",),
        ("2021-03-01 07:00:00",),
    ]
    zones = rows("SELECT time_zone FROM facilities ORDER BY facility_id")
    assert zones == [("America/Los_Angeles",), ("America/New_York",)]
    assert rows("SELECT encounter_type, is_telehealth FROM encounters WHERE encounter_id = 2") == [("telehealth", 1)]


def test_vital_signs_of_one_moment_make_one_row_and_repetitions_another(rows):
    assert rows("SELECT bp_systolic, bp_diastolic, weight, weight_unit, pulse FROM vitals ORDER BY vital_id") == [
        (131, 87, 70.25, "kg", None),
        (128, None, None, None, None),
    ]


def test_signs_that_vitals_cannot_hold_go_to_the_chart(rows):
    assert rows("SELECT FieldName, FieldValue FROM custom_chart_entries ORDER BY 1") == [
        ("Body mass index (BMI) [Percentile] Per age and gender", "41.6 %"),
        ("Heart rate", "77.5 /min"),
    ]


def test_surveys_become_one_set_of_answers(rows):
    ((answers, count),) = rows("SELECT answers, answered FROM questionnaire_responses")
    assert json.loads(answers) == {"56799-0": "1 Elm St", "72166-2": 'Never "smoked"', "55758-7": "1.0"}
    assert count == 3


def test_clinical_lists(rows):
    assert rows("SELECT code, status, begin_date, end_date FROM problem_list ORDER BY 1") == [
        ("36971009", "resolved", "2020-07-01", "2020-08-01"),
        ("59621000", "active", "2020-01-15", None),
    ]
    assert rows("SELECT allergen, reaction, severity, status FROM allergies") == [
        ("Latex (substance)", "Anaphylaxis; Angioedema", "severe", "A")
    ]
    assert rows("SELECT rxcui, is_active FROM patient_medications") == [("314076", 1)]
    assert rows("SELECT quantity, refills, drug FROM prescriptions") == [(3, 2, "lisinopril 10 MG Oral Tablet")]
    assert rows("SELECT udi FROM implanted_devices") == [("015686551253613611190703174407171050794812112373",)]
    assert rows("SELECT code FROM procedures_performed ORDER BY procedure_id") == [("430193006",), (None,)]
    for table in ("immunizations", "care_plans", "imaging_orders"):
        assert rows(f"SELECT COUNT(*) FROM {table}") == [(1,)]


def test_a_claim_takes_the_amount_of_its_visit_or_its_medication(rows):
    columns = "service_type, service_amount, outstanding_balance, insurance_claim"
    query = f"SELECT {columns} FROM billing_records ORDER BY billing_id"
    assert rows(query) == [
        ("Consultation", 150.1, 0, "Paid"),
        ("Medication", 30, 0, "Paid"),
        ("Consultation", 80, 0, "Not Applicable"),
        ("Consultation", 99.99, 0, "Submitted"),
    ]
    assert rows("SELECT COUNT(*) FROM claims") == [(3,)]
    assert rows("SELECT diagnosis_codes FROM claims WHERE claim_id = 1") == [("36971009;38341003",)]


def test_payments_of_payer_and_patient_settle_the_charge(rows):
    query = """SELECT b.billing_id FROM billing_records b LEFT JOIN payment_allocations a USING (billing_id)
               GROUP BY 1 HAVING ABS(b.service_amount - TOTAL(a.amount) - b.outstanding_balance) > 0.005"""
    assert rows(query) == []
    payments = rows("SELECT type, amount FROM payments ORDER BY amount")
    assert [(kind, round(amount, 2)) for kind, amount in payments] == [
        ("patient", 30.0),
        ("patient", 50.05),
        ("patient", 80.0),
        ("insurance", 99.99),
        ("insurance", 100.05),
    ]


def test_transactions_become_ledger_postings(rows):
    assert rows("SELECT account, debit, credit, period FROM account_ledger_entries ORDER BY 1 DESC") == [
        ("4010", 150.1, 0, "2020-07"),
        ("1010", 0, 100.05, "2020-07"),
    ]


def test_codes_of_the_export_are_in_the_code_tables(rows):
    assert rows("SELECT term FROM snomed_codes WHERE concept_id = 36971009") == [("Sinusitis (disorder)",)]
    assert rows("SELECT name FROM drug_codes_rxnorm WHERE rxcui = '314076'") == [("lisinopril 10 MG Oral Tablet",)]
    assert rows("SELECT class FROM loinc_codes WHERE loinc_num = '94531-1'") == [("IMPORTED",)]


def test_keys_and_rows_are_the_same_every_time_and_in_parts(imported, tmp_path, monkeypatch):
    monkeypatch.setattr(synthea_files, "PART_BYTES", 300)
    file = tmp_path / "again.sqlite"
    again = import_synthea(EXPORT, f"sqlite:///{file}", params=small_params(tmp_path))
    assert again.placed == imported[0].placed
    assert again.unplaced.equals(imported[0].unplaced, null_equal=True)
    first, second = sqlite3.connect(imported[1]), sqlite3.connect(file)
    for query in (
        "SELECT * FROM patients",
        "SELECT patient_id, encounter_date, reason FROM encounters",
        "SELECT patient_id, test_name, test_value, collected_at FROM lab_results",
        "SELECT patient_id, bp_systolic, weight FROM vitals",
    ):
        assert set(first.execute(query)) == set(second.execute(query))


def test_files_that_are_not_needed_may_be_missing(tmp_path):
    export = write_export(tmp_path / "export")
    for name in ("claims.csv", "claims_transactions.csv", "payers.csv", "devices.csv"):
        (export / name).unlink()
    summary = import_synthea(export, f"sqlite:///{tmp_path}/c.sqlite", params=small_params(tmp_path))
    assert summary.absent == ["payers.csv", "devices.csv", "claims.csv", "claims_transactions.csv"]
    assert summary.rows_by_table["patients"] == 4
    assert summary.rows_by_table["implanted_devices"] == 0


def test_a_directory_that_is_no_export_is_refused_with_every_reason(tmp_path):
    export = write_export(tmp_path / "export", observations="DATE,PATIENT,ENCOUNTER,CODE,VALUE\n")
    (export / "patients.csv").unlink()
    with pytest.raises(ConfigurationError) as refused:
        import_synthea(export, f"sqlite:///{tmp_path}/c.sqlite", params=small_params(tmp_path))
    assert len(refused.value.mistakes) == 2
    assert "patients.csv: no such file" in str(refused.value)
    assert "observations.csv: no column CATEGORY, DESCRIPTION, UNITS" in str(refused.value)
    assert not (tmp_path / "c.sqlite").exists()


def test_every_mistake_of_a_plan_is_named(tmp_path):
    shutil.copytree(PARAMS / "synthea", tmp_path / "plan")
    careplans = tmp_path / "plan" / "careplans.yml"
    text = careplans.read_text().replace("codetext: DESCRIPTION", "code_text: DESCRIPTION")
    careplans.write_text(text.replace("date: {date: START}", ""))
    supplies = tmp_path / "plan" / "supplies.yml"
    supplies.write_text(supplies.read_text() + "colour: blue\n")
    with pytest.raises(ConfigurationError) as refused:
        load_import_plan(tmp_path / "plan", CATALOGUE)
    assert sorted(refused.value.mistakes) == [
        "careplans.yml route 1, care_plans: no column code_text",
        "careplans.yml route 1, care_plans: no value for date, which may not be NULL",
        "supplies.yml: unknown key colour",
    ]


def test_an_account_that_does_not_balance_is_data_lost():
    account = ImportAccount(read={"a.csv": 3, "b.csv": 2}, placed={"a.csv": 2, "b.csv": 1})
    account.rows_without_home("b.csv", "CODE", pl.DataFrame({"code": ["x"], "reason": ["none"], "count": [1]}))
    with pytest.raises(DataLost, match=r"a\.csv: 3 rows read, 2 placed, 0 unplaced"):
        account.close()
    account.placed["a.csv"] = 3
    account.close()


def test_nothing_is_left_of_an_import_that_lost_rows(tmp_path, monkeypatch):
    def lose(self):
        raise DataLost("lost")

    monkeypatch.setattr(ImportAccount, "close", lose)
    with pytest.raises(DataLost):
        import_synthea(EXPORT, f"sqlite:///{tmp_path}/c.sqlite", params=small_params(tmp_path))
    assert not list(tmp_path.glob("c.sqlite*"))


def test_the_command_prints_the_account_without_a_patients_name(tmp_path, capsys):
    arguments = ["--from-synthea", str(EXPORT), "--url", f"sqlite:///{tmp_path}/c.sqlite"]
    arguments += ["--params", str(small_params(tmp_path)), "--unplaced", str(tmp_path / "left.csv")]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "observations.csv                  15        13         2" in printed
    assert "4 patients" in printed
    left = (tmp_path / "left.csv").read_text()
    assert "DALY" in left
    for name in ("Ana", "Núñez", "999-10", "Elm"):
        assert name not in printed + left
    assert main(["--from-synthea", str(tmp_path / "nowhere"), "--url", "sqlite:///x.sqlite"]) == 10


def test_moments_are_stored_whole(rows):
    stored = [datetime.fromisoformat(value) for (value,) in rows("SELECT taken_at FROM vitals")]
    assert all(moment.tzinfo is None and moment.microsecond == 0 for moment in stored)
