"""The catalogue of source tables: what stands in it, and how it is refused."""

import csv
import shutil
from pathlib import Path

import pytest

from ennu_lib.catalog import ColumnType, load_catalogue
from ennu_lib.errors import ConfigurationError

CATALOG = Path(__file__).parents[2] / "params" / "catalog"

# Column names that the strategy document gives, verbatim.
STRATEGY = {
    "25againmetrics": "metric_id metric_name metric_type optimal_range_male optimal_range_female metric_weight "
    "measurement_unit clinical_significance last_updated",
    "25againmembers": "member_id membership_type membership_status start_date renewal_date package_credits "
    "billing_frequency payment_method referral_source member_notes",
    "25againzoommeeting": "meeting_id patient_id provider_id meeting_date meeting_duration meeting_type "
    "zoom_meeting_id session_notes patient_satisfaction billing_status",
    "25againrecommendations": "recommendation_id patient_id recommendation_type recommendation_text priority_level "
    "implementation_date provider_notes outcome_tracking",
    "patients": "patient_id first_name last_name date_of_birth gender phone_primary phone_mobile email_address "
    "address_line1 address_line2 city state zip_code emergency_contact emergency_phone",
    "clinical_notes": "note_id patient_id provider_id note_date note_type note_text diagnosis_codes treatment_codes "
    "follow_up_required",
    "lab_orders": "order_id patient_id ordering_provider order_date lab_type lab_facility order_status "
    "collection_date result_date provider_notes",
    "lab_results": "result_id lab_order_id test_name test_value reference_range result_status "
    "provider_interpretation trend_analysis",
    "billing_records": "billing_id patient_id service_date service_type service_amount payment_status payment_method "
    "insurance_claim outstanding_balance",
    "appointments": "appointment_id patient_id provider_id appointment_date appointment_type appointment_status "
    "location duration notes",
}
RESERVED = {"order", "group", "range", "interval", "read", "use", "system", "position", "period", "limit", "show"}


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(CATALOG)


def test_holds_the_189_tables_and_16_million_rows(catalogue):
    assert len(catalogue.tables) == 189
    assert sum(table.rows for table in catalogue.tables) == 16_000_000
    assert sum(table.origin == "custom" for table in catalogue.tables) == 25


@pytest.mark.parametrize("table", STRATEGY)
def test_strategy_document_columns_stand_under_their_names(catalogue, table):
    assert set(STRATEGY[table].split()) <= set(catalogue.table(table).column_names)


def test_every_table_holds_more_than_a_name_and_a_key(catalogue):
    assert min(len(table.columns) for table in catalogue.tables) >= 4
    assert sum(len(table.columns) for table in catalogue.tables) > 189 * 9


def test_keys_are_as_untidy_as_in_a_legacy_system(catalogue):
    references = [column for table in catalogue.tables for column in table.references]
    declared = sum(column.declared for column in references) / len(references)
    assert 0.15 <= declared <= 0.35
    assert len([table for table in catalogue.tables if not table.primary_key]) >= 6
    assert any(len(table.primary_key) > 1 for table in catalogue.tables)
    assert any(column.name != column.references[1] for column in references)


def test_names_hold_reserved_words_and_mixed_case(catalogue):
    names = {column.name for table in catalogue.tables for column in table.columns}
    assert names >= RESERVED
    assert any(name != name.lower() for name in names)


def test_table_without_a_primary_key_still_has_a_key_to_name_rows(catalogue):
    table = catalogue.table("care_teams")
    assert table.primary_key == []
    assert table.row_key == ["care_team_id"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("decimal(10,2)", ColumnType("decimal", precision=10, scale=2)),
        ("varchar(40)", ColumnType("varchar", length=40)),
        ("enum(a|b c)", ColumnType("enum", values=("a", "b c"))),
        ("longtext", ColumnType("longtext")),
    ],
)
def test_types_parse(text, expected):
    assert ColumnType.parse(text) == expected


@pytest.mark.parametrize("text", ["varchar", "decimal(2,5)", "int", "enum()", "char(x)", "decimal(0,0)"])
def test_other_types_are_refused(text):
    with pytest.raises(ValueError, match="type"):
        ColumnType.parse(text)


@pytest.fixture
def broken(tmp_path):
    """A copy of the catalogue and a function that changes one row of one of its files."""
    copy = tmp_path / "catalog"
    shutil.copytree(CATALOG, copy)

    def change(file: str, row: int, **values: str) -> None:
        path = copy / file
        with path.open(newline="") as opened:
            rows = list(csv.DictReader(opened))
        rows[row - 2] |= values
        with path.open("w", newline="") as opened:
            writer = csv.DictWriter(opened, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    return copy, change


def mistakes_of(directory: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_catalogue(directory)
    return caught.value.mistakes


def test_all_mistakes_are_reported_at_once_with_file_and_row(broken):
    directory, change = broken
    change("tables.csv", 3, disposition="somewhere", empty_allowed="perhaps")
    change("columns/billing.csv", 2, type="money", null_share="2", key="")
    change("columns/messaging.csv", 6, key="primary", references="patients")
    mistakes = mistakes_of(directory)
    starts = [text.split(":")[0] for text in mistakes]
    assert starts.count("tables.csv row 3") == 2
    assert starts.count("billing.csv row 2") == 2
    assert starts.count("messaging.csv row 6") == 2
    assert len(mistakes) == 6


def test_files_that_disagree_are_refused(broken):
    directory, change = broken
    change("columns/documents.csv", 3, references="patient.patient_id")
    change("columns/documents.csv", 4, references="document_categories.name")
    change("columns/documents.csv", 5, references="encounters.no_such_column")
    change("columns/documents.csv", 7, column="TITLE")
    mistakes = mistakes_of(directory)
    assert [text.split(":")[0] for text in mistakes] == [f"documents.csv row {row}" for row in (7, 3, 4, 5)]
    assert "stands twice" in mistakes[0]
    assert "neither the primary key nor unique" in mistakes[2]


def test_nullable_primary_key_is_refused(broken):
    directory, change = broken
    change("columns/documents.csv", 2, null_share="0.1")
    assert "primary key column may not hold NULL" in mistakes_of(directory)[0]


def test_table_without_columns_is_refused(broken):
    directory, _ = broken
    (directory / "columns" / "messaging.csv").unlink()
    mistakes = mistakes_of(directory)
    assert len(mistakes) == 7
    assert "no columns in columns/messaging.csv" in mistakes[0]


def test_wrong_header_and_missing_file_are_refused(broken):
    directory, _ = broken
    path = directory / "columns" / "messaging.csv"
    path.write_text(path.read_text().replace("null_share", "nulls", 1))
    (directory / "tables.csv").unlink()
    mistakes = mistakes_of(directory)
    assert "tables.csv: no such file" in mistakes
    assert any(text.startswith("messaging.csv: the header must be") for text in mistakes)
